"""How long the whole grid takes, and whether it converges: 9 specs, 4 chains of 1000 + 1000 each.

Every grid runs in a fresh process: cold with an empty compilation cache, then warm, with the cache that the cold run
left. Wall time is what a user waits, everything included but reading the data; on a machine that others use it is an
upper bound. CPU seconds beside it are the work of all threads, which other load inflates less.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import RESULTS, machine, write_result
from benchmarks.windows import benchmark_window, demo_window, store_window, stored_window
from mmm_pipeline.mmm import ModelData, ModelSpec, SamplerSettings, sample, use_compilation_cache
from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS, MEDIA_TRANSFORMS

__all__ = ["grid", "main", "table"]

RESULT = RESULTS / "grid_speed.json"
_DEGREES = (1, 2, 4)
_WORKER = "--in-this-process"


def main(argv: list[str]) -> None:
    """Measure the grids, print their tables, write the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks grid_speed", description=__doc__.splitlines()[0])
    parser.add_argument("--market", choices=("export", "demo"), action="append", help="repeatable; default: both")
    parser.add_argument("--adstock", choices=MEDIA_TRANSFORMS, action="append", help="repeatable; default: all")
    parser.add_argument("--degrees", type=int, action="append", help="repeatable; default: 1, 2, 4")
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--warmup", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--export", type=Path, help="campaign file; default: MMM_CAMPAIGN_DATA, else simulated")
    parser.add_argument("--window", type=Path, help="a window that another machine kept, instead of a market")
    parser.add_argument("--keep-window", type=Path, help="only write the export's window, for another machine")
    parser.add_argument("--result", type=Path, default=RESULT)
    parser.add_argument(_WORKER, nargs=3, type=Path, metavar=("DATA", "CACHE", "ROWS"), help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    specs = [
        ModelSpec(adstock, degrees)
        for adstock in options.adstock or LIGHTWEIGHT_TRANSFORMS
        for degrees in options.degrees or _DEGREES
    ]
    settings = SamplerSettings(chains=options.chains, warmup=options.warmup, draws=options.draws, seed=options.seed)
    if options.in_this_process:
        data, cache, rows = options.in_this_process
        use_compilation_cache(cache)
        rows.write_text(json.dumps(grid(specs, stored_window(data), settings)), encoding="utf-8")
        return

    if options.keep_window:
        store_window(benchmark_window(options.export)[1], options.keep_window)
        return

    runs = []
    for market in (options.window,) if options.window else options.market or ("export", "demo"):
        what, data = _market(market, options.export)
        with tempfile.TemporaryDirectory() as folder:
            stored = Path(folder) / "window.npz"
            store_window(data, stored)
            for cache in ("cold", "warm"):
                run = _in_fresh_process(argv, stored, Path(folder) / "cache", Path(folder) / "rows.json")
                runs.append({"data": what, "days": data.days, "channels": len(data.channels), "cache": cache, **run})
                print(f"\n{summary(runs[-1])}\n\n{table(runs[-1])}", flush=True)
    size = {"chains": settings.chains, "warmup": settings.warmup, "draws": settings.draws, "seed": settings.seed}
    write_result(options.result, {"size": size, "runs": runs})


def _market(market: str | Path, export: Path | None) -> tuple[str, ModelData]:
    """What the data is, and the window."""
    if isinstance(market, Path):
        return f"window {market.stem}", stored_window(market)
    return benchmark_window(export) if market == "export" else demo_window()


def _in_fresh_process(argv: list[str], data: Path, cache: Path, rows: Path) -> dict[str, Any]:
    load, began = os.getloadavg()[0], time.perf_counter()
    command = [sys.executable, "-m", "benchmarks", "grid_speed", *argv, _WORKER, str(data), str(cache), str(rows)]
    subprocess.run(command, check=True)
    seconds = time.perf_counter() - began
    figures = json.loads(rows.read_text(encoding="utf-8"))
    return {"seconds": round(seconds, 1), **figures, "machine": machine(load)}


def grid(specs: list[ModelSpec], data: ModelData, settings: SamplerSettings) -> dict[str, Any]:
    """Fit the specs one after the other, each with the parallel chains and the escalations of the pipeline."""
    rows = []
    for spec in specs:
        cpu = time.process_time()
        fit = sample(spec, data, settings)
        verdict = fit.convergence
        rows.append(
            {
                "spec": spec.key,
                "seconds": round(fit.seconds, 1),
                "cpu_seconds": round(time.process_time() - cpu, 1),
                "ess_bulk_min": round(verdict.ess_bulk_min),
                "ess_tail_min": round(verdict.ess_tail_min),
                "rhat_max": round(verdict.rhat_max, 4),
                "divergences": verdict.divergences,
                "attempts": len(fit.attempts),
                "converged": verdict.converged,
                "leapfrogs_per_draw": round(float(fit.inference["sample_stats"]["n_steps"].mean()), 1),
            }
        )
    return {"cpu_seconds": round(time.process_time(), 1), "specs": rows}


def summary(run: dict[str, Any]) -> str:
    """One line on a whole grid."""
    converged = sum(row["converged"] for row in run["specs"])
    load = run["machine"]
    return (
        f"{run['data']}, {run['days']} days, {run['channels']} channels, {run['cache']} cache: {run['seconds']:.0f} s "
        f"({run['cpu_seconds']:.0f} CPU s), {converged} of {len(run['specs'])} converged; {load['cores']} cores, load "
        f"{load['load_before']} to {load['load_after']}"
    )


def table(run: dict[str, Any]) -> str:
    """The specs of one grid as a Markdown table."""
    lines = [
        "| spec | seconds | CPU s | min bulk ESS | min tail ESS | max R-hat | divergences | tries | leapfrogs |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['spec'].replace('|', ', ')} | {row['seconds']:.1f} | {row['cpu_seconds']:.1f} | {row['ess_bulk_min']} "
        f"| {row['ess_tail_min']} | {row['rhat_max']:.3f} | {row['divergences']} | {row['attempts']} "
        f"| {row['leapfrogs_per_draw']:.0f} |"
        for row in run["specs"]
    ]
    return "\n".join(lines)
