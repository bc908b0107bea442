"""Effective draws per second, against the original `lightweight-mmm` on the same data, machine and run.

Both sides draw the same number of chains, warm-up and kept draws, so that the estimate of the effective sample size has
the same noise on both. The figure compared is the smallest bulk effective sample size over all parameters, divided by
the seconds of warm-up and draws; compilation is left out on both sides and listed on its own.

Once a chain has settled, effective draws grow in proportion to draws, so a shorter run stands for a long one, with
errors either way: a chain that has not settled (see R-hat) is flattered, because its effective sample size is
overestimated; the smallest of a hundred estimates, each at most about chains x draws, holds the faster mixer down; and
a short warm-up leaves steps and metric ill adapted, for whichever sampler depends on them more. With fewer than a few
hundred draws the ratio tells the order of magnitude and no more.

The original runs in an environment of its own, whose interpreter MMM_LIGHTWEIGHT_PYTHON names; how to make it is in
`mmm_pipeline_tests/mmm/golden/make_golden.py`. Without it, this side alone is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.windows import benchmark_window
from mmm_pipeline.mmm import ModelData, ModelSpec, SamplerSettings, SamplingProgress, sample
from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS, MEDIA_TRANSFORMS

__all__ = ["main", "measured", "original_measured", "table"]

LIGHTWEIGHT_PYTHON = "MMM_LIGHTWEIGHT_PYTHON"
RESULT = Path(__file__).parent / "results" / "sampling_speed.json"
_BASELINE = Path(__file__).with_name("lightweight_mmm_baseline.py")
_COMPILE_ONLY = {"warmup": 10, "draws": 4}


def main(argv: list[str]) -> None:
    """Measure, print the table, write the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks sampling_speed", description=__doc__.splitlines()[0])
    parser.add_argument("--adstock", choices=MEDIA_TRANSFORMS, action="append", help="repeatable; default: all")
    parser.add_argument("--degrees", type=int, default=1)
    parser.add_argument("--chains", type=int, default=2)
    parser.add_argument("--warmup", type=int, default=500)
    parser.add_argument("--draws", type=int, default=500, help="100 is a short run; the original takes 0.1-1 s a draw")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--export", type=Path, help="campaign file; default: MMM_CAMPAIGN_DATA, else simulated")
    parser.add_argument("--result", type=Path, default=RESULT)
    options = parser.parse_args(argv)
    settings = SamplerSettings(
        chains=options.chains, warmup=options.warmup, draws=options.draws, seed=options.seed, max_escalations=0
    )

    what, data = benchmark_window(options.export)
    interpreter = os.environ.get(LIGHTWEIGHT_PYTHON)
    if not interpreter:
        print(f"{LIGHTWEIGHT_PYTHON} is not set: the original is not measured")
    load = os.getloadavg()[0]
    runs = []
    for adstock in options.adstock or LIGHTWEIGHT_TRANSFORMS:
        spec = ModelSpec(adstock, options.degrees)
        run: dict[str, Any] = {"adstock": adstock, "this": measured(spec, data, settings)}
        if interpreter:
            run["original"] = original_measured(interpreter, spec, data, settings)
        runs.append(run)
        print(table([run]), flush=True)

    report = {
        "data": {"what": what, "days": data.days, "channels": len(data.channels)},
        "size": {"chains": settings.chains, "warmup": settings.warmup, "draws": settings.draws, "seed": settings.seed},
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load_before": round(load, 1),
            "load_after": round(os.getloadavg()[0], 1),
        },
        "runs": runs,
    }
    options.result.parent.mkdir(parents=True, exist_ok=True)
    options.result.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"\n{what}: {data.days} days, {len(data.channels)} channels; {settings.chains} chains of "
          f"{settings.warmup} + {settings.draws}\n\n{table(runs)}\n\nwritten: {options.result}")  # fmt: skip


