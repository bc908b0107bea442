"""What a panel is worth and what it plans: totals are the markets' sums, and responses follow the chain rule."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_pipeline.mmm.budget.plan import plan_budget
from mmm_pipeline.mmm.budget.problem import BudgetRequest
from mmm_pipeline.mmm.inference.prior import prior_contributions
from mmm_pipeline.mmm.media.registry import MEDIA_TRANSFORMS
from mmm_pipeline.mmm.response.attribution import attribution
from mmm_pipeline.mmm.response.channel_responses import channel_responses
from mmm_pipeline.mmm.response.market_results import attribution_by_market, response_curves_by_market
from mmm_pipeline.mmm.response.response import current_spend, horizon_responses
from mmm_pipeline.mmm.response.response_curves import response_curves, response_draws
from mmm_pipeline.mmm.response.retention import retention_density
from mmm_pipeline.mmm.response.steady_response import market_mix, steady_kpi
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_panel_fit


@pytest.fixture(params=MEDIA_TRANSFORMS)
def fit(request):
    return synthetic_panel_fit(adstock=request.param)


def test_attribution_of_the_markets_adds_up_to_that_of_the_panel(fit):
    total, apart = attribution(fit), attribution_by_market(fit)

    assert violations("attribution", total.table).empty
    assert violations("attribution_by_market", apart.table).empty
    assert violations("contribution_over_time_by_market", apart.over_time).empty
    sums = apart.table.groupby("channel")[["spend", "media_units", "contribution"]].sum()
    for column in sums:
        np.testing.assert_allclose(sums[column].loc[total.table["channel"]], total.table[column], rtol=1e-9)
    silent = apart.table.loc[apart.table["market"].eq("south"), "channel"]
    assert "channel 0" not in set(silent)
    days = apart.over_time.groupby(["date", "component"])["mean"].sum()
    expected = total.over_time.set_index(["date", "component"])["mean"].sort_index()
    np.testing.assert_allclose(days.sort_index(), expected, rtol=1e-9)


def test_prior_widths_of_a_market_are_those_of_the_panels_prior(fit):
    apart = attribution_by_market(fit, prior_draws=500, seed=3).table.set_index(["market", "channel"])
    prior = prior_contributions(fit.spec, fit.data, 500, 3).sel(market="north", channel="channel 1")
    low, high = prior.quantile([0.05, 0.95]).to_numpy()
    row = apart.loc[("north", "channel 1")]
    width = row["contribution_high"] - row["contribution_low"]
    assert row["prior_width_ratio"] == pytest.approx(width / (high - low))


def test_a_channels_response_is_the_sum_of_the_markets_responses_to_their_shares(fit):
    mix, spends = market_mix(fit, 28), current_spend(fit, 28)
    np.testing.assert_allclose(mix.sum(axis=0), 1.0)
    assert mix[1, 0] == 0.0
    pooled = channel_responses(fit, 28)
    for c, channel in enumerate(fit.data.channels):
        expected = 0.0
        for share, market in zip(mix[:, c], fit.markets(), strict=True):
            if channel in market.data.channels:
                own = horizon_responses(market, 28)[market.data.channels.index(channel)]
                expected = expected + own.draws(share * spends[c])
        np.testing.assert_allclose(pooled[c].draws(spends[c]), expected)
        np.testing.assert_allclose(pooled[c].outcome(spends[c]).kpi, expected, rtol=1e-9)


def test_derivatives_of_a_pooled_response_are_along_the_channels_spend(fit):
    spends = current_spend(fit, 28)
    for response, spend in zip(channel_responses(fit, 28), spends, strict=True):
        step = 1e-4 * spend
        around = response.at(np.array([spend - step, spend, spend + step]))
        assert around.value[1] == pytest.approx(response.draws(spend).mean())
        assert around.slope[1] == pytest.approx((around.value[2] - around.value[0]) / (2 * step), rel=1e-5)
        assert around.curvature[1] == pytest.approx((around.slope[2] - around.slope[0]) / (2 * step), rel=1e-3)
        assert around.slope[1] == pytest.approx(response.slope_draws(spend).mean())
        even = np.full(len(response.weight), 1 / len(response.weight))
        np.testing.assert_allclose(response.weighted(even, around.spend).value, around.value, rtol=1e-9)


def test_a_plan_of_a_panel_meets_its_total_and_has_a_certificate(fit):
    plan = plan_budget(fit, BudgetRequest(lower=0.0, upper=5.0))
    table, summary = plan.table, plan.summary.iloc[0]
    assert violations("budget_plan", table).empty
    assert round(table["optimal_spend"].sum(), 2) == round(current_spend(fit, 28).sum(), 2)
    assert summary["optimality_gap"] <= 1e-3
    assert summary["expected_kpi_optimal"] >= summary["expected_kpi_current"]
    rng = np.random.default_rng(0)
    responses = channel_responses(fit, 28)
    for shares in rng.dirichlet(np.ones(len(table)), 20):
        spend = np.minimum(shares * summary["total"], table["high"])
        kpi = sum(r.draws(float(s)).mean() for r, s in zip(responses, spend, strict=True))
        assert kpi <= summary["expected_kpi_optimal"] * (1 + 1e-3)


def test_response_curves_of_the_panel_are_the_markets_curves_at_their_shares(fit):
    table, apart = response_curves(fit), response_curves_by_market(fit)
    assert violations("response_curves", table).empty
    assert violations("response_curves_by_market", apart).empty
    mix, spend = market_mix(fit, 28), np.array([10.0, 100.0])
    expected = sum(
        steady_kpi(market, "channel 1", share * spend) for share, market in zip(mix[:, 1], fit.markets(), strict=True)
    )
    np.testing.assert_allclose(steady_kpi(fit, "channel 1", spend), expected)
    draws = response_draws(fit, points=5)
    assert draws["kpi"].dims == ("chain", "draw", "channel", "point")
    np.testing.assert_allclose(draws["kpi"].isel(point=0), 0.0)


def test_what_markets_share_is_told_once(fit):
    density = retention_density(fit, prior_draws=200)
    assert violations("retention_density", density).empty
    assert set(density["channel"]) == set(fit.data.channels)
