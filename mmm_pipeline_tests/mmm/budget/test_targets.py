"""The smallest budget for a KPI, and the spend that is still worth its money."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_pipeline.errors import InfeasibleBudget
from mmm_pipeline.mmm.budget.rounding import CENTS
from mmm_pipeline.mmm.budget.solver import AllocationProblem, allocate
from mmm_pipeline.mmm.budget.targets import smallest_total, spend_while_worthwhile
from mmm_pipeline.mmm.response.curves import ResponseCurve
from mmm_pipeline_tests.mmm.budget.abstract_curves import Hill, Power, total_value

_CURRENT = np.array([500.0, 900.0, 200.0])
_LOW, _HIGH = np.array([5_000, 9_000, 2_000]), np.array([200_000, 360_000, 80_000])
_CASES: list[list[ResponseCurve]] = [
    [Power(3, 0.7), Power(2, 0.8), Power(5, 0.5)],
    [Hill(300, 700, 3), Hill(250, 900, 2), Power(5, 0.5)],
]


@pytest.mark.parametrize("curves", _CASES, ids=["concave", "s-shaped"])
@pytest.mark.parametrize("share", [0.8, 1.0, 1.3])
def test_a_noticeably_smaller_total_misses_the_target(curves: list[ResponseCurve], share: float) -> None:
    target = share * total_value(curves, _CURRENT)

    found = smallest_total(curves, _LOW, _HIGH, target, _CURRENT)

    total = int(found.cents.sum())
    smaller = allocate(curves, AllocationProblem(_LOW, _HIGH, int(total * 0.999)), _CURRENT, gap_target=1e-6)
    assert found.value >= target
    assert smaller.upper_bound < target


def test_a_target_that_the_lower_bounds_meet_costs_the_lower_bounds() -> None:
    found = smallest_total(_CASES[0], _LOW, _HIGH, 1.0, _CURRENT)

    assert np.array_equal(found.cents, _LOW)


def test_a_target_beyond_the_upper_bounds_is_refused() -> None:
    with pytest.raises(InfeasibleBudget, match=r"6,400\.00 in all"):
        smallest_total(_CASES[0], _LOW, _HIGH, 1e9, _CURRENT)


@pytest.mark.parametrize("curves", _CASES, ids=["concave", "s-shaped"])
@pytest.mark.parametrize("worth", [0.02, 0.1, 0.3, 1.0])
def test_every_channel_stands_where_kpi_less_its_price_is_largest(curves: list[ResponseCurve], worth: float) -> None:
    found = spend_while_worthwhile(curves, _LOW, _HIGH, worth, _CURRENT)

    best = 0.0
    for curve, low, high in zip(curves, _LOW, _HIGH, strict=True):
        grid = np.linspace(low, high, 20_001) / CENTS
        best += float((curve.at(grid).value - worth * grid).max())
    profit = found.value - worth * found.cents.sum() / CENTS
    assert profit == pytest.approx(best, rel=1e-4, abs=1e-4)
    assert found.upper_bound >= found.value
