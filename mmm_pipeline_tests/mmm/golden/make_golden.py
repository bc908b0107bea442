"""Write the golden values: what the original `lightweight-mmm` 0.1.9, unmodified, computes on a small market.

The package does not run beside current NumPy and JAX, so this script runs in an environment of its own, from the
repository root, and its results are kept as JSON files beside it:

    python3.11 -m venv ../lightweight
    ../lightweight/bin/pip install "lightweight-mmm==0.1.9" "numpy<2" "jax==0.4.26" "jaxlib==0.4.26" \
        "numpyro==0.13.1" "scipy<1.13" "pandas<2.2" "arviz<0.19"
    ../lightweight/bin/python mmm_pipeline_tests/mmm/golden/make_golden.py

It computes in double precision (`jax_enable_x64`), so that a difference is one of formulas and not of rounding; on its
own the package computes in single precision. Names, shapes and order of everything are those of the package.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from lightweight_mmm import lightweight_mmm, media_transforms, models, preprocessing  # noqa: E402
from numpyro.infer.util import log_density  # noqa: E402

HERE = Path(__file__).parent
SEED = 20230301
TRAIN_DAYS, DAYS, CHANNELS, FEATURES = 40, 54, 3, 2
FREQUENCY = 365
ADSTOCKS = ("adstock", "hill_adstock", "carryover")
DEGREES = (1, 2, 4)
POINTS = 3


def main() -> None:
    """Write all files."""
    generator = np.random.default_rng(SEED)
    raw = {name: _as_written(values) for name, values in market(generator).items()}
    scaled = scaled_by_the_package(raw)
    _write("market.json", {"train_days": TRAIN_DAYS, "raw": raw, "scaled": scaled})
    _write("transforms.json", {"cases": transform_cases(scaled["media"])})
    points = {
        adstock: [
            {name: _as_written(value) for name, value in parameter_point(adstock, scaled, generator).items()}
            for _ in range(POINTS)
        ]
        for adstock in ADSTOCKS
    }
    _write("models.json", {"frequency": FREQUENCY, "points": points, "models": model_values(scaled, points)})
    _write("fitted.json", after_a_fit(scaled))


def market(generator: np.random.Generator) -> dict[str, np.ndarray]:
    """A market in its own units: a channel always on, a zero-inflated one, and one that starts late."""
    media = np.round(generator.gamma(3.0, (500.0, 2000.0, 90.0), (DAYS, CHANNELS)))
    media[:, 1] *= generator.random(DAYS) < 0.3
    media[:7, 2] = 0.0
    spend = np.round(media * (0.012, 0.004, 0.15) * generator.uniform(0.9, 1.1, media.shape), 2)
    days = np.arange(DAYS)
    features = np.stack([generator.uniform(8.0, 12.0, DAYS), days % 9 == 4], axis=1).astype(float)
    kpi = 900 + 4 * days + 60 * (days % 7 == 5) + media @ (0.1, 0.03, 0.8) + 150 * features[:, 1]
    return {"media": media, "spend": spend, "features": features, "kpi": kpi + generator.normal(0, 60, DAYS)}


def scaled_by_the_package(raw: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Data as the package's documentation scales it: by the means of the train days."""
    scaled = {}
    for name in ("media", "features", "kpi"):
        scaler = preprocessing.CustomScaler(divide_operation=jnp.mean)
        scaler.fit(jnp.asarray(raw[name][:TRAIN_DAYS]))
        scaled[name] = np.asarray(scaler.transform(jnp.asarray(raw[name])))
    scaler = preprocessing.CustomScaler(divide_operation=jnp.mean)
    scaled["costs"] = np.asarray(scaler.fit_transform(jnp.asarray(raw["spend"][:TRAIN_DAYS].sum(axis=0))))
    return scaled


