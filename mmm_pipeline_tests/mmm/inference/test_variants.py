"""What users add to the model is recovered from a simulated truth: events, signs, beliefs on ROI, spikes, markets."""

from __future__ import annotations

import dataclasses

import arviz as az
import numpy as np
import pytest
import xarray as xr

from mmm_pipeline.mmm import (
    FeatureSign,
    Fit,
    ModelData,
    ModelSpec,
    RoiPrior,
    SamplerSettings,
    prior_contributions,
    sample,
)
from mmm_pipeline_tests.mmm.inference import plain_statement as plain

FEW = SamplerSettings(chains=2, warmup=150, draws=150, max_escalations=0)
TRUTH = {
    "retention": np.array([0.3, 0.6]), "exponent": np.array([0.95, 0.92]), "media_coefficient": np.array([0.5, 0.3]),
    "intercept": 0.5, "trend_coefficient": 0.001, "trend_exponent": 1.0,
    "weekday": np.array([0.2, 0.0, -0.1, 0.0, 0.1, -0.2, 0.0]),
}  # fmt: skip
SPEC = ModelSpec("adstock", 0)
COEFFICIENTS = ([0.8, 0.2], [0.8, 0.5])


def simulated(spec, data, truth, *, noise=0.04, seed=2):
    """The window with a KPI made from the truth."""
    error = noise * np.random.default_rng(seed).standard_normal(data.days)
    return dataclasses.replace(data, kpi=(plain.mean(spec, data, truth) + error)[None])


def interval(draws, level=0.99):
    return draws.quantile([(1 - level) / 2, (1 + level) / 2], ("chain", "draw")).to_numpy()


def test_events_weekdays_and_signed_features_are_recovered():
    spec = dataclasses.replace(SPEC, feature_signs=(FeatureSign("feature 0", "negative"),))
    data = plain.small_window(days=90, channels=2, features=2, events=1, seed=3)
    truth = TRUTH | {"feature_coefficient": np.array([-0.1, 0.15, 0.3])}
    posterior = sample(spec, simulated(spec, data, truth), FEW).posterior

    low, high = interval(posterior["feature_coefficient"])
    assert ((low <= truth["feature_coefficient"]) & (truth["feature_coefficient"] <= high)).all()
    assert (posterior["feature_coefficient"].sel(feature="feature 0") < 0).all()
    assert (high - low < 0.2).all()
    # Weekdays are known up to the level that they share with the intercept.
    monday = posterior["weekday"].sel(day_of_week="Monday") - posterior["weekday"].sel(day_of_week="Saturday")
    low, high = interval(monday)
    assert low <= 0.4 <= high
    assert high - low < 0.2


def test_a_sign_against_the_data_leaves_the_effect_at_zero():
    spec = dataclasses.replace(SPEC, feature_signs=(FeatureSign("feature 0", "positive"),))
    data = plain.small_window(days=90, channels=2, features=2, events=1, seed=3)
    truth = TRUTH | {"feature_coefficient": np.array([-0.1, 0.15, 0.3])}
    draws = sample(spec, simulated(spec, data, truth), FEW).posterior["feature_coefficient"].sel(feature="feature 0")
    assert (draws >= 0).all()
    assert float(draws.mean()) < 0.03


def test_spikes_pull_normal_noise_but_not_student_t():
    data = simulated(SPEC, plain.small_window(days=90, channels=2, seed=5), TRUTH)
    spiked = data.kpi.copy()
    spiked[0, [20, 40, 60]] += 2.0
    data = dataclasses.replace(data, kpi=spiked)
    normal = sample(SPEC, data, FEW)
    robust = sample(dataclasses.replace(SPEC, noise="student_t"), data, dataclasses.replace(FEW, max_tree_depth=6))

    assert robust.convergence.rhat_max < 1.2
    assert float(robust.posterior["noise_degrees"].mean()) < 5
    assert float(robust.posterior["noise_sd"].mean()) < 0.1 < float(normal.posterior["noise_sd"].mean())
    low, high = interval(robust.posterior["media_coefficient"])
    assert ((low <= TRUTH["media_coefficient"]) & (TRUTH["media_coefficient"] <= high)).all()
    spread = robust.posterior["media_coefficient"].std(("chain", "draw"))
    assert (spread < normal.posterior["media_coefficient"].std(("chain", "draw"))).all()
    # Predictive noise has the tails of the model.
    noise = (robust.posterior_predictive(seed=1) - robust.fitted_mean()) / (
        robust.posterior["noise_sd"] * robust.data.kpi_scale
    )
    assert float((np.abs(noise) > 6).mean()) > 1e-4


