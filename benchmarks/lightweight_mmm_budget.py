"""Plan a budget with the original `lightweight-mmm` 0.1.9, unmodified, on draws that were made elsewhere.

Runs in the environment of that package (how to make it: `mmm_pipeline_tests/mmm/golden/make_golden.py`), so it imports
nothing of this project. `budget_peers` calls it; by hand:

    ../lightweight/bin/python benchmarks/lightweight_mmm_budget.py DATA.npz RESULT.json --model carryover

DATA.npz holds the mean-scaled `media` (T, C), `costs` (C,), `media_scale` (C,), `prices` (C,), `budget`, another plan
to judge (`other_plan`, (C,) media units), and the draws of the posterior under the package's own names, prefixed by
`draw_`. The draws are put where `fit` would have left its own; `find_optimal_budgets` then runs with its defaults but
for the width of the bounds and a fixed seed.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path


def main() -> None:
    """Read the arguments, plan, write the plan."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--model", choices=("adstock", "hill_adstock", "carryover"), required=True)
    parser.add_argument("--degrees", type=int, required=True)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--lower", type=float, required=True, help="share below the mean media that is allowed")
    parser.add_argument("--upper", type=float, required=True, help="share above it")
    arguments = parser.parse_args()

    import jax.numpy as jnp
    import numpy as np
    from lightweight_mmm import lightweight_mmm, optimize_media, preprocessing

    with np.load(arguments.data, allow_pickle=False) as stored:
        data = {name: stored[name] for name in stored.files}
    model = lightweight_mmm.LightweightMMM(arguments.model)
    model.media = jnp.asarray(data["media"], dtype=jnp.float32)
    model.trace = {
        name.removeprefix("draw_"): jnp.asarray(values, dtype=jnp.float32)
        for name, values in data.items()
        if name.startswith("draw_")
    }
    model.n_geos, model.n_media_channels = 1, model.media.shape[1]
    model.custom_priors, model._extra_features = {}, None
    model._media_prior = jnp.asarray(data["costs"], dtype=jnp.float32)
    model._degrees_seasonality, model._seasonality_frequency = arguments.degrees, 365
    model._weekday_seasonality = True
    # Nothing but the model's hash reads these.
    model.media_names = [f"channel_{c}" for c in range(model.n_media_channels)]
    model._train_media_size, model._target = len(data["media"]), None
    model._number_warmup = model._number_samples = model._number_chains = 0
    scaler = preprocessing.CustomScaler(multiply_by=1, divide_by=jnp.asarray(data["media_scale"], dtype=jnp.float32))

    began = time.perf_counter()
    solution, _, _ = optimize_media.find_optimal_budgets(
        n_time_periods=arguments.days,
        media_mix_model=model,
        budget=float(data["budget"]),
        prices=jnp.asarray(data["prices"]),
        media_scaler=scaler,
        bounds_lower_pct=arguments.lower,
        bounds_upper_pct=arguments.upper,
        seed=0,
    )
    seconds = time.perf_counter() - began

    def kpi(media_units: np.ndarray) -> float:
        """What the package itself expects of a plan, baseline included."""
        daily = scaler.transform(jnp.tile(jnp.asarray(media_units) / arguments.days, (arguments.days, 1)))
        return float(model.predict(media=daily, seed=0).mean(axis=0).sum())

    result = {
        "media_units": np.asarray(solution.x, dtype=float).tolist(),
        "seconds": seconds,
        "iterations": int(solution.nit),
        "message": str(solution.message),
        "other_over_own": kpi(data["other_plan"]) - kpi(np.asarray(solution.x)),
    }
    arguments.result.write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