def transform_cases(media: np.ndarray) -> list[dict[str, Any]]:
    """Every transform alone, on the scaled media (its first `days` days), at moderate and at extreme parameters."""
    cases: list[tuple[str, Any, int, dict[str, list[float]]]] = [
        ("adstock", media_transforms.adstock, DAYS, {"lag_weight": [0.02, 0.5, 0.97]}),
        ("adstock", media_transforms.adstock, DAYS, {"lag_weight": [0.9999, 1e-6, 0.3]}),
    ]
    for half_saturation, slope in (([0.5, 1.0, 2.0], [1.0, 2.5, 0.4]), ([0.01, 4.0, 9.0], [0.05, 12.0, 30.0])):
        parameters = {"half_max_effective_concentration": half_saturation, "slope": slope}
        cases.append(("hill", media_transforms.hill, DAYS, parameters))
    for exponent in ([0.9, 0.6, 1.0], [0.01, 0.3, 0.999]):
        cases.append(("exponent", media_transforms.apply_exponent_safe, DAYS, {"exponent": exponent}))
    for retention, delay in (([0.5, 0.8, 0.2], [0.0, 1.3, 3.0]), ([0.99, 0.02, 0.6], [7.7, 0.5, 11.9])):
        for days in (DAYS, 9):
            parameters = {"ad_effect_retention_rate": retention, "peak_effect_delay": delay}
            cases.append(("carryover", media_transforms.carryover, days, parameters))
    return [
        {
            "function": name,
            "days": days,
            "parameters": parameters,
            "result": np.asarray(function(jnp.asarray(media[:days]), *map(jnp.asarray, parameters.values()))),
        }
        for name, function, days, parameters in cases
    ]


def parameter_point(adstock: str, scaled: dict[str, np.ndarray], generator: np.random.Generator) -> dict[str, Any]:
    """Values of all sites of the largest model; smaller models use a part of them. Mostly drawn from the priors."""
    transform = {
        "adstock": lambda: {
            "lag_weight": generator.beta(2, 1, CHANNELS),
            "exponent": generator.beta(9, 1, CHANNELS),
        },
        "hill_adstock": lambda: {
            "lag_weight": generator.beta(2, 1, CHANNELS),
            "half_max_effective_concentration": generator.gamma(1, 1, CHANNELS),
            "slope": generator.gamma(1, 1, CHANNELS),
        },
        "carryover": lambda: {
            "ad_effect_retention_rate": generator.beta(1, 1, CHANNELS),
            "peak_effect_delay": np.abs(generator.normal(0, 2, CHANNELS)),
            "exponent": generator.beta(9, 1, CHANNELS),
        },
    }
    return {
        "intercept": np.abs(generator.normal(0, 2, 1)),
        # A trend of the prior's size would dwarf everything else, and small sigmas the prior.
        "coef_trend": generator.normal(0, 0.05, 1),
        "expo_trend": generator.uniform(0.5, 1.5),
        "sigma": 0.2 + generator.gamma(1, 1, 1),
        "gamma_seasonality": generator.normal(0, 1, (max(DEGREES), 2)),
        "weekday": generator.normal(0, 0.5, 7),
        "coef_extra_features": generator.normal(0, 1, FEATURES),
        "coef_media": np.abs(generator.normal(0, scaled["costs"])),
        **transform[adstock](),
    }


