"""What a fit says about the past and the future, in KPI units, and that it survives storage."""

from __future__ import annotations

import dataclasses

import arviz as az
import numpy as np
import pytest
import xarray as xr

from mmm_pipeline.errors import ModelInputError, StoredResultError
from mmm_pipeline.mmm import (
    Fit,
    ModelSpec,
    SamplerSettings,
    prior_contributions,
    prior_media_parameters,
    sample,
)
from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS
from mmm_pipeline_tests.mmm.inference import plain_statement as plain

DAYS = 29
AHEAD = 9


@pytest.fixture(scope="module", params=LIGHTWEIGHT_TRANSFORMS)
def fit(request, quick_compilation) -> Fit:
    """A short fit with weekday and features; what is tested holds for any draws."""
    settings = SamplerSettings(chains=2, warmup=60, draws=30, max_escalations=0)
    return sample(ModelSpec(request.param, 2), plain.small_window(days=DAYS, features=2), settings)


@pytest.fixture(scope="module")
def future():
    """Media and features of the coming days in their own units."""
    generator = np.random.default_rng(4)
    days = np.datetime64("2023-03-01", "ns") + (DAYS + np.arange(AHEAD)) * np.timedelta64(1, "D")
    media = xr.DataArray(
        generator.gamma(2.0, 300.0, (AHEAD, 3)) * (generator.random((AHEAD, 3)) < 0.6),
        dims=("time", "channel"),
        coords={"time": days, "channel": ["channel 0", "channel 1", "channel 2"]},
    )
    features = xr.DataArray(
        generator.normal(size=(AHEAD, 2)),
        dims=("time", "feature"),
        coords={"time": days, "feature": ["feature 0", "feature 1"]},
    )
    return media, features


def parameters_of(fit, chain, draw):
    point = fit.posterior.isel(chain=chain, draw=draw)
    return {str(name): values.to_numpy() for name, values in point.data_vars.items()}


def test_contributions_and_baseline_add_up_to_the_fitted_mean_exactly(fit):
    difference = fit.baseline() + fit.contributions().sum("channel") - fit.fitted_mean()
    assert (difference == 0).all()


def test_fitted_mean_is_the_mean_of_the_formulas(fit):
    for chain, draw in ((0, 0), (1, 29)):
        expected = plain.mean(fit.spec, fit.data, parameters_of(fit, chain, draw)) * fit.data.kpi_scale
        np.testing.assert_allclose(fit.fitted_mean().isel(chain=chain, draw=draw), expected, rtol=1e-9)


def test_log_likelihood_is_that_of_the_kpi_in_its_own_units(fit):
    mean, noise = fit.fitted_mean(), fit.posterior["noise_sd"] * fit.data.kpi_scale
    kpi = fit.inference["observed_data"]["kpi"]
    # xarray broadcasts in the order of appearance: the mean leads.
    expected = -0.5 * ((mean - kpi) / noise) ** 2 - np.log(noise) - 0.5 * np.log(2 * np.pi)
    xr.testing.assert_allclose(fit.inference["log_likelihood"]["kpi"], expected)


def test_predictions_continue_time_weekday_and_carried_over_media(fit, future):
    media, features = future
    scaled_media = np.concatenate([fit.data.media[0], media / fit.data.media_scale])[None]
    scaled_features = np.concatenate([fit.data.feature_values[0], features / fit.data.feature_scale])[None]
    joined = dataclasses.replace(fit.data, media=scaled_media, feature_values=scaled_features)
    prediction = fit.predict_mean(media, features=features)
    for chain, draw in ((0, 0), (1, 29)):
        expected = plain.mean(fit.spec, joined, parameters_of(fit, chain, draw), first=DAYS) * fit.data.kpi_scale
        np.testing.assert_allclose(prediction.isel(chain=chain, draw=draw), expected, rtol=1e-9)


def test_prediction_is_labelled_with_the_days_after_the_window(fit, future):
    media, features = future
    prediction = fit.predict(media.to_numpy(), features=features.to_numpy())
    assert prediction.dims == ("chain", "draw", "time")
    np.testing.assert_array_equal(prediction["time"], media["time"])


def test_prediction_does_not_depend_on_the_order_of_the_channels(fit, future):
    media, features = future
    swapped = fit.predict_mean(media.isel(channel=[2, 0, 1]), features=features.isel(feature=[1, 0]))
    xr.testing.assert_equal(swapped, fit.predict_mean(media, features=features))


