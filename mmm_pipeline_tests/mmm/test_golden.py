"""The model is that of the original `lightweight-mmm` 0.1.9: its own numbers, kept in `golden/`, come out here too.

`golden/make_golden.py` computed them in double precision with the unmodified package.
"""

from __future__ import annotations

import json
from pathlib import Path

import jax
import numpy as np
import pytest
import xarray as xr
from numpyro.infer.util import log_density
from scipy import stats

from mmm_pipeline.mmm import Convergence, Fit, ModelSpec, media_mix_model, model_data
from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.baseline.design import linear_designs
from mmm_pipeline.mmm.inference.collapsed import linear_block
from mmm_pipeline.mmm.inference.density import density_inputs, layout_of, log_likelihood
from mmm_pipeline.mmm.media.adstock.delayed import DelayedAdstock
from mmm_pipeline.mmm.media.adstock.geometric import GeometricAdstock
from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS
from mmm_pipeline.mmm.media.saturation.hill import HillSaturation
from mmm_pipeline.mmm.media.saturation.power import PowerSaturation
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline_tests.mmm.inference import plain_statement as plain

GOLDEN = Path(__file__).parent / "golden"
MARKET, TRANSFORMS, MODELS, FITTED = (
    json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    for name in ("market", "transforms", "models", "fitted")
)
NAMES = {
    "intercept": "intercept",
    "coef_trend": "trend_coefficient",
    "expo_trend": "trend_exponent",
    "sigma": "noise_sd",
    "gamma_seasonality": "seasonality",
    "weekday": "weekday",
    "coef_extra_features": "feature_coefficient",
    "coef_media": "media_coefficient",
    "lag_weight": "retention",
    "ad_effect_retention_rate": "retention",
    "peak_effect_delay": "peak_delay",
    "exponent": "exponent",
    "half_max_effective_concentration": "half_saturation",
    "slope": "slope",
}
"""What the original calls its parameters, and what they are called here."""

likelihood = jax.jit(log_likelihood, static_argnums=0)


@pytest.fixture(autouse=True)
def _double_precision(quick_compilation):
    with jax.enable_x64(True):
        yield


def model_id(model):
    return f"{model['adstock']}-{model['degrees']}-{model['weekday']}-{model['features']}"


def spec_of(model):
    return ModelSpec(model["adstock"], model["degrees"], weekday=model["weekday"])


def market(features=True):
    """The market in its own units, train days and following days."""
    raw = {name: np.array(values) for name, values in MARKET["raw"].items()}
    dataset = xr.Dataset(
        {
            "media": (("time", "channel"), raw["media"]),
            "spend": (("time", "channel"), raw["spend"]),
            "kpi": ("time", raw["kpi"]),
        },
        coords={
            "time": np.datetime64("2023-03-01", "ns") + np.arange(len(raw["kpi"])) * np.timedelta64(1, "D"),
            "channel": ["always on", "zero-inflated", "late"],
        },
    )
    if features:
        dataset["feature_values"] = (("time", "feature"), raw["features"])
        dataset = dataset.assign_coords(feature=["price", "promotion"])
    return dataset


def train_window(features=True):
    return model_data(market(features), days=slice(0, MARKET["train_days"]))


def named(original, degrees, *, weekday=True, features=True):
    """A point of the original under the names and shapes of here.

    The original counts weekdays from the first day, a Wednesday.
    """
    point = {NAMES[name]: np.array(value) for name, value in original.items()}
    point["weekday"] = np.roll(point["weekday"], 2, axis=-1)
    for name in ("intercept", "trend_coefficient", "noise_sd"):
        point[name] = point[name].squeeze(-1)
    point["seasonality"] = point["seasonality"][..., :degrees, :].reshape(*point["noise_sd"].shape, 2 * degrees)
    unused = {"weekday": not weekday, "feature_coefficient": not features}
    return {name: value for name, value in point.items() if not unused.get(name)}


def points_of(model):
    return [
        named(original, model["degrees"], weekday=model["weekday"], features=model["features"])
        for original in MODELS["points"][model["adstock"]]
    ]


def fit_with(spec, data, points):
    """A fit whose draws are these points."""
    posterior = xr.Dataset(coords={"chain": [0], "draw": np.arange(len(points))})
    for name in points[0]:
        values = np.stack([point[name] for point in points])[None]
        posterior[name] = (("chain", "draw", *(f"{name}_{axis}" for axis in range(values.ndim - 2))), values)
    return Fit(spec, data, az.InferenceData(posterior=posterior), Convergence(True, 1.0, 1e3, 1e3, 0), (), 0.0)


def assert_predicts(fit, mu_train, mu_ahead):
    future = market(bool(fit.data.features)).isel(time=slice(MARKET["train_days"], None))
    fitted = fit.fitted_mean().to_numpy()[0] / fit.data.kpi_scale
    ahead = fit.predict_mean(future["media"], features=future.get("feature_values")).to_numpy()[0] / fit.data.kpi_scale
    np.testing.assert_allclose(fitted, mu_train, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ahead, mu_ahead, rtol=1e-9, atol=1e-9)