def model_values(scaled: dict[str, np.ndarray], points: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Of every model: joint log density at the points, `mu` on the train days, predictions on the days after."""
    return [
        {
            "adstock": adstock,
            "degrees": degrees,
            "weekday": weekday,
            "features": features,
            **values_at(points[adstock], scaled, adstock, degrees, weekday=weekday, features=features),
        }
        for adstock in ADSTOCKS
        for degrees in DEGREES
        for weekday in (False, True)
        for features in (False, True)
    ]


def values_at(
    points: list[dict[str, Any]],
    scaled: dict[str, np.ndarray],
    adstock: str,
    degrees: int,
    *,
    weekday: bool,
    features: bool,
) -> dict[str, Any]:
    """The values of one model."""
    sites = [{name: jnp.asarray(value) for name, value in point.items()} for point in points]
    for site in sites:
        site["gamma_seasonality"] = site["gamma_seasonality"][:degrees]
        if not weekday:
            del site["weekday"]
        if not features:
            del site["coef_extra_features"]
    extra = jnp.asarray(scaled["features"]) if features else None
    train_extra = extra[:TRAIN_DAYS] if features else None
    media = jnp.asarray(scaled["media"])
    mmm = lightweight_mmm.LightweightMMM(adstock)
    arguments = {
        "media_data": media[:TRAIN_DAYS],
        "extra_features": train_extra,
        "media_prior": jnp.asarray(scaled["costs"]),
        "degrees_seasonality": degrees,
        "frequency": FREQUENCY,
        "transform_function": mmm._model_transform_function,
        "weekday_seasonality": weekday,
        "custom_priors": {},
    }
    observed = jnp.asarray(scaled["kpi"][:TRAIN_DAYS])
    densities = [
        float(log_density(models.media_mix_model, (), {**arguments, "target_data": observed}, site)[0])
        for site in sites
    ]
    trace = {name: jnp.stack([site[name] for site in sites]) for name in sites[0]}
    # What `fit` leaves behind, with the points for its draws; `predict` itself is the package's.
    mmm.trace = trace
    mmm.media, mmm._extra_features, mmm._media_prior = media[:TRAIN_DAYS], train_extra, arguments["media_prior"]
    mmm._degrees_seasonality, mmm._seasonality_frequency, mmm._weekday_seasonality = degrees, FREQUENCY, weekday
    mmm.custom_priors, mmm.n_media_channels, mmm.n_geos, mmm._train_media_size = {}, CHANNELS, 1, TRAIN_DAYS
    train = mmm._predict(rng_key=jax.random.PRNGKey(0), model=mmm._model_function, posterior_samples=trace, **arguments)
    ahead = mmm.predict(media[TRAIN_DAYS:], extra_features=extra[TRAIN_DAYS:] if features else None, seed=0)
    return {"log_density": densities, "mu_train": np.asarray(train["mu"]), "mu_ahead": np.asarray(ahead)}


def after_a_fit(scaled: dict[str, np.ndarray]) -> dict[str, Any]:
    """Nothing is put in place by hand here: `fit`, its trace, and `predict` on the days after, all of the package."""
    mmm = lightweight_mmm.LightweightMMM("carryover")
    mmm.fit(
        media=jnp.asarray(scaled["media"][:TRAIN_DAYS]),
        media_prior=jnp.asarray(scaled["costs"]),
        target=jnp.asarray(scaled["kpi"][:TRAIN_DAYS]),
        extra_features=jnp.asarray(scaled["features"][:TRAIN_DAYS]),
        degrees_seasonality=2,
        seasonality_frequency=FREQUENCY,
        weekday_seasonality=True,
        number_warmup=20,
        number_samples=3,
        number_chains=1,
        seed=SEED,
    )
    ahead = mmm.predict(
        jnp.asarray(scaled["media"][TRAIN_DAYS:]), extra_features=jnp.asarray(scaled["features"][TRAIN_DAYS:]), seed=0
    )
    trace = {name: np.asarray(values) for name, values in mmm.trace.items()}
    mu, _ = trace.pop("mu"), trace.pop("media_transformed")
    return {
        "adstock": "carryover",
        "degrees": 2,
        "frequency": FREQUENCY,
        "trace": trace,
        "mu_train": mu,
        "mu_ahead": np.asarray(ahead),
    }


def _write(name: str, content: dict[str, Any]) -> None:
    """JSON with 12 significant digits; a new line where a name or an object begins, so that changes can be read."""
    text = json.dumps(_plain(content), separators=(",", ":"))
    (HERE / name).write_text(text.replace('],"', '],\n"').replace("},{", "},\n{") + "\n", encoding="utf-8")


def _as_written(value: Any) -> np.ndarray:
    """The value that a reader of the file sees: inputs are rounded before anything is computed from them."""
    return np.asarray(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (np.ndarray, jax.Array)):
        return _plain(np.asarray(value).tolist())
    return float(f"{value:.12g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