def test_a_belief_on_roi_decides_where_the_data_is_silent_and_yields_where_it_speaks():
    data = plain.small_window(days=90, channels=2, seed=4)
    media, spend = data.media.copy(), data.spend.copy()
    media[..., 1], spend[..., 1] = 1.0, 5.0  # always the same: nothing tells it from the baseline
    data = simulated(SPEC, dataclasses.replace(data, media=media, spend=spend, kpi_scale=np.array([1000.0])), TRUTH)
    effect = plain.media_effect("adstock", data.media[0], TRUTH)[:, 0].sum() * TRUTH["media_coefficient"][0]
    true_roi = float(effect * data.kpi_scale[0] / data.spend[..., 0].sum())
    beliefs = (RoiPrior("channel 0", 3 * true_roi, 2 * true_roi), RoiPrior("channel 1", 20.0, 2.0))
    spec = dataclasses.replace(SPEC, roi_priors=beliefs)
    fit = sample(spec, data, FEW)

    roi = fit.contributions().sum("time") / data.spend[0].sum(axis=0)
    low, high = interval(roi.sel(channel="channel 0"))
    assert low <= true_roi <= high
    assert float(roi.sel(channel="channel 0").mean()) < 1.6 * true_roi
    assert float(roi.sel(channel="channel 1").mean()) == pytest.approx(20.0, rel=0.15)
    assert float(roi.sel(channel="channel 1").std()) == pytest.approx(2.0, rel=0.5)
    prior = prior_contributions(spec, data, draws=4000, seed=1)[:, 0] / data.spend[0].sum(axis=0)
    np.testing.assert_allclose(prior.mean("draw"), [3 * true_roi, 20.0], rtol=0.06)
    np.testing.assert_allclose(prior.std("draw"), [2 * true_roi, 2.0], rtol=0.2)


@pytest.fixture(scope="module")
def panel() -> ModelData:
    """Two markets of one truth, but for the coefficients; the first channel is silent in the second."""
    both = plain.small_panel(markets=2, days=60, channels=2)
    for g, own in enumerate(COEFFICIENTS):
        noise = 0.04 * np.random.default_rng(7 + g).standard_normal(both.days)
        both.kpi[g] = plain.mean(SPEC, both, TRUTH | {"media_coefficient": np.array(own)}, market=g) + noise
    return both


@pytest.fixture(scope="module")
def panel_fit(panel: ModelData) -> Fit:
    return sample(SPEC, panel, FEW)


def test_every_market_recovers_what_its_channels_brought(panel, panel_fit):
    for g, (fit, coefficients) in enumerate(zip(panel_fit.markets(), COEFFICIENTS, strict=True)):
        for channel in fit.data.channels:
            c = panel.channels.index(channel)
            effect = plain.media_effect("adstock", panel.media[g], TRUTH)[:, c].sum()
            brought = coefficients[c] * effect * panel.kpi_scale[g]
            draws = fit.contributions().sel(channel=channel).sum("time")
            low, high = interval(draws)
            assert low <= brought <= high, (panel.markets[g], channel)
            assert high - low < 0.6 * brought, (panel.markets[g], channel)
    assert panel_fit.convergence.rhat_max < 1.1


def test_totals_are_sums_over_markets_draw_by_draw(panel_fit):
    first, second = panel_fit.markets()
    assert first.data.channels == ("channel 0", "channel 1")
    assert second.data.channels == ("channel 1",)
    total = panel_fit.contributions()
    xr.testing.assert_allclose(total.sel(channel="channel 0"), first.contributions().sel(channel="channel 0"))
    expected = first.contributions().sel(channel="channel 1") + second.contributions().sel(channel="channel 1")
    xr.testing.assert_allclose(total.sel(channel="channel 1"), expected)
    whole = panel_fit.baseline() + total.sum("channel")
    np.testing.assert_allclose(whole.transpose(*panel_fit.fitted_mean().dims), panel_fit.fitted_mean())


def test_a_panel_predicts_the_sum_of_its_markets(panel, panel_fit):
    days = panel.dates[-1] + 1 + np.arange(5)
    media = xr.DataArray(
        np.random.default_rng(0).gamma(2.0, 300.0, (2, 5, 2)),
        dims=("market", "time", "channel"),
        coords={"market": list(panel.markets), "time": days.astype("datetime64[ns]"), "channel": list(panel.channels)},
    )
    parts = [
        fit.predict_mean(media.sel(market=market, drop=True))
        for market, fit in zip(panel.markets, panel_fit.markets(), strict=True)
    ]
    xr.testing.assert_allclose(panel_fit.predict_mean(media), parts[0] + parts[1])
    noise = panel_fit.predict(media, seed=3) - panel_fit.predict_mean(media)
    scales = [fit.posterior["noise_sd"] * fit.data.kpi_scale for fit in panel_fit.markets()]
    assert float((noise / np.hypot(*scales)).std()) == pytest.approx(1.0, abs=0.1)


def test_a_stored_panel_comes_back_whole(panel_fit, tmp_path):
    path = tmp_path / "fit.nc"
    panel_fit.to_inference_data().to_netcdf(str(path), engine="h5netcdf")
    stored = az.from_netcdf(str(path), engine="h5netcdf")
    back = Fit.from_inference_data(stored)
    assert back.spec == panel_fit.spec
    for field in dataclasses.fields(panel_fit.data):
        np.testing.assert_array_equal(getattr(back.data, field.name), getattr(panel_fit.data, field.name))
    xr.testing.assert_equal(back.contributions(), panel_fit.contributions())


def test_log_likelihood_of_a_panel_is_per_market_and_day(panel_fit):
    for fit in panel_fit.markets():
        mean, noise = fit.fitted_mean(), fit.posterior["noise_sd"] * fit.data.kpi_scale
        kpi = fit.inference["observed_data"]["kpi"]
        expected = -0.5 * ((mean - kpi) / noise) ** 2 - np.log(noise) - 0.5 * np.log(2 * np.pi)
        xr.testing.assert_allclose(fit.inference["log_likelihood"]["kpi"], expected)
