"""Where the time of one leapfrog step goes: parts of the gradient, and what the sampler adds to it.

Each part is differentiated and compiled on its own, inside a loop as the sampler runs it, so parts need not add up to
the whole: what XLA shares or fuses across them shows as a difference. The step is measured twice, as the package
compiles it and, in a process of its own, as XLA compiles it by default. All figures are CPU time, the smallest of
several calls, because other load on the machine only ever adds to them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import RESULTS, machine, write_result
from benchmarks.windows import benchmark_window
from mmm_pipeline.mmm import ModelData, ModelSpec
from mmm_pipeline.mmm.inference import programs
from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS, MEDIA_TRANSFORMS

__all__ = ["main", "parts", "step", "table"]

RESULT = RESULTS / "step_profile.json"
_CALLS, _EVALUATIONS = 10, 2000
_WARMUP, _DRAWS = 100, 40
_WORKER = "--step-of"
_XLA_DEFAULTS = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=1024"


def main(argv: list[str]) -> None:
    """Measure, print the table, write the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks step_profile", description=__doc__.splitlines()[0])
    parser.add_argument("--adstock", choices=MEDIA_TRANSFORMS, action="append", help="repeatable; default: all")
    parser.add_argument("--export", type=Path, help="campaign file; default: MMM_CAMPAIGN_DATA, else simulated")
    parser.add_argument("--result", type=Path, default=RESULT)
    parser.add_argument(_WORKER, choices=MEDIA_TRANSFORMS, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    load = os.getloadavg()[0]
    what, data = benchmark_window(options.export)
    if options.step_of:
        print(json.dumps(step(ModelSpec(options.step_of, 1), data, whole_loops=False)))
        return

    rows = []
    for adstock in options.adstock or LIGHTWEIGHT_TRANSFORMS:
        command = [sys.executable, "-m", "benchmarks", "step_profile", *argv, _WORKER, adstock]
        environment = {**os.environ, "XLA_FLAGS": _XLA_DEFAULTS}
        by_default = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
        rows.append(
            {
                "adstock": adstock,
                **parts(ModelSpec(adstock, 1), data),
                "step": step(ModelSpec(adstock, 1), data),
                "step_by_xla_defaults": json.loads(by_default.stdout.splitlines()[-1]),
            }
        )
        print(table(rows[-1:]).splitlines()[-1], flush=True)
    print(f"\n{what}: {data.days} days, {len(data.channels)} channels; µs of CPU time\n\n{table(rows)}\n")
    write_result(options.result, {"data": what, "machine": machine(load), "microseconds": rows})


def parts(spec: ModelSpec, data: ModelData) -> dict[str, float]:
    """µs of the gradient, and of its parts on their own."""
    import jax
    import jax.numpy as jnp

    from mmm_pipeline.mmm.inference.collapsed import integrated_log_likelihood, moving_columns
    from mmm_pipeline.mmm.inference.density import density_inputs, layout_of, potential_energy
    from mmm_pipeline.mmm.inference.whitening import coordinates, parameters_from_coordinates
    from mmm_pipeline.mmm.numerics.jax_library import JAX

    layout = layout_of(spec, data)
    channels = len(data.channels)

    def priors(u: Any, inputs: Any) -> Any:
        return sum(jnp.sum(values) for values in parameters_from_coordinates(layout, u).values())

    def transform(u: Any, inputs: Any) -> Any:
        names = spec.transform.parameter_names
        own = {name: jax.nn.sigmoid(u[i * channels : (i + 1) * channels]) for i, name in enumerate(names)}
        return jnp.sum(spec.transform.of_prepared(inputs.media[0], own, JAX) * inputs.kpi[0][:, None])

    def likelihood(u: Any, inputs: Any) -> Any:
        residual = inputs.kpi + u[0]
        own = {parameter.name: 1 + u[1] for component in layout.parametric for parameter in component.parameters}
        moving = moving_columns(layout.parametric, own, inputs.linear.moving)
        return integrated_log_likelihood(residual, moving, 1 + u[2:3], inputs.linear)

    def whole(u: Any, inputs: Any) -> Any:
        return potential_energy(layout, u, inputs)

    with jax.enable_x64(True):
        inputs = jax.device_put(density_inputs(spec, data))
        start = 0.3 * jnp.asarray(np.random.default_rng(0).standard_normal(coordinates(layout)))
        measured = {"priors": priors, "transform": transform, "likelihood": likelihood, "gradient": whole}
        return {name: _microseconds(function, start, inputs) for name, function in measured.items()}


def _microseconds(function: Callable[[Any, Any], Any], start: Any, inputs: Any) -> float:
    import jax

    gradient = jax.grad(function)

    def repeated(u: Any, inputs: Any, count: Any) -> Any:
        # A step too short to matter keeps XLA from hoisting the gradient out of the loop.
        return jax.lax.fori_loop(0, count, lambda _, u: u - 1e-9 * gradient(u, inputs), u)

    program = jax.jit(repeated).lower(start, inputs, np.int64(1)).compile(compiler_options=programs.COMPILER_OPTIONS)
    calls = []
    for _ in range(_CALLS):
        began = time.process_time()
        program(start, inputs, np.int64(_EVALUATIONS)).block_until_ready()
        calls.append(time.process_time() - began)
    return round(min(calls) / _EVALUATIONS * 1e6, 1)


def step(spec: ModelSpec, data: ModelData, *, whole_loops: bool = True) -> float:
    """µs of one step of the sampler, its gradient included, after a short warm-up.

    Args:
        spec: the model.
        data: the window.
        whole_loops: whether the package's compiler options are given.
    """
    import jax
    import jax.numpy as jnp

    from mmm_pipeline.mmm.inference import nuts
    from mmm_pipeline.mmm.inference.density import density_inputs, layout_of
    from mmm_pipeline.mmm.inference.whitening import coordinates

    layout, arrays = layout_of(spec, data), density_inputs(spec, data)
    if not whole_loops:
        programs.COMPILER_OPTIONS.clear()
    with jax.enable_x64(True):
        run = programs.program(layout, arrays, 10, None)
        inputs, target = jax.device_put(arrays), jnp.asarray(0.9)
        position = 0.3 * jnp.asarray(np.random.default_rng(0).standard_normal(coordinates(layout)))
        state = run.start(jax.random.key(0), position, inputs)
        state, _ = run.advance(state, nuts.schedule(_WARMUP), np.int32(_WARMUP), target, inputs)
        calls = []
        for _ in range(2 * _CALLS):
            began = time.process_time()
            state, rows = run.advance(state, np.zeros(programs.CHUNK, np.int32), np.int32(_DRAWS), target, inputs)
            steps = int(np.asarray(rows.leapfrogs).sum())  # waits for the call
            calls.append((time.process_time() - began) / steps)
    return round(min(calls) * 1e6, 1)


def table(rows: list[dict[str, Any]]) -> str:
    """The figures as a Markdown table."""
    lines = [
        "| model | priors | transform | likelihood | whole gradient | step | step by XLA's defaults |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    names = ("priors", "transform", "likelihood", "gradient", "step", "step_by_xla_defaults")
    lines += [f"| {row['adstock']} | " + " | ".join(f"{row[name]:.0f}" for name in names) + " |" for row in rows]
    return "\n".join(lines)