def test_scaled_data_and_prior_scales_are_those_of_the_originals_scaler():
    data, scaled = train_window(), MARKET["scaled"]
    days = MARKET["train_days"]
    np.testing.assert_allclose(data.media[0], np.array(scaled["media"])[:days], rtol=1e-10)
    np.testing.assert_allclose(data.kpi[0], np.array(scaled["kpi"])[:days], rtol=1e-10)
    np.testing.assert_allclose(data.feature_values[0], np.array(scaled["features"])[:days], rtol=1e-10)
    np.testing.assert_allclose(data.spend_share_scale, scaled["costs"], rtol=1e-10)


@pytest.mark.parametrize("case", TRANSFORMS["cases"], ids=lambda case: f"{case['function']}-{case['days']}")
def test_each_transform_gives_the_originals_values(case):
    originals = {
        "adstock": GeometricAdstock(),
        "hill": HillSaturation(),
        "exponent": PowerSaturation(),
        "carryover": DelayedAdstock(),
    }
    media = np.array(MARKET["scaled"]["media"])[: case["days"]]
    parameters = {NAMES[name]: np.array(values) for name, values in case["parameters"].items()}
    result = originals[case["function"]].value(media, parameters, NUMPY)
    np.testing.assert_allclose(result, case["result"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("model", MODELS["models"], ids=model_id)
def test_joint_log_density_is_the_originals(model):
    spec, data = spec_of(model), train_window(model["features"])
    for point, expected in zip(points_of(model), model["log_density"], strict=True):
        # Not compiled: three evaluations cost less than a compilation.
        density, _ = log_density(media_mix_model, (spec, data), {}, point)
        assert float(density) == pytest.approx(expected, rel=1e-9)
        assert plain.joint_log_density(spec, data, point) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("model", MODELS["models"], ids=model_id)
def test_collapsed_density_times_the_blocks_conditional_is_the_originals_joint_density(model):
    spec, data = spec_of(model), train_window(model["features"])
    layout, inputs, (design,) = layout_of(spec, data), density_inputs(spec, data), linear_designs(spec, data)
    for point, expected in zip(points_of(model), model["log_density"], strict=True):
        sampled = {name: value for name, value in point.items() if name in sampled_priors(spec, data)}
        prior = sum(family.logpdf(sampled[name]).sum() for name, family in sampled_priors(spec, data).items())
        media = spec.transform.value(data.media[0], {name: v[None] for name, v in sampled.items()}, NUMPY)
        residual = data.kpi[0] - media[0] @ sampled["media_coefficient"]
        exponent = {"trend_exponent": sampled["trend_exponent"][None]}
        block = linear_block(design, residual[None], exponent, sampled["noise_sd"][None])
        linear = np.concatenate([np.atleast_1d(point[name]) for name in design.blocks if name in point])
        windows = {name: sampled[name][None] for name in ("media_coefficient", "noise_sd")}
        collapsed = prior + float(likelihood(layout, sampled | windows, inputs))
        assert collapsed + float(block.log_density(linear[None])[0]) == pytest.approx(expected, rel=1e-9)


def sampled_priors(spec, data):
    """Priors of what is not integrated out."""
    return plain.media_priors(spec.adstock) | {
        "media_coefficient": stats.halfnorm(scale=data.spend_share_scale),
        "trend_exponent": stats.uniform(0.5, 1.0),
        "noise_sd": stats.gamma(1.0),
    }


@pytest.mark.parametrize("model", MODELS["models"], ids=model_id)
def test_fitted_mean_and_predictions_of_following_days_are_the_originals(model):
    fit = fit_with(spec_of(model), train_window(model["features"]), points_of(model))
    assert_predicts(fit, model["mu_train"], model["mu_ahead"])


def test_draws_of_the_originals_own_fit_predict_what_it_predicts():
    trace = {name: np.array(values) for name, values in FITTED["trace"].items()}
    draws = len(FITTED["mu_train"])
    points = [named({name: values[draw] for name, values in trace.items()}, 2) for draw in range(draws)]
    fit = fit_with(ModelSpec("carryover", 2), train_window(), points)
    assert_predicts(fit, FITTED["mu_train"], FITTED["mu_ahead"])


def test_golden_values_cover_every_model_of_the_grid():
    covered = {(m["adstock"], m["degrees"], m["weekday"], m["features"]) for m in MODELS["models"]}
    assert covered == {
        (adstock, degrees, weekday, features)
        for adstock in LIGHTWEIGHT_TRANSFORMS
        for degrees in (1, 2, 4)
        for weekday in (False, True)
        for features in (False, True)
    }