def test_predictive_noise_has_the_models_size_and_follows_the_seed(fit, future):
    media, features = future
    mean = fit.predict_mean(media, features=features)
    first, again, other = (fit.predict(media, features=features, seed=seed) for seed in (1, 1, 2))
    xr.testing.assert_equal(first, again)
    assert not np.isclose(first, other).any()
    standardised = (first - mean) / (fit.posterior["noise_sd"] * fit.data.kpi_scale)
    assert float(standardised.std()) == pytest.approx(1.0, abs=0.15)
    assert fit.posterior_predictive().dims == ("chain", "draw", "time")


def test_media_parameters_are_flat_over_chains_and_draws(fit):
    parameters = fit.transform_parameters()
    assert {values.shape for values in parameters.values()} == {(60, 3)}
    np.testing.assert_array_equal(parameters["retention"][30:], fit.posterior["retention"].isel(chain=1))
    assert fit.media_coefficients().shape == (60, 1, 3)
    np.testing.assert_array_equal(fit.media_coefficients()[30:, 0], fit.posterior["media_coefficient"].isel(chain=1))


def test_netcdf_keeps_everything(fit, tmp_path):
    path = tmp_path / "fit.nc"
    fit.to_inference_data().to_netcdf(str(path), engine="h5netcdf")
    back = Fit.from_inference_data(az.from_netcdf(str(path), engine="h5netcdf"))
    for name in ("spec", "convergence", "attempts", "seconds"):
        assert getattr(back, name) == getattr(fit, name)
    for field in dataclasses.fields(fit.data):
        np.testing.assert_array_equal(getattr(back.data, field.name), getattr(fit.data, field.name))
    for group in fit.inference.groups():
        xr.testing.assert_identical(back.inference[group].drop_attrs(), fit.inference[group].drop_attrs())
    xr.testing.assert_equal(back.contributions(), fit.contributions())


def test_a_stored_fit_without_its_description_is_refused(fit):
    stored = fit.to_inference_data()
    del stored["constant_data"].attrs["mmm_fit"]
    with pytest.raises(StoredResultError, match="mmm_fit"):
        Fit.from_inference_data(stored)


def test_a_stored_fit_of_another_format_is_refused(fit):
    stored = fit.to_inference_data()
    stored["constant_data"].attrs["mmm_format"] = 99
    with pytest.raises(StoredResultError, match="format 99"):
        Fit.from_inference_data(stored)


def test_prediction_refuses_media_that_lacks_a_channel(fit, future):
    media, features = future
    with pytest.raises(ModelInputError, match="media lack the fitted channel 'channel 2'"):
        fit.predict(media.isel(channel=[0, 1]), features=features)


def test_prediction_refuses_days_that_do_not_follow(fit, future):
    media, features = future
    with pytest.raises(ModelInputError, match="ends on 2023-03-29"):
        fit.predict(media.assign_coords(time=media["time"] + np.timedelta64(1, "D")), features=features)


def test_prediction_refuses_media_that_is_not_finite(fit, future):
    media, features = future
    with pytest.raises(ModelInputError, match=r"media of 'channel 1' on day 0 is nan"):
        fit.predict(media.where(media["channel"] != "channel 1"), features=features)


def test_prediction_of_a_model_with_features_needs_them(fit, future):
    with pytest.raises(ModelInputError, match="give their values"):
        fit.predict(future[0])


def test_prior_draws_have_the_names_of_the_posterior_and_the_priors_quantiles(fit):
    draws = prior_media_parameters(fit.spec, fit.data, draws=20_000, seed=1)
    levels = np.array([0.1, 0.5, 0.9])
    assert list(draws) == ["media_coefficient", *fit.transform_parameters()]
    for name, prior in plain.media_priors(fit.spec.adstock).items():
        quantiles = np.quantile(draws[name], levels, axis=0)
        np.testing.assert_allclose(prior.cdf(quantiles), np.broadcast_to(levels[:, None], (3, 3)), atol=0.015)


def test_prior_contributions_are_those_of_the_prior_parameters(fit):
    parameters = prior_media_parameters(fit.spec, fit.data, draws=3, seed=1)
    contributions = prior_contributions(fit.spec, fit.data, draws=3, seed=1)
    for draw in range(3):
        point = {name: values[draw] for name, values in parameters.items()}
        effect = plain.media_effect(fit.spec.adstock, fit.data.media[0], point).sum(axis=0)
        expected = effect * point["media_coefficient"][0] * fit.data.kpi_scale
        np.testing.assert_allclose(contributions.isel(draw=draw, market=0), expected, rtol=1e-9)