def measured(spec: ModelSpec, data: ModelData, settings: SamplerSettings) -> dict[str, Any]:
    """Times and diagnostics of this package's sampler.

    `seconds_after` is what follows the last draw: the exact draw of the integrated coefficients, the pointwise log
    likelihood and the diagnostics, of which the original's figures contain only their counterpart of the first.
    """
    began = time.perf_counter()
    sample(spec, data, SamplerSettings(**{**vars(settings), **_COMPILE_ONLY}))
    compiling = time.perf_counter() - began

    warmed: dict[int, float] = {}
    ended: dict[int, float] = {}

    def note(report: SamplingProgress) -> None:
        if report.done == report.total:
            (warmed if report.phase == "warmup" else ended)[report.chain] = time.perf_counter()

    began = time.perf_counter()
    fit = sample(spec, data, settings, progress=note)
    finished = time.perf_counter()
    # Chains beyond the cores wait for their turn: draws and warm-up share the wall time as the chains spent theirs.
    drawing = sum(ended[chain] - warmed[chain] for chain in ended) / min(len(ended), os.cpu_count() or 1)
    steps = fit.inference["sample_stats"]["n_steps"].to_numpy()
    diagnostics = fit.diagnostics()
    return {
        "seconds_compiling": compiling,
        "seconds_warmup": max(ended.values()) - began - drawing,
        "seconds_draws": drawing,
        "seconds_after": finished - max(ended.values()),
        "parameters": diagnostics.sizes["parameter"],
        "ess_bulk_min": fit.convergence.ess_bulk_min,
        "ess_bulk_median": float(diagnostics["ess_bulk"].median()),
        "rhat_max": fit.convergence.rhat_max,
        "divergences": fit.convergence.divergences,
        "leapfrogs_per_draw": float(steps.mean()),
    }


def original_measured(interpreter: str, spec: ModelSpec, data: ModelData, settings: SamplerSettings) -> dict[str, Any]:
    """The same of the original, in its own interpreter."""
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        stored, result = Path(folder) / "data.npz", Path(folder) / "result.json"
        arrays = {"media": data.media[0], "kpi": data.kpi[0], "costs": data.spend_share_scale}
        if data.features:
            arrays["features"] = data.feature_values[0]
        np.savez(stored, allow_pickle=False, **arrays)
        command = [interpreter, str(_BASELINE), str(stored), str(result), "--model", spec.adstock]
        command += ["--weekday" if spec.weekday else "--no-weekday"]
        numbers = {
            "degrees": spec.degrees,
            "frequency": spec.seasonality_period_days,
            "warmup": settings.warmup,
            "draws": settings.draws,
            "chains": settings.chains,
            "seed": settings.seed,
        }
        command += [f"--{name}={value}" for name, value in numbers.items()]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{interpreter} failed with status {done.returncode}:\n{done.stderr[-2000:]}")
        return json.loads(result.read_text(encoding="utf-8"))


def table(runs: list[dict[str, Any]]) -> str:
    """The figures as a Markdown table, two rows per adstock and their ratio."""
    header = (
        "model", "sampler", "warm-up s", "draws s", "compile s", "leapfrogs", "min ESS", "R-hat", "divergent",
        "min ESS / s", "ratio", "ratio, draws only",
    )  # fmt: skip
    rows = [header, ("---",) * len(header)]
    for run in runs:
        for side in ("original", "this"):
            if side not in run:
                continue
            figures = run[side]
            ratios: tuple[str, ...] = ("", "")
            if side == "this" and "original" in run:
                ratios = tuple(
                    f"{_per_second(figures, *phases) / _per_second(run['original'], *phases):.1f} x"
                    for phases in (("warmup", "draws"), ("draws",))
                )
            rows.append((
                run["adstock"], side, f"{figures['seconds_warmup']:.1f}", f"{figures['seconds_draws']:.1f}",
                f"{figures['seconds_compiling']:.1f}", f"{figures['leapfrogs_per_draw']:.0f}",
                f"{figures['ess_bulk_min']:.0f}", f"{figures['rhat_max']:.3f}", str(figures["divergences"]),
                f"{_per_second(figures, 'warmup', 'draws'):.3g}", *ratios,
            ))  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _per_second(figures: dict[str, Any], *phases: str) -> float:
    return figures["ess_bulk_min"] / sum(figures[f"seconds_{phase}"] for phase in phases)
