"""What cannot be fitted is refused in words that name the channel, the setting and the value."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm import FeatureSign, MediaPrior, ModelSpec, Priors, RoiPrior, SamplerSettings, model_data
from mmm_pipeline.mmm.inference.validation import require_fittable, require_samplable
from mmm_pipeline_tests.mmm.inference.plain_statement import small_panel, small_window

SPEC = ModelSpec("adstock", 1)


def changed(data, name, day, column, value, market=0):
    values = getattr(data, name).copy()
    values[(market, day, column) if values.ndim == 3 else (market, day)] = value
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


def test_channels_none_of_which_has_spend_are_refused():
    with pytest.raises(ModelInputError, match=r"no channel has spend: at least one is needed"):
        require_fittable(SPEC, changed(small_window(), "spend", slice(None), slice(None), 0.0))


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
        ({"degrees": -1}, "degrees is -1"),
        ({"noise": "cauchy"}, "noise is 'cauchy': accepted are normal, student_t"),
        ({"seasonality_period_days": 0.0}, "seasonality_period_days is 0.0"),
    ],
)
def test_impossible_spec_names_the_key(change, message):
    with pytest.raises(ModelInputError, match=message):
        require_fittable(dataclasses.replace(SPEC, **change), small_window())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"roi_priors": (RoiPrior("tv", 2.0, 1.0),)}, r"priors\.roi\['tv'\] is no channel of the model"),
        ({"roi_priors": (RoiPrior("channel 0", -2.0, 1.0),)}, r"priors\.roi\['channel 0'\]\.mean is -2"),
        ({"roi_priors": (RoiPrior("channel 0", 2.0, 0.0),)}, r"priors\.roi\['channel 0'\]\.sd is 0"),
        ({"roi_priors": (RoiPrior("channel 0", 2.0, 1.0),) * 2}, r"is given twice"),
        ({"roi_priors": (RoiPrior("channel 0", 2.0, 1.5, "uniform"),)}, r"reaches below 0: the sd is at most 0\.577"),
        ({"roi_priors": (RoiPrior("channel 0", 2.0, 1.0, "cauchy"),)}, r"accepted are log_normal, normal, uniform"),
        ({"media_prior": MediaPrior("total_share", 0.4, 0.0)}, r"priors\.media\.sd is 0"),
        ({"media_prior": MediaPrior("share")}, r"priors\.media\.kind is 'share': accepted are total_share, roi"),
        ({"feature_signs": (FeatureSign("price", "negative"),)}, r"names 'price', no feature of the model"),
        ({"feature_signs": (FeatureSign("feature 0", "up"),)}, r"is 'up': accepted are positive, negative"),
    ],
)
def test_impossible_belief_names_its_channel_or_feature(change, message):
    with pytest.raises(ModelInputError, match=message):
        require_fittable(dataclasses.replace(SPEC, **change), small_window(features=1))


def test_a_channel_may_be_silent_in_one_market_but_not_in_all():
    require_fittable(SPEC, small_panel(markets=2))
    silent = small_panel(markets=2, silent=False)
    silent.media[:, :, 1] = silent.spend[:, :, 1] = 0.0
    with pytest.raises(ModelInputError, match=r"channel 'channel 1' has no media on any of the 30 days"):
        require_fittable(SPEC, silent)


def test_bad_media_of_a_panel_names_market_channel_and_day():
    panel = small_panel(markets=2)
    panel = changed(panel, "media", 4, 2, np.nan, market=1)
    with pytest.raises(ModelInputError, match=r"media 'channel 2' in market 'market 1' is not finite on 2023-03-05"):
        require_fittable(SPEC, panel)


@pytest.mark.parametrize("change", [{"chains": 0}, {"warmup": 1}, {"draws": 0}, {"target_accept": 1.0}])
def test_impossible_sampler_setting_names_the_key(change):
    (name,) = change
    with pytest.raises(ModelInputError, match=rf"sampler\.{name} is"):
        require_samplable(dataclasses.replace(SamplerSettings(), **change))


def test_model_data_scales_by_the_means_of_its_own_window_only():
    media = np.random.default_rng(0).gamma(2.0, 100.0, (20, 2))
    dataset = xr.Dataset(
        {
            "media": (("time", "channel"), media),
            "spend": (("time", "channel"), media / 7),
            "kpi": ("time", media[:, 0].copy()),
        },
        coords={"time": np.arange("2024-01-01", "2024-01-21", dtype="datetime64[D]"), "channel": ["a", "b"]},
    )
    before = model_data(dataset, days=slice(0, 15))
    dataset["media"][15:] *= 100
    dataset["kpi"][15:] = 0.0
    after = model_data(dataset, days=slice(0, 15))
    np.testing.assert_allclose(before.media.mean(axis=1), 1.0)
    np.testing.assert_allclose(before.kpi.mean(), 1.0)
    np.testing.assert_array_equal(before.media, after.media)
    np.testing.assert_array_equal(before.kpi, after.kpi)
