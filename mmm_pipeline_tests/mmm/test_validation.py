"""What cannot be fitted is refused in words that name the channel, the setting and the value."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm import ModelSpec, Priors, SamplerSettings, fit_data
from mmm_pipeline.mmm.validation import require_fittable, require_samplable
from mmm_pipeline_tests.mmm.plain_statement import small_window

SPEC = ModelSpec("adstock", 1)


def changed(data, name, day, column, value):
    values = getattr(data, name).copy()
    values[(day, column) if values.ndim == 2 else day] = value
    return dataclasses.replace(data, **{name: values})


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_media_that_is_not_finite_names_channel_and_day(value):
    with pytest.raises(ModelInputError, match=r"media 'channel 2' is not finite on 2023-03-05"):
        require_fittable(SPEC, changed(small_window(), "media", 4, 2, value))


def test_negative_media_names_the_channel():
    with pytest.raises(ModelInputError, match=r"channel 'channel 1' has media below zero"):
        require_fittable(SPEC, changed(small_window(), "media", 4, 1, -1.0))


def test_kpi_that_is_not_finite_names_the_day():
    with pytest.raises(ModelInputError, match=r"kpi 'kpi' is not finite on 2023-03-08"):
        require_fittable(SPEC, changed(small_window(), "kpi", 7, None, np.nan))


def test_feature_that_is_not_finite_names_it():
    with pytest.raises(ModelInputError, match=r"feature 'feature 1' is not finite on 2023-03-01"):
        require_fittable(SPEC, changed(small_window(features=2), "feature_values", 0, 1, np.nan))


def test_channel_of_zeros_is_named():
    with pytest.raises(ModelInputError, match=r"channel 'channel 1' has no media on any of the 30 days"):
        require_fittable(SPEC, changed(small_window(), "media", slice(None), 1, 0.0))


def test_channel_without_spend_is_named():
    with pytest.raises(ModelInputError, match=r"channel 'channel 0' has spend share 0"):
        require_fittable(SPEC, changed(small_window(), "spend", slice(None), 0, 0.0))


def test_too_few_days_say_how_many_are_needed():
    with pytest.raises(ModelInputError, match=r"11 days .* 11 linear coefficients .* at least 12 days"):
        require_fittable(SPEC, small_window(days=11))


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Priors)])
def test_impossible_prior_scale_names_the_key(name, value):
    with pytest.raises(ModelInputError, match=rf"priors\.{name} is {value}"):
        require_fittable(dataclasses.replace(SPEC, priors=Priors(**{name: value})), small_window())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"adstock": "geometric"}, "adstock is 'geometric': accepted are adstock, hill_adstock, carryover"),
        ({"degrees": 0}, "degrees is 0"),
        ({"seasonality_period_days": 0.0}, "seasonality_period_days is 0.0"),
    ],
)
def test_impossible_spec_names_the_key(change, message):
    with pytest.raises(ModelInputError, match=message):
        require_fittable(dataclasses.replace(SPEC, **change), small_window())


@pytest.mark.parametrize("change", [{"chains": 0}, {"warmup": 1}, {"draws": 0}, {"target_accept": 1.0}])
def test_impossible_sampler_setting_names_the_key(change):
    (name,) = change
    with pytest.raises(ModelInputError, match=rf"sampler\.{name} is"):
        require_samplable(dataclasses.replace(SamplerSettings(), **change))


def test_fit_data_scales_by_the_means_of_its_own_window_only():
    media = np.random.default_rng(0).gamma(2.0, 100.0, (20, 2))
    dataset = xr.Dataset(
        {
            "media": (("time", "channel"), media),
            "spend": (("time", "channel"), media / 7),
            "kpi": ("time", media[:, 0].copy()),
        },
        coords={"time": np.arange("2024-01-01", "2024-01-21", dtype="datetime64[D]"), "channel": ["a", "b"]},
    )
    before = fit_data(dataset, days=slice(0, 15))
    dataset["media"][15:] *= 100
    dataset["kpi"][15:] = 0.0
    after = fit_data(dataset, days=slice(0, 15))
    np.testing.assert_allclose(before.media.mean(axis=0), 1.0)
    np.testing.assert_allclose(before.kpi.mean(), 1.0)
    np.testing.assert_array_equal(before.media, after.media)
    np.testing.assert_array_equal(before.kpi, after.kpi)
