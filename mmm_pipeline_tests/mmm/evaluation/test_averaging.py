"""Several specs together: weights, averages, disagreement."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.evaluation.averaging import (
    SpecReturns,
    agreement_table,
    averaged_attribution,
    spec_returns,
    stacking_weights,
)
from mmm_pipeline.mmm.evaluation.loo import psis_loo
from mmm_pipeline.mmm.evaluation.ranking import Entry
from mmm_pipeline.mmm.inference.diagnostics import Convergence
from mmm_pipeline.mmm.specs import ModelSpec
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit


def _entry(degrees: int, days: np.ndarray, mean: float, *, converged: bool = True) -> Entry:
    """A spec that believes in a Normal KPI around `mean`."""
    draws = np.random.default_rng(degrees).normal(mean, 0.05, (2, 200, 1))
    likelihood = xr.Dataset({"kpi": (("chain", "draw", "time"), -0.5 * (days - draws) ** 2)})
    fit = synthetic_fit(days=days.size, draws=200, converged=converged)
    loo = psis_loo(
        dataclasses.replace(fit, inference=az.InferenceData(posterior=fit.posterior, log_likelihood=likelihood))
    )
    return Entry(ModelSpec("adstock", degrees), convergence=Convergence(converged, 1.0, 900, 900, 0), loo=loo)


def _returns(
    key: str, roi: list[float], spread: float, seed: int = 0, marginal: tuple[float, float] = (1.0, 1.0)
) -> SpecReturns:
    """Two channels at a spend of 100 each, with Normal ROI."""
    draws = np.random.default_rng(seed).normal(roi, spread, (4000, 2))
    spend = np.array([100.0, 100.0])
    return SpecReturns(key, ("a", "b"), spend, 100 * draws, np.full(4000, 600.0), np.asarray(marginal))


def test_the_spec_that_predicts_gets_the_weight_and_one_that_did_not_converge_gets_none() -> None:
    days = np.random.default_rng(0).normal(0, 1, 40)

    weights = stacking_weights([_entry(1, days, 0.0), _entry(2, days, 3.0), _entry(4, days, 0.0, converged=False)])

    assert set(weights) == {"adstock|1", "adstock|2"}
    assert weights["adstock|1"] > 0.95
    assert sum(weights.values()) == pytest.approx(1.0)


def test_specs_that_are_right_about_different_days_share_the_weight() -> None:
    days = np.concatenate([np.random.default_rng(0).normal(centre, 0.5, 20) for centre in (-2, 2)])

    weights = stacking_weights([_entry(1, days, -2.0), _entry(2, days, 2.0)])

    assert all(0.3 < weight < 0.7 for weight in weights.values())


def test_one_spec_has_all_the_weight_and_none_has_none() -> None:
    days = np.zeros(40)
    assert stacking_weights([_entry(1, days, 0.0)]) == {"adstock|1": 1.0}
    assert stacking_weights([_entry(1, days, 0.0, converged=False)]) == {}


def test_the_average_is_the_mixture_of_the_draws_by_weight() -> None:
    specs = [_returns("adstock|1", [1.0, 2.0], 0.1), _returns("carryover|1", [3.0, 2.0], 0.1, seed=1)]

    table = averaged_attribution(specs, {"adstock|1": 0.75, "carryover|1": 0.25}).set_index("channel")

    assert violations("averaged_attribution", table.reset_index()).empty
    assert table.loc["a", "roi"] == pytest.approx(0.75 * 1 + 0.25 * 3, abs=0.01)
    # A mixture of two humps, three quarters of it at 1 and a quarter at 3.
    assert table.loc["a", "roi_low"] == pytest.approx(0.85, abs=0.03)
    assert table.loc["a", "roi_high"] == pytest.approx(3.08, abs=0.03)
    assert table.loc["b", "probability_roi_above_1"] == pytest.approx(1.0)
    assert table["share"].sum() + 600 / (600 + 100 * table["roi"].sum()) == pytest.approx(1.0, abs=1e-3)


def test_a_spec_without_a_weight_does_not_count() -> None:
    one, other = _returns("adstock|1", [1.0, 2.0], 0.1), _returns("carryover|1", [9.0, 9.0], 0.1)

    table = averaged_attribution([one, other], {"adstock|1": 1.0})

    np.testing.assert_allclose(table["roi"], one.roi.mean(axis=0))


@pytest.mark.parametrize(
    ("estimates", "spread", "verdict"),
    [
        # A quarter apart: the same decision, even where the intervals do not touch.
        ((0.98, 1.24), 0.3, "agree"),
        ((0.98, 1.24), 0.01, "agree"),
        ((2.0, 2.8), 0.01, "agree"),
        # A loss by one spec and a gold mine by another, however wide the intervals.
        ((0.9, 6.2), 0.3, "disagree_decision"),
        ((0.9, 6.2), 4.0, "disagree_decision"),
        ((0.7, 1.3), 0.1, "disagree_decision"),
        # Both pay, but the amounts have nothing in common.
        ((1.5, 6.0), 0.3, "disagree_size"),
        ((1.5, 3.0), 0.3, "agree"),
    ],
)
def test_specs_disagree_where_the_decision_depends_on_which_is_right(
    estimates: tuple[float, float], spread: float, verdict: str
) -> None:
    low, high = (
        _returns(key, [roi, 3.0], spread) for key, roi in zip(("adstock|1", "carryover|1"), estimates, strict=True)
    )

    table = agreement_table([low, high], "carryover|1").set_index("channel")

    assert violations("spec_agreement", table.reset_index()).empty
    assert table["verdict"].tolist() == [verdict, "agree"]
    assert table.loc["a", ["spec_lowest", "spec_highest"]].tolist() == ["adstock|1", "carryover|1"]
    assert table.loc["a", "roi_champion"] == table.loc["a", "roi_highest"]


@pytest.mark.parametrize("break_even", [1.0, None])
def test_specs_disagree_where_one_would_raise_a_channel_and_the_other_cut_it(break_even: float | None) -> None:
    raising = _returns("adstock|1", [6.0, 4.0], 0.1, marginal=(3.0, 2.0))
    cutting = _returns("carryover|1", [3.9, 4.0], 0.1, marginal=(1.0, 2.0))

    table = agreement_table([raising, cutting], "adstock|1", break_even=break_even).set_index("channel")

    # The other channel is turned round as well, but its estimates are the same.
    assert table["verdict"].tolist() == ["disagree_decision", "agree"]


def test_specs_that_would_all_cut_a_channel_agree_however_far_apart_their_estimates_are() -> None:
    specs = [
        _returns(key, [roi, 4.0], 0.01, marginal=(roi, 4.0)) for key, roi in (("adstock|1", 0.02), ("carryover|1", 0.2))
    ]

    assert agreement_table(specs, "adstock|1")["verdict"].tolist() == ["agree", "agree"]


def test_without_break_even_both_sides_of_1_are_the_same_side() -> None:
    specs = [_returns(key, [roi, 1.0], 0.01) for key, roi in (("adstock|1", 0.8), ("carryover|1", 1.6))]

    assert agreement_table(specs, "adstock|1")["verdict"].tolist() == ["disagree_decision", "agree"]
    assert agreement_table(specs, "adstock|1", break_even=None)["verdict"].tolist() == ["agree", "agree"]


def test_a_single_spec_has_nothing_to_disagree_with() -> None:
    table = agreement_table([_returns("adstock|1", [1.0, 2.0], 0.1)], "adstock|1")

    assert violations("spec_agreement", table).empty
    assert table["verdict"].tolist() == ["single_spec"] * 2


def test_returns_of_a_fit_are_its_contributions_over_its_spend() -> None:
    fit = synthetic_fit("carryover", draws=20)

    returns = spec_returns(fit)

    expected = fit.contributions().sum("time").to_numpy().reshape(-1, 3)
    np.testing.assert_allclose(returns.caused, expected)
    np.testing.assert_allclose(returns.roi, expected / fit.data.total_spend.sum(axis=0))
    fitted = fit.fitted_mean().sum("time").to_numpy().ravel()
    np.testing.assert_allclose(returns.baseline + returns.caused.sum(axis=1), fitted)
