"""Cautious figures, and plans that make them large."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_pipeline.mmm.budget.plan import plan_budget
from mmm_pipeline.mmm.budget.request import BudgetRequest
from mmm_pipeline.mmm.budget.risk import RiskMeasure
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.media.registry import MEDIA_TRANSFORMS
from mmm_pipeline.mmm.response.response import horizon_responses
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit

_CAUTIOUS = [
    RiskMeasure("mean_minus_sd", kappa=1.0),
    RiskMeasure("mean_minus_sd", kappa=0.3),
    RiskMeasure("lower_tail_mean", probability=0.2),
    RiskMeasure("quantile", probability=0.2),
]
_IDS = [f"{measure.measure} {measure.kappa}" for measure in _CAUTIOUS]


@pytest.mark.parametrize("measure", [RiskMeasure(), *_CAUTIOUS], ids=["mean", *_IDS])
def test_a_figure_is_the_weighted_sum_and_moves_as_the_weights_say(measure: RiskMeasure) -> None:
    rng = np.random.default_rng(0)
    kpi, change = rng.gamma(3, 10, 1000), rng.normal(0, 1e-6, 1000)
    weights = measure.emphasis(kpi)

    moved = measure.value(kpi + change) - measure.value(kpi)

    assert weights.sum() == pytest.approx(1)
    assert moved == pytest.approx(weights @ change, rel=1e-3, abs=1e-12)


def test_figures_are_what_they_are_called() -> None:
    kpi = np.random.default_rng(1).normal(100, 10, 4000)
    worst = np.sort(kpi)[:400].mean()

    assert RiskMeasure("mean").value(kpi) == pytest.approx(kpi.mean())
    assert RiskMeasure("mean_minus_sd", kappa=2).value(kpi) == pytest.approx(kpi.mean() - 2 * kpi.std())
    assert RiskMeasure("lower_tail_mean", probability=0.1).value(kpi) == pytest.approx(worst)
    assert RiskMeasure("quantile", probability=0.1).value(kpi) == pytest.approx(np.quantile(kpi, 0.1), abs=0.1)


def test_draws_that_are_all_alike_carry_no_risk() -> None:
    assert RiskMeasure("mean_minus_sd", kappa=5).value(np.full(10, 3.0)) == pytest.approx(3.0)


def _unequal_fit(adstock: str) -> Fit:
    """Channel 0 brings a little more than channel 1, but nobody knows how much; channel 2 brings little."""
    fit = synthetic_fit(adstock, draws=150)
    doubt = np.random.default_rng(3).lognormal(-0.245, 0.7, fit.posterior["media_coefficient"].shape[:2])
    worth = fit.data.total_spend.sum(axis=0) * np.array([1.1, 1.0, 0.4])
    fit.posterior["media_coefficient"].values[:] = 0.3 * worth / worth.sum()
    fit.posterior["media_coefficient"].values[..., 0] *= doubt
    return fit


def _by_brute_force(fit: Fit, measure: RiskMeasure, request: BudgetRequest, steps: int = 60) -> float:
    """The largest figure on a grid of plans of three channels."""
    table = plan_budget(fit, request).table
    low, high, total = table["low"].to_numpy(), table["high"].to_numpy(), table["optimal_spend"].sum()
    responses = horizon_responses(fit, request.horizon)
    grids = [np.linspace(low[c], high[c], steps) for c in (0, 1)]
    drawn = [[response.draws(s) for s in grid] for response, grid in zip(responses, grids, strict=False)]
    best = -np.inf
    for i, first in enumerate(grids[0]):
        for j, second in enumerate(grids[1]):
            rest = total - first - second
            if low[2] <= rest <= high[2]:
                best = max(best, measure.value(drawn[0][i] + drawn[1][j] + responses[2].draws(rest)))
    return best


@pytest.mark.parametrize("adstock", MEDIA_TRANSFORMS)
@pytest.mark.parametrize("measure", _CAUTIOUS, ids=_IDS)
def test_no_plan_on_a_grid_is_better_than_the_cautious_one(adstock: str, measure: RiskMeasure) -> None:
    fit = _unequal_fit(adstock)
    request = BudgetRequest(lower=0.2, upper=3.0, risk=measure)

    summary = plan_budget(fit, request).summary.iloc[0]

    best = _by_brute_force(fit, measure, request)
    slack = 1e-6 if measure.has_certificate else 5e-3
    assert summary["risk_value_optimal"] >= best * (1 - slack)
    if measure.has_certificate:
        assert best <= summary["upper_bound"] * (1 + 1e-9)
        assert summary["optimality_gap"] <= 1e-3


@pytest.mark.parametrize("measure", _CAUTIOUS, ids=_IDS)
def test_a_cautious_plan_takes_money_from_the_channel_nobody_knows(measure: RiskMeasure) -> None:
    fit = _unequal_fit("adstock")
    bold = plan_budget(fit)

    cautious = plan_budget(fit, BudgetRequest(risk=measure))

    assert violations("budget_summary", cautious.summary).empty
    assert cautious.table["optimal_spend"].sum() == pytest.approx(bold.table["optimal_spend"].sum(), abs=1e-6)
    assert cautious.table.loc[0, "optimal_spend"] < bold.table.loc[0, "optimal_spend"]
    row = cautious.summary.iloc[0]
    assert row["risk_value_optimal"] >= row["risk_value_current"]
    assert row["expected_kpi_optimal"] <= bold.summary.loc[0, "expected_kpi_optimal"]


def test_a_quantile_has_no_certificate_and_says_so() -> None:
    summary = plan_budget(_unequal_fit("adstock"), BudgetRequest(risk=RiskMeasure("quantile"))).summary.iloc[0]

    assert summary["certificate"] == "none"
    assert np.isnan([summary["upper_bound"], summary["optimality_gap"]]).all()


def test_cautious_plans_respect_groups_and_repeat_themselves() -> None:
    fit = _unequal_fit("adstock")
    today = plan_budget(fit).table["current_spend"]
    brand = round(float(today[[0, 1]].sum()), 2)
    request = BudgetRequest(
        groups={"brand": (("channel 0", "channel 1"), brand)}, risk=RiskMeasure("mean_minus_sd", kappa=1.0)
    )

    first, second = plan_budget(fit, request), plan_budget(fit, request)

    assert first.table.equals(second.table)
    assert round(float(first.table["optimal_spend"][[0, 1]].sum()), 2) == brand
    assert first.summary.loc[0, "optimality_gap"] <= 1e-3


def test_taking_nothing_off_the_mean_is_the_plan_of_the_mean() -> None:
    fit = _unequal_fit("hill_adstock")

    plan = plan_budget(fit, BudgetRequest(risk=RiskMeasure("mean_minus_sd", kappa=0.0)))

    np.testing.assert_allclose(plan.table["optimal_spend"], plan_budget(fit).table["optimal_spend"], atol=0.02)
