"""Whole cents."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_pipeline.mmm.budget.rounding import CENTS, round_to_total, to_cents, unit_of_account


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), min_size=1, max_size=30), st.data())
def test_any_plan_becomes_a_feasible_one(bounds: list[tuple[int, int]], data: st.DataObject) -> None:
    low = np.array([min(pair) for pair in bounds])
    high = np.array([max(pair) for pair in bounds])
    total = data.draw(st.integers(int(low.sum()), int(high.sum())))
    spend = np.array(data.draw(st.lists(st.floats(0, 2e5), min_size=len(bounds), max_size=len(bounds))))

    cents = round_to_total(spend, low, high, total)

    assert cents.sum() == total
    assert (low <= cents).all()
    assert (cents <= high).all()


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_a_plan_that_fits_moves_by_less_than_a_cent_per_channel(spend: list[float]) -> None:
    plan = np.array(spend)
    total = round(plan.sum() * CENTS)

    cents = round_to_total(plan, np.zeros(len(plan), int), np.full(len(plan), 10**9), total)

    assert np.abs(cents - plan * CENTS).max() <= 1.0


def test_amounts_round_to_the_nearest_cent() -> None:
    assert to_cents(np.array([0.1 + 0.2, 1.005, 99.999])).tolist() == [30, 100, 10_000]


@pytest.mark.parametrize(
    ("budget", "unit"),
    [(100.0, 1.0), (72_079.53, 1.0), (5e9, 1.0), (99.0, 1e-3), (0.0053, 1e-7), (0.0, 1.0), (3e12, 100.0)],
)
def test_a_cent_is_small_beside_the_budget_and_ordinary_budgets_have_ordinary_cents(budget: float, unit: float) -> None:
    assert unit_of_account(budget) == pytest.approx(unit)
