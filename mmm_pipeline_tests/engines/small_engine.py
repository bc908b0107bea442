"""A real, tiny engine of the contract: a folder like those of `engines/`, whose runner fits by least squares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from mmm_pipeline.engines.catalog import Engine, catalog, shipped_engines
from mmm_pipeline.mmm.simulation.simulate import simulate_market

DESCRIPTION = """\
title = "Small"
about = "least squares on media, for tests"
package = "numpy"
version = "{version}"
python = "3.11"
size_gb = 0.01
install_minutes = 0.1
run_minutes = 0.1
grid = {grid}
"""

RUNNER = """\
import os, signal, subprocess, sys, time
from pathlib import Path

sys.path.insert(0, {exchange!r})
import numpy as np
from exchange import Result, channel_result, curves, forecast, parameters, serve

FAULT = (Path(__file__).parent / "fault.txt").read_text()
folder = Path(sys.argv[1])
print("the small engine speaks")


def fit(request, say):
    say("fitting by least squares")
    if FAULT == "crash":
        raise RuntimeError("the small engine fell over")
    if FAULT == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if FAULT == "hangs":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (Path(__file__).parent / "child.txt").write_text(str(child.pid))
        time.sleep(600)
    media = request.train_media / request.train_media.mean(axis=0)
    design = np.column_stack([np.ones(len(media)), media])
    effect = np.clip(np.linalg.lstsq(design, request.kpi, rcond=None)[0], 0, None)
    rng = np.random.default_rng(request.seed)
    draws = effect * (1 + 0.1 * rng.standard_normal((request.chains, request.draws, len(effect))))
    totals = draws[..., 1:] * media.sum(axis=0)
    ahead = request.media[request.train_days :] / request.train_media.mean(axis=0)
    mean = effect[0] + ahead @ effect[1:]
    noise = rng.standard_normal((200, len(mean))) * request.kpi.std()
    level = request.spend_grid() / request.train_spend * len(media)
    (request.files / "page.html").write_text("<p>what the engine itself shows</p>")
    rows = [channel_result(request, c, totals[..., c]) for c in range(len(request.channels))]
    return Result(
        model="least squares",
        channels=rows,
        holdout=forecast(request, mean + noise, mean),
        curves=curves(request, level[None] * draws.reshape(-1, len(effect))[:, None, 1:]),
        parameters=parameters({{"effect": draws}}),
        baseline=np.full(len(media), effect[0]),
        contributions=media * effect[1:],
        seconds_fit=0.5,
    )


if FAULT == "silent":
    sys.exit(0)
if FAULT == "garbage":
    (folder / "result.json").write_text("{{'not': json")
    sys.exit(0)
if FAULT == "other contract":
    (folder / "result.json").write_text('{{"contract": 99}}')
    sys.exit(0)
if FAULT == "incomplete":
    (folder / "result.json").write_text('{{"contract": 2, "channels": []}}')
    sys.exit(0)
serve("numpy", fit)
"""


def make_engine(
    root: Path, *, name: str = "small", fault: str = "", version: str = np.__version__, grid: bool = False
) -> Engine:
    """Write the engine's folder below `root`; `fault` is what goes wrong with it."""
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "engine.toml").write_text(DESCRIPTION.format(version=version, grid=str(grid).lower()))
    (folder / "requirements.txt").write_text("")
    (folder / "run.py").write_text(RUNNER.format(exchange=str(shipped_engines())))
    (folder / "fault.txt").write_text(fault)
    return catalog(root)[name]


def small_inputs(channels: int = 3, days: int = 70) -> xr.Dataset:
    """Model inputs of a simulated market."""
    return simulate_market(channels=channels, days=days, seed=3).dataset()
