"""What is believed of all media together holds, whatever the number of channels and the beliefs on single ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from mmm_pipeline.mmm.inference.prior import prior_contributions
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.priors.media import MediaPrior, roi_priors
from mmm_pipeline.mmm.priors.roi import ROI_FAMILIES, RoiPrior
from mmm_pipeline.mmm.specs import ModelSpec
from mmm_pipeline_tests.mmm.inference.plain_statement import small_panel, small_window

SPEC = ModelSpec("carryover", 1, media_prior=MediaPrior())


def prior_shares(spec, data, draws=20_000) -> np.ndarray:
    """(S,) share of all media in the KPI."""
    totals = prior_contributions(spec, data, draws, seed=3)
    return totals.sum(["market", "channel"]).to_numpy() / data.total_kpi.sum()


@pytest.mark.parametrize("channels", [1, 3, 10, 40])
def test_media_cause_the_believed_share_at_any_number_of_channels(channels):
    share = prior_shares(SPEC, small_window(channels=channels))
    assert 0.35 <= share.mean() <= 0.45
    assert share.std() == pytest.approx(0.2, rel=0.25)
    assert (share > 1).mean() <= 0.03, "more than the whole KPI"


def test_the_share_holds_in_a_panel():
    share = prior_shares(SPEC, small_panel(channels=3), 5000)
    assert share.mean() == pytest.approx(0.4, abs=0.03)


def test_beliefs_on_single_channels_leave_the_rest_to_the_others():
    data = small_window(channels=4)
    spend, kpi = data.total_spend.sum(axis=0), data.total_kpi.sum()
    own = (
        RoiPrior("channel 0", 0.1 * kpi / spend[0], 0.03 * kpi / spend[0]),
        RoiPrior("channel 2", 0.2 * kpi / spend[2], 0.04 * kpi / spend[2], "normal"),
    )
    spec = dataclasses.replace(SPEC, roi_priors=own)
    share = prior_shares(spec, data)
    assert share.mean() == pytest.approx(0.4, abs=0.02)
    assert share.std() == pytest.approx(0.2, rel=0.15)
    each = prior_contributions(spec, data, 20_000, seed=3).mean("draw").isel(market=0) / kpi
    assert float(each.sel(channel="channel 0")) == pytest.approx(0.1, rel=0.05)


def test_beliefs_that_claim_everything_leave_the_others_a_tenth_of_their_part():
    spend = np.array([50.0, 50.0])
    belief = RoiPrior("a", 1.2, 0.9)
    common = {prior.channel: prior for prior in roi_priors(MediaPrior(), (belief,), ("a", "b"), spend, 100.0)}
    assert common["a"] == belief
    assert common["b"].mean * 50 / 100 == pytest.approx(0.1 * 0.4 / 2)
    assert common["b"].sd / common["b"].mean == pytest.approx(0.5 * 0.2 / 0.4)


@pytest.mark.parametrize("family", ROI_FAMILIES)
def test_a_family_has_the_mean_and_standard_deviation_it_is_given_by(family):
    found = ROI_FAMILIES[family]
    prior = found.prior(*found.parameters(2.0, 0.5))
    u = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    values = prior.quantile(u, stats.norm.logcdf(prior.tail * u), NUMPY)
    assert values.mean() == pytest.approx(2.0, rel=1e-3)
    assert values.std() == pytest.approx(0.5, rel=1e-3)


def test_beliefs_on_one_channel_are_combined_by_their_precision():
    combined = RoiPrior.combined("search", [(2.0, 1.0), (4.0, 1.0), (3.0, 0.5)])
    assert combined.mean == pytest.approx((2 + 4 + 4 * 3) / 6)
    assert combined.sd == pytest.approx(6**-0.5)
    assert RoiPrior.combined("search", [(2.0, 1.0)]) == RoiPrior("search", 2.0, 1.0)
