"""Contributions, shares and returns."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.budget.plan import plan_budget
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.media.registry import MEDIA_TRANSFORMS
from mmm_pipeline.mmm.response.attribution import attribution
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import market_dataset, synthetic_fit, synthetic_panel_fit


@pytest.fixture(params=MEDIA_TRANSFORMS)
def fit(request: pytest.FixtureRequest) -> Fit:
    return synthetic_fit(request.param)


def test_both_tables_keep_their_contracts(fit: Fit) -> None:
    result = attribution(fit)

    assert violations("attribution", result.table).empty
    assert violations("contribution_over_time", result.over_time).empty


def test_contributions_and_baseline_add_up_to_the_fitted_mean_of_every_day(fit: Fit) -> None:
    over_time = attribution(fit).over_time

    summed = over_time.groupby("date")["mean"].sum()

    np.testing.assert_allclose(summed, fit.fitted_mean().mean(("chain", "draw")), rtol=1e-12)


def test_totals_agree_with_the_daily_contributions_and_with_spend(fit: Fit) -> None:
    result = attribution(fit)

    daily = result.over_time[~result.over_time["is_baseline"]].groupby("component")["mean"].sum()
    table = result.table.set_index("channel")
    np.testing.assert_allclose(table["contribution"], daily[table.index], rtol=1e-12)
    np.testing.assert_allclose(table["roi"] * table["spend"], table["contribution"])
    np.testing.assert_allclose(table["cost_per_kpi"] * table["roi"], 1.0)
    np.testing.assert_allclose(table["spend"], fit.data.total_spend.sum(axis=0))


def test_shares_of_channels_and_baseline_add_up_to_one(fit: Fit) -> None:
    result = attribution(fit)

    totals = result.over_time.groupby("is_baseline")["mean"].sum()
    assert result.table["share"].sum() + totals[True] / totals.sum() == pytest.approx(1.0)


def test_interval_and_probability_come_from_the_draws(fit: Fit) -> None:
    draws = fit.contributions().sum("time").stack(s=("chain", "draw")).transpose("s", "channel").to_numpy()

    table = attribution(fit, credible_interval=0.8).table

    np.testing.assert_allclose(table["contribution_low"], np.quantile(draws, 0.1, axis=0))
    np.testing.assert_allclose(table["roi_high"], np.quantile(draws, 0.9, axis=0) / table["spend"])
    np.testing.assert_allclose(table["probability_roi_above_1"], (draws > table["spend"].to_numpy()).mean(axis=0))


def test_the_interval_of_the_cost_holds_the_draws_of_the_cost(fit: Fit) -> None:
    contributions = fit.contributions().sum("time").stack(s=("chain", "draw")).transpose("s", "channel").to_numpy()
    table = attribution(fit, credible_interval=0.8).table
    costs = table["spend"].to_numpy() / contributions

    inside = (table["cost_per_kpi_low"].to_numpy() <= costs) & (costs <= table["cost_per_kpi_high"].to_numpy())

    np.testing.assert_allclose(inside.mean(axis=0), 0.8, atol=0.02)


def test_a_channel_that_may_have_caused_nothing_has_no_highest_cost() -> None:
    fit = synthetic_fit()
    posterior = fit.posterior.copy()
    posterior["media_coefficient"] = posterior["media_coefficient"].where(posterior["draw"] >= 20, 0.0)

    table = attribution(dataclasses.replace(fit, inference=az.InferenceData(posterior=posterior))).table

    assert violations("attribution", table).empty
    assert table["cost_per_kpi_high"].isna().all()
    assert table["cost_per_kpi_low"].notna().all()


def test_marginal_roi_is_that_of_the_budget_plan(fit: Fit) -> None:
    table, plan = attribution(fit).table, plan_budget(fit).table

    # The plan's current spend is rounded to cents.
    np.testing.assert_allclose(table["marginal_roi"], plan["marginal_roi_current"], rtol=1e-4)


@pytest.mark.parametrize("adstock", MEDIA_TRANSFORMS)
def test_a_posterior_that_is_the_prior_has_a_width_ratio_near_one(adstock: str) -> None:
    table = attribution(synthetic_fit(adstock, effect=1.0, draws=2000, seed=3), seed=4).table

    np.testing.assert_allclose(table["prior_width_ratio"], 1.0, atol=0.1)


def test_a_posterior_narrower_than_the_prior_has_a_smaller_width_ratio() -> None:
    table = attribution(synthetic_fit(effect=0.1, draws=1000)).table

    np.testing.assert_allclose(table["prior_width_ratio"], 0.1, atol=0.02)


def test_a_channel_called_baseline_keeps_its_name() -> None:
    dataset = market_dataset().assign_coords(channel=["baseline", "b", "c"])

    over_time = attribution(synthetic_fit(dataset=dataset)).over_time

    assert violations("contribution_over_time", over_time).empty
    assert over_time.loc[over_time["component"] == "baseline", "is_baseline"].unique().tolist() == [False]


def test_a_panel_is_attributed_in_total() -> None:
    panel = synthetic_panel_fit(days=40)

    result = attribution(panel)

    table, parts = (
        result.table.set_index("channel"),
        [attribution(fit).table.set_index("channel") for fit in panel.markets()],
    )
    assert violations("attribution", result.table).empty
    assert [len(part) for part in parts] == [3, 2]
    for quantity in ("spend", "media_units", "contribution"):
        total = parts[0][quantity].add(parts[1][quantity], fill_value=0.0)
        np.testing.assert_allclose(table[quantity], total)
    summed = result.over_time.groupby("date")["mean"].sum()
    np.testing.assert_allclose(summed, panel.fitted_mean().mean(("chain", "draw")), rtol=1e-12)
    # The markets share the next unit as they share today's spend: what is silent in one belongs to the other.
    first = table.index[0]
    assert table.loc[first, "marginal_roi"] == pytest.approx(parts[0].loc[first, "marginal_roi"])
    between = sorted(part.loc[table.index[1], "marginal_roi"] for part in parts)
    assert between[0] <= table.loc[table.index[1], "marginal_roi"] <= between[1]
