"""How cost grows with days T and channels C: time per gradient and per draw, and peak memory.

Every size runs in a fresh process, one chain on a simulated market. The step size is set so small that no trajectory
turns before it is cut, at 63 steps, a usual length of a settled chain: the cost of a step does not depend on where it
leads, and a posterior is not wanted here. A step is one gradient and its share of the sampler's own work; its time is
the smallest of several calls, so that other load on the machine matters little.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import RESULTS, machine, write_result
from mmm_pipeline.mmm import ModelData, ModelSpec
from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS, MEDIA_TRANSFORMS

__all__ = ["exponent", "main", "measured", "table"]

RESULT = RESULTS / "growth.json"
_MAX_TREE_DEPTH = 6
_STEPS = 2**_MAX_TREE_DEPTH - 1
_CALLS, _DRAWS_PER_CALL = 5, 8
_STEP_SIZE = 1e-5
_WORKER = "--in-this-process"


def main(argv: list[str]) -> None:
    """Measure all sizes, print the table and the exponents, write the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks growth", description=__doc__.splitlines()[0])
    parser.add_argument("--adstock", choices=MEDIA_TRANSFORMS, action="append", help="repeatable; default: all")
    parser.add_argument("--days", type=int, nargs="+", default=[60, 365, 1095])
    parser.add_argument("--channels", type=int, nargs="+", default=[5, 20, 50, 100])
    parser.add_argument("--result", type=Path, default=RESULT)
    parser.add_argument(_WORKER, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.in_this_process:
        from benchmarks.windows import simulated_window

        window = simulated_window(days=options.days[0] + 28, channels=options.channels[0])
        print(json.dumps(measured(ModelSpec(options.adstock[0], 1), window)))
        return

    load, rows = os.getloadavg()[0], []
    for adstock in options.adstock or LIGHTWEIGHT_TRANSFORMS:
        for days in options.days:
            for channels in options.channels:
                command = [sys.executable, "-m", "benchmarks", "growth", _WORKER, "--adstock", adstock]
                command += ["--days", str(days), "--channels", str(channels)]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                rows.append({"adstock": adstock, **json.loads(done.stdout.splitlines()[-1])})
                print(table(rows[-1:]).splitlines()[-1], flush=True)
    exponents = {adstock: exponent([row for row in rows if row["adstock"] == adstock])
                 for adstock in dict.fromkeys(row["adstock"] for row in rows)}  # fmt: skip
    print(f"\n{table(rows)}\n")
    for adstock, value in exponents.items():
        print(f"{adstock}: time of a step grows as (T C)^{value:.2f} over the sizes of at least 5000 cells")
    write_result(options.result, {"machine": machine(load), "exponents": exponents, "rows": rows})


def measured(spec: ModelSpec, data: ModelData) -> dict[str, Any]:
    """CPU time per step and per draw, CPU seconds of compilation and peak memory of this process."""
    import jax
    import jax.numpy as jnp

    from mmm_pipeline.mmm.inference.density import density_inputs, layout_of
    from mmm_pipeline.mmm.inference.programs import CHUNK, program
    from mmm_pipeline.mmm.inference.whitening import coordinates

    layout, arrays = layout_of(spec, data), density_inputs(spec, data)
    with jax.enable_x64(True):
        began = time.process_time()
        run = program(layout, arrays, _MAX_TREE_DEPTH, None)
        compiling = time.process_time() - began
        inputs, target = jax.device_put(arrays), jnp.asarray(0.9)
        position = 0.1 * jnp.asarray(np.random.default_rng(0).standard_normal(coordinates(layout)))
        state = run.start(jax.random.key(0), position, inputs)._replace(step_size=jnp.asarray(_STEP_SIZE))
        calls = []
        for _ in range(_CALLS):
            began = time.process_time()
            state, rows = run.advance(state, np.zeros(CHUNK, np.int32), np.int32(_DRAWS_PER_CALL), target, inputs)
            steps = int(np.asarray(rows.leapfrogs).sum())
            calls.append((time.process_time() - began) / steps)
    assert steps == _STEPS * _DRAWS_PER_CALL
    seconds = min(calls)
    return {
        "days": data.days,
        "channels": len(data.channels),
        "step_microseconds": round(seconds * 1e6, 1),
        "draw_milliseconds": round(seconds * _STEPS * 1e3, 2),
        "compile_cpu_seconds": round(compiling, 1),
        "peak_memory_mb": round(_peak_memory_mb()),
    }


def _peak_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def exponent(rows: list[dict[str, Any]], least: int = 5000) -> float:
    """Slope of log time per step over log(T C), over the sizes of at least `least` cells; NaN for fewer than two."""
    large = [row for row in rows if row["days"] * row["channels"] >= least]
    if len({row["days"] * row["channels"] for row in large}) < 2:
        return float("nan")
    cells = np.log([row["days"] * row["channels"] for row in large])
    return float(np.polyfit(cells, np.log([row["step_microseconds"] for row in large]), 1)[0])


def table(rows: list[dict[str, Any]]) -> str:
    """The sizes as a Markdown table."""
    lines = [
        "| model | days | channels | µs per step | ms per draw of 63 steps | compile CPU s | peak memory MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['adstock']} | {row['days']} | {row['channels']} | {row['step_microseconds']:.0f} "
        f"| {row['draw_milliseconds']:.2f} | {row['compile_cpu_seconds']:.1f} "
        f"| {row['peak_memory_mb']} |"
        for row in rows
    ]
    return "\n".join(lines)
