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


def _returns(key: str, roi: list[float], spread: float, seed: int = 0) -> SpecReturns:
    """Two channels at a spend of 100 each, with Normal ROI."""
    draws = np.random.default_rng(seed).normal(roi, spread, (4000, 2))
    return SpecReturns(key, ("a", "b"), np.array([100.0, 100.0]), 100 * draws, np.full(4000, 600.0))


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
    ("gap", "spread", "verdict"),
    [
        (0.2, 0.5, "agree"),
        # Means two standard deviations apart: as much variance between the specs as within them.
        (2.1, 1.0, "disagree_means"),
        (1.9, 1.0, "agree"),
        (5.0, 1.0, "disagree_intervals"),
    ],
)
def test_specs_disagree_when_the_choice_of_spec_moves_roi_more_than_the_rest(
    gap: float, spread: float, verdict: str
) -> None:
    specs = [_returns("adstock|1", [10.0, 3.0], spread), _returns("carryover|1", [10.0 + gap, 3.0], spread)]

    table = agreement_table(specs, "carryover|1").set_index("channel")

    assert violations("spec_agreement", table.reset_index()).empty
    assert table["verdict"].tolist() == [verdict, "agree"]
    assert table.loc["a", ["spec_lowest", "spec_highest"]].tolist() == ["adstock|1", "carryover|1"]
    assert table.loc["a", "roi_champion"] == table.loc["a", "roi_highest"]


def test_a_single_spec_has_nothing_to_disagree_with() -> None:
    table = agreement_table([_returns("adstock|1", [1.0, 2.0], 0.1)], "adstock|1")

    assert violations("spec_agreement", table).empty
    assert table["verdict"].tolist() == ["single_spec"] * 2


def test_returns_of_a_fit_are_its_contributions_over_its_spend() -> None:
    fit = synthetic_fit("carryover", draws=20)

    returns = spec_returns(fit)

    expected = fit.contributions().sum("time").to_numpy().reshape(-1, 3)
    np.testing.assert_allclose(returns.caused, expected)
    np.testing.assert_allclose(returns.roi, expected / fit.data.spend.sum(axis=0))
    fitted = fit.fitted_mean().sum("time").to_numpy().ravel()
    np.testing.assert_allclose(returns.baseline + returns.caused.sum(axis=1), fitted)
