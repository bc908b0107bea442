"""Sample with the original `lightweight-mmm` 0.1.9, unmodified, and write what it took as JSON.

Runs in the environment of that package (how to make it: `mmm_pipeline_tests/mmm/golden/make_golden.py`), so it imports
nothing of this project. `sampling_speed` calls it; by hand:

    ../lightweight/bin/python benchmarks/lightweight_mmm_baseline.py DATA.npz RESULT.json --model carryover

DATA.npz holds mean-scaled arrays: `media` (T, C), `kpi` (T,), `costs` (C,) and, optionally, `features` (T, F).

`LightweightMMM.fit` is one call to NumPyro; here its model and its sampler, with its defaults (single precision, target
acceptance .85, tree depth up to 10, initialised to the median), are called phase by phase, so that warm-up, draws and
compilation can be told apart and trajectories counted. Two things differ, both in its favour: no progress bar, and
chains in parallel where there are cores (`fit` runs them one after the other unless the user configures NumPyro).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """Read the arguments, sample, write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--model", choices=("adstock", "hill_adstock", "carryover"), required=True)
    parser.add_argument("--degrees", type=int, default=1)
    parser.add_argument("--weekday", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--frequency", type=float, default=365.0)
    parser.add_argument("--warmup", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--chains", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.result.write_text(json.dumps(measured(arguments), indent=2) + "\n", encoding="utf-8")


def measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """Times, effective sample sizes and trajectory lengths of one run."""
    import numpyro

    if arguments.chains > 1 and (os.cpu_count() or 1) > 1:
        # As many devices as chains, or NumPyro runs them one after the other; they share the cores.
        numpyro.set_host_device_count(arguments.chains)

    import arviz as az
    import jax
    import jax.numpy as jnp
    import numpy as np
    from lightweight_mmm import lightweight_mmm

    compilation = _Compilation(jax)
    with np.load(arguments.data, allow_pickle=False) as stored:
        data = {name: jnp.asarray(stored[name], dtype=jnp.float32) for name in stored.files}
    mmm = lightweight_mmm.LightweightMMM(arguments.model)
    model_arguments = {
        "media_data": data["media"],
        "extra_features": data.get("features"),
        "target_data": data["kpi"],
        "media_prior": data["costs"],
        "degrees_seasonality": arguments.degrees,
        "frequency": arguments.frequency,
        "transform_function": mmm._model_transform_function,
        "weekday_seasonality": arguments.weekday,
        "custom_priors": {},
    }
    kernel = numpyro.infer.NUTS(
        mmm._model_function, target_accept_prob=0.85, init_strategy=numpyro.infer.init_to_median
    )
    mcmc = numpyro.infer.MCMC(
        kernel,
        num_warmup=arguments.warmup,
        num_samples=arguments.draws,
        num_chains=arguments.chains,
        progress_bar=False,
    )
    warmup_key, draws_key = jax.random.split(jax.random.PRNGKey(arguments.seed))

    began = time.perf_counter()
    mcmc.warmup(warmup_key, **model_arguments)
    jax.block_until_ready(mcmc.last_state.z)
    warmed = time.perf_counter()
    mcmc.run(draws_key, extra_fields=("num_steps", "diverging"), **model_arguments)
    jax.block_until_ready(mcmc.last_state.z)
    ended = time.perf_counter()

    samples = mcmc.get_samples(group_by_chain=True)
    parameters = {
        name: np.asarray(values, dtype=float)
        for name, values in samples.items()
        if name not in ("mu", "media_transformed")
    }
    posterior = az.from_dict(posterior=parameters)
    effective = _flat(az.ess(posterior, method="bulk"))
    extra = mcmc.get_extra_fields(group_by_chain=True)
    steps = np.asarray(extra["num_steps"])
    compiling = [compilation.seconds(began, warmed), compilation.seconds(warmed, ended)]
    return {
        "model": arguments.model,
        "degrees": arguments.degrees,
        "weekday": arguments.weekday,
        "chains": arguments.chains,
        "warmup": arguments.warmup,
        "draws": arguments.draws,
        "seed": arguments.seed,
        "chain_method": mcmc.chain_method,
        "seconds_compiling": sum(compiling),
        "seconds_warmup": warmed - began - compiling[0],
        "seconds_draws": ended - warmed - compiling[1],
        "parameters": int(effective.size),
        "ess_bulk_min": float(np.nanmin(effective)),
        "ess_bulk_median": float(np.nanmedian(effective)),
        "rhat_max": float(np.nanmax(_flat(az.rhat(posterior, method="rank")))),
        "divergences": int(np.asarray(extra["diverging"]).sum()),
        "leapfrogs_per_draw": float(steps.mean()),
        "tree_depth_mean": float(np.ceil(np.log2(steps + 1)).mean()),
        "tree_depth_saturated_share": float((steps >= 2**10 - 1).mean()),
        "versions": {"jax": jax.__version__, "numpyro": numpyro.__version__},
    }


class _Compilation:
    """When JAX traced, lowered and compiled."""

    def __init__(self, jax: Any) -> None:
        self._spans: list[tuple[float, float]] = []
        jax.monitoring.register_event_duration_secs_listener(self._note)

    def seconds(self, begin: float, end: float) -> float:
        """Wall time between two moments that compilation took; nested spans count once."""
        total, reached = 0.0, begin
        for start, stop in sorted(self._spans):
            start, stop = max(start, reached), min(stop, end)
            if stop > start:
                total, reached = total + stop - start, stop
        return total

    def _note(self, event: str, duration: float, **_: Any) -> None:
        if event.startswith("/jax/core/compile"):
            now = time.perf_counter()
            self._spans.append((now - duration, now))


def _flat(dataset: Any) -> Any:
    import numpy as np

    return np.concatenate([np.ravel(values) for values in dataset.data_vars.values()])


if __name__ == "__main__":
    main()
