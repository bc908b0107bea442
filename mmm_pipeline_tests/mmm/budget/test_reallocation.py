"""A plan's changes as moves between channels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.budget.plan import plan_budget
from mmm_pipeline.mmm.budget.reallocation import reallocation
from mmm_pipeline.mmm.budget.request import BudgetRequest
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit


def _plan(change: list[float], worth: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "channel": [f"c{i}" for i in range(len(change))],
            "change": change,
            "marginal_roi_current": worth,
            "marginal_roi_optimal": np.ones(len(change)),
        }
    )


def test_the_least_productive_money_goes_to_the_most_productive_channel() -> None:
    plan = _plan([-30.0, -20.0, 40.0, 10.0], [0.5, 0.2, 1.5, 2.0])

    moves = reallocation(plan, [np.arange(4)])

    found = {(row.from_channel, row.to_channel): row.amount for row in moves.itertuples()}
    assert found == {("c1", "c3"): 10.0, ("c1", "c2"): 10.0, ("c0", "c2"): 30.0}
    assert moves["amount"].is_monotonic_decreasing
    assert moves.loc[0, ["from_marginal_roi_current", "to_marginal_roi_current"]].tolist() == [0.5, 1.5]


def test_money_stays_inside_its_group() -> None:
    plan = _plan([-30.0, 30.0, -5.0, 5.0], [0.1, 1.0, 0.5, 9.0])

    moves = reallocation(plan, [np.array([0, 1]), np.array([2, 3])])

    assert set(zip(moves["from_channel"], moves["to_channel"], strict=True)) == {("c0", "c1"), ("c2", "c3")}


def test_moves_add_up_to_the_changes_of_a_real_plan_to_the_cent() -> None:
    plan = plan_budget(synthetic_fit(channels=7), BudgetRequest(locked=("channel 3",)))

    net = plan.table.set_index("channel")["change"] * 0.0
    net = net.sub(plan.reallocation.groupby("from_channel")["amount"].sum(), fill_value=0)
    net = net.add(plan.reallocation.groupby("to_channel")["amount"].sum(), fill_value=0)
    assert violations("reallocation", plan.reallocation).empty
    np.testing.assert_allclose(net[plan.table["channel"]], plan.table["change"], atol=1e-6)
    assert "channel 3" not in set(plan.reallocation["from_channel"]) | set(plan.reallocation["to_channel"])


def test_a_plan_without_changes_has_no_moves() -> None:
    fit = synthetic_fit()

    moves = plan_budget(fit, BudgetRequest(locked=fit.data.channels)).reallocation

    assert moves.empty
    assert violations("reallocation", moves).empty
