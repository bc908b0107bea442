"""Sensitivity is what is known in closed form of Normal means, and what a refit under another prior finds."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from mmm_pipeline.mmm import MediaPrior, ModelSpec, RoiPrior, SamplerSettings, sample
from mmm_pipeline.mmm.response.attribution import contribution_totals
from mmm_pipeline.mmm.sensitivity.evidence import ChannelEvidence, evidence_on
from mmm_pipeline.mmm.sensitivity.media_coordinates import media_coordinates
from mmm_pipeline.mmm.sensitivity.power_scaling import log_prior, power_scaled_mean, sensitivity
from mmm_pipeline.mmm.sensitivity.verdicts import evidence_of
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.inference import plain_statement as plain

FEW = SamplerSettings(chains=2, warmup=200, draws=500, max_escalations=0)


def normal_mean(prior_weight: float, observed: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Posterior draws of a mean with prior N(0, 1) that has this share of the posterior's precision, and log L."""
    rng = np.random.default_rng(4)
    draws = (1 - prior_weight) * observed + math.sqrt(prior_weight) * rng.standard_normal((4, 1000))
    return draws, -0.5 * (1 - prior_weight) / prior_weight * (draws - observed) ** 2


@pytest.mark.parametrize("weight", [0.05, 0.3, 0.5, 0.8])
def test_where_prior_and_data_agree_the_opinion_is_the_priors_weight(weight: float) -> None:
    draws, log_likelihood = normal_mean(weight)
    assert sensitivity(draws, draws[..., None], log_likelihood).opinion == pytest.approx(weight, abs=0.03)


def test_a_posterior_that_is_the_prior_is_all_opinion() -> None:
    rng = np.random.default_rng(1)
    draws, elsewhere = rng.standard_normal((2, 4, 1000))
    found = sensitivity(draws, draws[..., None], -0.5 * elsewhere**2)
    assert found.prior > 0.05
    assert evidence_of(found.opinion) == "prior"


def test_a_prior_against_the_data_is_no_opinion_alone() -> None:
    draws, log_likelihood = normal_mean(0.5, observed=4.0)
    found = sensitivity(draws, draws[..., None], log_likelihood)
    assert min(found) > 2 * max(sensitivity(*_parts(0.5)))
    assert evidence_of(found.opinion) == "both"


def _parts(weight: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draws, log_likelihood = normal_mean(weight)
    return draws, draws[..., None], log_likelihood


def test_media_that_never_vary_are_the_priors_however_narrow_the_interval() -> None:
    assert evidence_of(0.1, variation=0.05) == "prior"
    assert evidence_of(0.1, variation=0.2) == "data"


@pytest.fixture(scope="module")
def market():
    """Two channels: the first varies and its effect is plain, the second hardly does anything."""
    data = plain.small_window(days=80, channels=2, seed=4)
    media = data.media.copy()
    media[0, :, 1] = 1.0 + 0.05 * np.sin(np.arange(80))
    truth = {
        "retention": np.array([0.3, 0.6]), "exponent": np.array([0.95, 0.92]),
        "media_coefficient": np.array([0.4, 0.1]), "intercept": 0.5, "trend_coefficient": 0.0, "trend_exponent": 1.0,
    }  # fmt: skip
    data = dataclasses.replace(data, media=media)
    spec = ModelSpec("adstock", 0, weekday=False)
    noise = 0.05 * np.random.default_rng(2).standard_normal(80)
    data = dataclasses.replace(data, kpi=(plain.mean(spec, data, truth) + noise)[None])
    beliefs = tuple(
        RoiPrior(channel, mean * data.total_kpi.sum() / spend, 0.6 * mean * data.total_kpi.sum() / spend)
        for channel, mean, spend in zip(data.channels, (0.2, 0.3), data.total_spend.sum(axis=0), strict=True)
    )
    return dataclasses.replace(spec, media_prior=MediaPrior(), roi_priors=beliefs), data


def scaled(belief: RoiPrior, alpha: float) -> RoiPrior:
    """The belief to a power: of log ROI, which is Normal, the same middle and a variance over α."""
    variance = math.log1p((belief.sd / belief.mean) ** 2)
    middle = belief.mean * math.exp(-variance / 2)
    mean = middle * math.exp(variance / alpha / 2)
    return dataclasses.replace(belief, mean=mean, sd=mean * math.sqrt(math.expm1(variance / alpha)))


def test_what_scaling_says_is_what_a_refit_under_the_scaled_prior_finds(market) -> None:
    spec, data = market
    fit = sample(spec, data, FEW)
    totals = contribution_totals(fit).to_numpy()
    coordinates = media_coordinates(fit, totals.reshape(-1, 2)).reshape(*totals.shape[:2], 2, -1)
    beliefs = spec.roi_priors[0], scaled(spec.roi_priors[1], 0.5)
    refit = sample(dataclasses.replace(spec, roi_priors=beliefs), data, FEW)
    expected = contribution_totals(refit).mean(("chain", "draw")).to_numpy()
    for channel in (0, 1):
        mean, k = power_scaled_mean(totals[..., channel], log_prior(coordinates[:, :, 1, :1]), 0.5)
        assert k < 0.7
        assert mean == pytest.approx(expected[channel], abs=0.2 * totals[..., channel].std())
    moved = expected[1] - totals[..., 1].mean()
    assert abs(moved) > 0.25 * totals[..., 1].std(), "a refit that finds the same would prove nothing"


def test_a_channel_that_varies_is_told_by_the_data_and_one_that_does_not_by_the_prior(market) -> None:
    spec, data = market
    fit = sample(dataclasses.replace(spec, roi_priors=()), data, FEW)
    evidence = ChannelEvidence(fit)
    table = evidence_on(evidence, contribution_totals(fit).to_numpy().reshape(-1, 2)[:, 1])
    assert violations("sensitivity", table).empty
    found = table.set_index("channel")["evidence"]
    assert found["channel 0"] == "data"
    assert found["channel 1"] == "prior"
    gain = table.set_index("quantity").loc["gain"]
    assert gain["opinion"] > table.set_index("channel").at["channel 0", "opinion"], "the gain is the second channel's"
