"""The plan of a posterior."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_pipeline.errors import InfeasibleBudget
from mmm_pipeline.mmm.budget.plan import MATERIAL_GAIN, BudgetPlan, plan_budget, unplanned
from mmm_pipeline.mmm.budget.request import BudgetRequest
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.media.registry import MEDIA_TRANSFORMS
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import market_dataset, synthetic_fit


@pytest.fixture(params=MEDIA_TRANSFORMS)
def fit(request: pytest.FixtureRequest) -> Fit:
    return synthetic_fit(request.param, channels=4)


def test_the_plan_meets_budget_bounds_contracts_and_certificate(fit: Fit) -> None:
    plan = plan_budget(fit)

    table, summary = plan.table, plan.summary.iloc[0]
    assert violations("budget_plan", table).empty
    assert violations("budget_summary", plan.summary).empty
    assert round(table["optimal_spend"].sum(), 2) == round(table["current_spend"].sum(), 2) == summary["total"]
    assert (table["low"] <= table["optimal_spend"]).all()
    assert (table["optimal_spend"] <= table["high"]).all()
    assert summary["optimality_gap"] <= 1e-3
    assert summary["expected_kpi_optimal"] >= summary["expected_kpi_current"]


def test_between_its_bounds_every_channel_has_the_same_marginal_return(fit: Fit) -> None:
    table = plan_budget(fit).table

    inner = table[(table["optimal_spend"] > table["low"]) & (table["optimal_spend"] < table["high"])]
    assert len(inner) >= 2
    np.testing.assert_allclose(inner["marginal_roi_optimal"], inner["marginal_roi_optimal"].mean(), rtol=1e-4)


def test_summary_adds_the_channels_up(fit: Fit) -> None:
    plan = plan_budget(fit)

    table, summary = plan.table, plan.summary.iloc[0]
    assert summary["expected_kpi_current"] == pytest.approx(table["current_kpi"].sum())
    assert summary["expected_kpi_optimal"] == pytest.approx(table["optimal_kpi"].sum())
    assert summary["uplift"] == pytest.approx(plan.uplift.mean())
    assert summary["uplift_low"] <= summary["uplift"] <= summary["uplift_high"]
    assert summary["probability_of_gain"] == (plan.uplift > 0).mean()


def test_the_same_posterior_has_the_same_plan(fit: Fit) -> None:
    first, second = plan_budget(fit), plan_budget(fit)

    assert first.table.equals(second.table)
    assert first.summary.equals(second.summary)


def test_effect_after_the_horizon_counts_only_when_asked(fit: Fit) -> None:
    counted = plan_budget(fit).table["current_kpi"]
    ignored = plan_budget(fit, BudgetRequest(count_after_horizon=False)).table["current_kpi"]

    assert (counted > ignored).all()


def test_with_everything_locked_nothing_is_gained() -> None:
    fit = synthetic_fit()

    plan = plan_budget(fit, BudgetRequest(locked=fit.data.channels))

    summary = plan.summary.iloc[0]
    assert plan.table["change"].tolist() == [0.0, 0.0, 0.0]
    assert summary["verdict"] == "no_material_gain"
    assert (summary["uplift"], summary["probability_of_gain"], summary["optimality_gap"]) == (0.0, 0.0, 0.0)


def test_one_channel_keeps_its_money() -> None:
    plan = plan_budget(synthetic_fit(channels=1))

    assert plan.table["change"].tolist() == [0.0]


def test_a_sure_and_large_gain_is_called_material() -> None:
    # Nearly linear responses, and one channel's money brings five times the other's in every draw.
    fit = synthetic_fit(channels=2)
    for name, value in (("exponent", 0.99), ("retention", 0.3)):
        fit.posterior[name].values[:] = value
    per_currency = fit.data.total_spend.sum(axis=0) * np.array([5.0, 1.0])
    fit.posterior["media_coefficient"].values[:] = 0.2 * per_currency / per_currency.sum()

    summary = plan_budget(fit).summary.iloc[0]

    assert summary["uplift_low"] > 0
    assert summary["uplift"] > MATERIAL_GAIN * summary["expected_kpi_current"]
    assert summary["verdict"] == "material_gain"


def test_a_gain_that_may_be_a_loss_is_not_called_material() -> None:
    # By the prior alone nobody knows which channel is better.
    summary = plan_budget(synthetic_fit("hill_adstock")).summary.iloc[0]

    assert summary["uplift_low"] < 0
    assert summary["verdict"] == "no_material_gain"


def test_a_paused_channel_gets_nothing_and_has_a_finite_marginal_return() -> None:
    dataset = market_dataset()
    dataset["media"][-28:, 1] = 0.0
    dataset["spend"][-28:, 1] = 0.0

    table = plan_budget(synthetic_fit(dataset=dataset)).table

    assert table.loc[1, ["current_spend", "optimal_spend", "high"]].tolist() == [0.0, 0.0, 0.0]
    assert np.isfinite(table["marginal_roi_optimal"]).all()


def test_prices_are_spend_per_media_unit() -> None:
    fit = synthetic_fit()

    media = fit.data.media_units[0]
    np.testing.assert_allclose(plan_budget(fit).table["price"], fit.data.total_spend.sum(axis=0) / media.sum(axis=0))


def test_a_total_that_no_plan_can_spend_is_refused() -> None:
    with pytest.raises(InfeasibleBudget, match="upper bounds"):
        plan_budget(synthetic_fit(), BudgetRequest(total=1e9))


def test_groups_spend_their_own_totals() -> None:
    fit = synthetic_fit(channels=4)
    today = plan_budget(fit).table["current_spend"]
    brand = round(1.2 * float(today[[0, 2]].sum()), 2)

    plan = plan_budget(fit, BudgetRequest(groups={"brand": (("channel 0", "channel 2"), brand)}))

    spend = plan.table["optimal_spend"]
    assert round(spend[[0, 2]].sum(), 2) == brand
    assert round(spend[[1, 3]].sum(), 2) == round(today[[1, 3]].sum(), 2)
    assert plan.summary.loc[0, "optimality_gap"] < 1e-3
    assert violations("budget_plan", plan.table).empty


def test_the_smallest_budget_for_a_kpi_reaches_it_and_a_smaller_one_does_not(fit: Fit) -> None:
    target = float(plan_budget(fit).summary.loc[0, "expected_kpi_current"])

    cheapest = plan_budget(fit, BudgetRequest(target_kpi=target)).summary.iloc[0]
    cheaper = plan_budget(fit, BudgetRequest(total=round(cheapest["total"] * 0.999, 2))).summary.iloc[0]

    assert cheapest["expected_kpi_optimal"] >= target
    assert cheapest["total"] <= plan_budget(fit).summary.loc[0, "total"]
    assert cheaper["expected_kpi_optimal"] < target


def test_a_kpi_out_of_reach_is_refused_with_what_can_be_reached() -> None:
    with pytest.raises(InfeasibleBudget, match="out of reach: with every channel at its upper bound"):
        plan_budget(synthetic_fit(), BudgetRequest(target_kpi=1e12))


def test_money_is_spent_until_the_next_unit_brings_no_more_than_asked() -> None:
    fit = synthetic_fit(channels=4)
    today = plan_budget(fit).table["marginal_roi_optimal"].median()

    table = plan_budget(fit, BudgetRequest(target_marginal_roi=float(today) * 0.97, upper=8.0)).table

    inner = (table["optimal_spend"] > table["low"]) & (table["optimal_spend"] < table["high"])
    assert inner.any()
    np.testing.assert_allclose(table.loc[inner, "marginal_roi_optimal"], today * 0.97, rtol=1e-4)
    assert (table.loc[table["optimal_spend"] == table["high"], "marginal_roi_optimal"] >= today * 0.97 * 0.9999).all()
    assert (table.loc[table["optimal_spend"] == table["low"], "marginal_roi_optimal"] <= today * 0.97 * 1.0001).all()


_PAUSED = market_dataset(channels=4, zero_inflated=False)
_PAUSED["spend"][-28:, 1] = 0.0
_PAUSED["media"][-28:, 1] = 0.0


def _in_units(money: float, kpi: float, media: float) -> Fit:
    """The same market told in other units; one channel is off today."""
    dataset = _PAUSED.assign(spend=_PAUSED["spend"] * money, kpi=_PAUSED["kpi"] * kpi, media=_PAUSED["media"] * media)
    return synthetic_fit("hill_adstock", channels=4, dataset=dataset)


@pytest.mark.parametrize(
    ("money", "kpi", "media"),
    [(1e-6, 1, 1), (1e6, 1, 1), (1e-6, 1e-6, 1), (1e6, 1e6, 1), (1, 1e-6, 1), (1, 1e6, 1), (1, 1, 1e-6), (1, 1, 1e6)],
)
@pytest.mark.parametrize("target", ["total", "target_kpi"])
def test_no_figure_of_a_plan_has_a_unit_in_it(money: float, kpi: float, media: float, target: str) -> None:
    base = plan_budget(_in_units(1, 1, 1))
    asked = {"total": None, "target_kpi": 1.05 * float(base.summary["expected_kpi_current"].iloc[0])}[target]
    factor = money if target == "total" else kpi

    def plan(fit: Fit, by: float) -> BudgetPlan:
        return plan_budget(fit, BudgetRequest(**({target: asked * by} if asked else {})))

    expected, told = plan(_in_units(1, 1, 1), 1), plan(_in_units(money, kpi, media), factor)

    total = float(expected.summary["total"].iloc[0])
    for column in ("current_spend", "optimal_spend", "low", "high"):
        np.testing.assert_allclose(told.table[column] / money, expected.table[column], atol=5e-5 * total)
    for column in ("marginal_roi_current", "marginal_roi_optimal"):
        np.testing.assert_allclose(told.table[column] * money / kpi, expected.table[column], rtol=1e-3)
    assert told.table["marginal_roi_current"].iloc[1] > 0  # paused, and worth something all the same
    for column in ("expected_kpi_optimal", "uplift"):
        np.testing.assert_allclose(told.summary[column] / kpi, expected.summary[column], rtol=2e-3)
    assert told.summary["verdict"].equals(expected.summary["verdict"])


def test_where_there_is_no_plan_the_tables_are_todays_spend_with_the_reason(fit: Fit) -> None:
    request = BudgetRequest(target_kpi=1e9)
    with pytest.raises(InfeasibleBudget) as caught:
        plan_budget(fit, request)

    plan = unplanned(fit, request, caught.value)

    for name in ("budget_plan", "budget_summary", "reallocation"):
        assert violations(
            name, {"budget_plan": plan.table, "budget_summary": plan.summary}.get(name, plan.reallocation)
        ).empty
    row = plan.summary.iloc[0]
    assert (row["verdict"], row["no_plan"]) == ("no_plan", "out_of_reach")
    assert "is out of reach" in row["reason"]
    assert plan.table["optimal_spend"].equals(plan.table["current_spend"])
    assert row["total"] == pytest.approx(fit.data.total_spend[-28:].sum())
    assert row["expected_kpi_optimal"] == pytest.approx(
        plan_budget(fit).summary["expected_kpi_current"].iloc[0], rel=1e-6
    )


EVIDENCE = {"channel 0": "data", "channel 1": "prior", "channel 2": "both", "channel 3": "prior"}


def test_channels_whose_return_is_an_opinion_are_held_unless_they_have_bounds_or_are_asked_for() -> None:
    fit = synthetic_fit(channels=4)
    bounded = BudgetRequest(bounds={"channel 3": (0.8, 1.2)})

    held = plan_budget(fit, bounded, evidence=EVIDENCE).table.set_index("channel")
    moved = plan_budget(fit, BudgetRequest(move_unproven=True), evidence=EVIDENCE).table
    unjudged = plan_budget(fit).table

    assert held["is_held"].tolist() == [False, True, False, False]
    assert held.at["channel 1", "optimal_spend"] == held.at["channel 1", "current_spend"]
    assert held["evidence"].to_dict() == EVIDENCE
    assert not held["is_locked"].any()
    assert not moved["is_held"].any()
    assert not unjudged["is_held"].any()
    assert unjudged["evidence"].isna().all()


def test_the_parts_of_a_gain_add_up_and_none_rests_on_held_channels() -> None:
    fit = synthetic_fit(channels=4)
    parts = ["uplift_by_data", "uplift_by_both", "uplift_by_prior"]

    held = plan_budget(fit, evidence=EVIDENCE).summary.iloc[0]
    moved = plan_budget(fit, BudgetRequest(move_unproven=True), evidence=EVIDENCE).summary.iloc[0]

    for summary in (held, moved):
        assert sum(summary[parts]) == pytest.approx(summary["uplift"])
    assert held["uplift_by_prior"] == pytest.approx(0.0, abs=1e-6)
    # Two channels trade with one another: each side of the moves counts half.
    assert held["uplift_by_data"] == pytest.approx(held["uplift_by_both"])
    assert moved["uplift_by_prior"] > 0
    assert moved["uplift"] > held["uplift"]


def test_a_total_that_held_channels_make_impossible_says_so() -> None:
    with pytest.raises(InfeasibleBudget, match=r"held at today's spend: budget\.move_unproven"):
        plan_budget(
            synthetic_fit(channels=2),
            BudgetRequest(total=1.0),
            evidence={"channel 0": "prior", "channel 1": "data"},
        )
