"""The allocation: never worse than other solvers, always feasible, and its bound really is one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from mmm_pipeline.mmm.budget.rounding import CENTS
from mmm_pipeline.mmm.budget.solver import GAP_TARGET, Allocation, AllocationProblem, allocate
from mmm_pipeline.mmm.response.curves import CurvePoints, ResponseCurve
from mmm_pipeline_tests.mmm.budget.abstract_curves import Hill, Power, Zero, total_value

_CURVES = st.one_of(
    st.builds(Power, st.floats(0.1, 100), st.floats(0.2, 0.99), st.floats(0, 1000)),
    st.builds(Hill, st.floats(1, 1000), st.floats(10, 3000), st.floats(0.3, 6)),
    st.just(Zero()),
)


@st.composite
def _problems(draw: st.DrawFn) -> tuple[list[ResponseCurve], AllocationProblem, np.ndarray]:
    curves = draw(st.lists(_CURVES, min_size=1, max_size=5))
    current = np.array(draw(st.lists(st.integers(0, 200_000), min_size=len(curves), max_size=len(curves))))
    widths = draw(st.lists(st.tuples(st.floats(0, 1), st.floats(1, 4)), min_size=len(curves), max_size=len(curves)))
    low = np.array([int(c * w[0]) for c, w in zip(current, widths, strict=True)])
    high = np.array([int(c * w[1]) for c, w in zip(current, widths, strict=True)])
    total = draw(st.integers(int(low.sum()), int(high.sum())))
    return curves, AllocationProblem(low, high, total), current / CENTS


@settings(max_examples=150, deadline=None)
@given(_problems())
def test_plans_meet_the_budget_to_the_cent_respect_bounds_and_carry_a_bound(
    case: tuple[list[ResponseCurve], AllocationProblem, np.ndarray],
) -> None:
    curves, problem, start = case

    allocation = allocate(curves, problem, start)

    assert allocation.cents.dtype == np.int64
    assert allocation.cents.sum() == problem.total
    assert (problem.low <= allocation.cents).all()
    assert (allocation.cents <= problem.high).all()
    assert allocation.optimality_gap >= 0
    assert allocation.value == pytest.approx(total_value(curves, allocation.cents / CENTS), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(_problems(), st.integers(0, 2**32))
def test_no_random_feasible_plan_beats_the_bound_or_by_more_than_the_gap_the_plan(
    case: tuple[list[ResponseCurve], AllocationProblem, np.ndarray], seed: int
) -> None:
    curves, problem, start = case

    allocation = allocate(curves, problem, start)

    plans = _random_plans(problem, 200, np.random.default_rng(seed))
    best = max(total_value(curves, plan) for plan in plans)
    assert best <= allocation.upper_bound * (1 + 1e-9) + 1e-9


@settings(max_examples=40, deadline=None)
@given(_problems(), st.floats(0, 1))
def test_more_budget_never_brings_less(
    case: tuple[list[ResponseCurve], AllocationProblem, np.ndarray], share: float
) -> None:
    curves, problem, start = case
    smaller = int(problem.low.sum() + share * (problem.total - problem.low.sum()))

    less = allocate(curves, AllocationProblem(problem.low, problem.high, smaller), start)
    more = allocate(curves, problem, start)

    assert less.value <= more.upper_bound * (1 + 1e-9) + 1e-9


@pytest.mark.parametrize("seed", range(2))
def test_concave_plans_are_optimal_and_never_worse_than_slsqp_from_20_starts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    curves = [Power(rng.gamma(2, 5), rng.beta(9, 1) * 0.99, rng.gamma(1, 500)) for _ in range(12)]
    current = rng.integers(20_000, 300_000, 12)
    problem = AllocationProblem(current // 2, current * 2, int(current.sum()))

    allocation = allocate(curves, problem, current / CENTS)

    assert allocation.value >= _best_of_slsqp(curves, problem, rng) * (1 - 1e-9)
    assert allocation.optimality_gap < 1e-7


@pytest.mark.parametrize("seed", range(2))
def test_s_shaped_plans_are_never_worse_than_slsqp_from_20_starts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    curves = [Hill(rng.gamma(2, 50), rng.gamma(2, 500), rng.uniform(0.5, 4)) for _ in range(8)]
    current = rng.integers(20_000, 300_000, 8)
    problem = AllocationProblem(current // 4, current * 3, int(current.sum()))

    allocation = allocate(curves, problem, current / CENTS)

    assert allocation.value >= _best_of_slsqp(curves, problem, rng) * (1 - 1e-9)
    assert allocation.optimality_gap < 1e-3


@pytest.mark.parametrize(
    "curves",
    [
        [Hill(100, 800, 4), Hill(100, 800, 4)],
        [Hill(100, 800, 6), Hill(90, 500, 3)],
        [Hill(100, 1500, 5), Power(1.5, 0.6)],
        [Hill(100, 700, 5), Hill(120, 900, 4), Hill(80, 400, 3)],
        [Hill(100, 1500, 5), Hill(100, 1500, 5), Power(0.9, 0.7)],
    ],
    ids=str,
)
def test_s_shaped_plans_agree_with_brute_force(curves: list[ResponseCurve]) -> None:
    total, step = 1500.0, 7.5
    problem = AllocationProblem(np.zeros(len(curves), int), np.full(len(curves), 150_000), 150_000)

    allocation = allocate(curves, problem, np.full(len(curves), total / len(curves)))

    grid = np.arange(0.0, total + step, step)
    values = [curve.at(grid).value for curve in curves]
    best = -np.inf
    for position in itertools.product(range(len(grid)), repeat=len(curves) - 1):
        rest = len(grid) - 1 - sum(position)
        if rest >= 0:
            best = max(best, sum(v[i] for v, i in zip(values, (*position, rest), strict=True)))
    assert allocation.value >= best * (1 - 1e-9)
    assert allocation.optimality_gap < 1e-3


def test_the_same_problem_has_the_same_answer_with_any_number_of_threads() -> None:
    curves: list[ResponseCurve] = [Hill(10 + c, 500, 2.5) for c in range(6)]
    problem = AllocationProblem(np.zeros(6, int), np.full(6, 150_000), 240_000)

    one, four = (allocate(curves, problem, np.full(6, 400.0), workers=workers) for workers in (1, 4))

    assert np.array_equal(one.cents, four.cents)
    assert (one.value, one.upper_bound) == (four.value, four.upper_bound)


def test_a_proof_takes_a_dozen_evaluations_of_a_concave_channel() -> None:
    counted = [_Counted(Hill(10 + c, 500, 0.4 + 0.05 * c)) for c in range(12)]
    problem = AllocationProblem(np.zeros(12, int), np.full(12, 200_000), 480_000)

    allocation = allocate(counted, problem, np.full(12, 400.0))

    assert allocation.optimality_gap <= GAP_TARGET
    assert sum(curve.evaluations for curve in counted) <= 12 * 12


class _Counted:
    """A response that counts how often it is asked."""

    def __init__(self, curve: ResponseCurve) -> None:
        self.curve, self.evaluations = curve, 0

    def at(self, spend: np.ndarray) -> CurvePoints:
        self.evaluations += len(spend)
        return self.curve.at(spend)


def test_a_single_channel_takes_everything() -> None:
    allocation = allocate([Power(2, 0.5)], AllocationProblem(np.array([0]), np.array([500]), 333), np.array([1.0]))

    assert allocation.cents.tolist() == [333]
    assert allocation.optimality_gap == 0


def test_fixed_channels_leave_nothing_to_decide() -> None:
    fixed = np.array([100, 200])

    allocation = allocate([Power(2, 0.5), Hill(1, 2, 3)], AllocationProblem(fixed, fixed, 300), fixed / CENTS)

    assert allocation.cents.tolist() == [100, 200]
    assert allocation.optimality_gap == 0


def test_channels_that_bring_nothing_get_only_their_lower_bound() -> None:
    problem = AllocationProblem(np.array([1000, 1000]), np.array([9000, 9000]), 10_000)

    allocation = allocate([Zero(), Power(1, 0.8)], problem, np.array([50.0, 50.0]))

    assert allocation.cents.tolist() == [1000, 9000]


def test_when_nothing_brings_anything_the_gap_is_zero() -> None:
    problem = AllocationProblem(np.array([0, 0]), np.array([9000, 9000]), 10_000)

    allocation = allocate([Zero(), Zero()], problem, np.array([50.0, 50.0]))

    assert allocation.cents.sum() == 10_000
    assert allocation.optimality_gap == 0


def test_a_bound_above_a_plan_that_brings_nothing_is_an_infinite_gap() -> None:
    assert Allocation(np.array([1]), 0.0, 1.0).optimality_gap == float("inf")


def _random_plans(problem: AllocationProblem, count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Feasible plans, many at bounds: a random order is filled up as far as a random cap allows, then the rest."""
    plans = []
    for _ in range(count):
        plan, left = problem.low.copy(), problem.total - int(problem.low.sum())
        reach = rng.random(len(plan)) if rng.random() < 0.5 else 1.0
        caps = problem.low + ((problem.high - problem.low) * reach).astype(int)
        for cap in (caps, problem.high):
            for c in rng.permutation(len(plan)):
                extra = min(left, int(cap[c] - plan[c]))
                plan[c] += max(extra, 0)
                left -= max(extra, 0)
        plans.append(plan / CENTS)
    return plans


def _best_of_slsqp(curves: list[ResponseCurve], problem: AllocationProblem, rng: np.random.Generator) -> float:
    """Best feasible KPI of SLSQP with exact gradients from 20 random starts."""
    low, high, total = problem.low / CENTS, problem.high / CENTS, problem.total / CENTS
    scale = total_value(curves, problem.total / CENTS * np.ones(len(curves)) / len(curves))

    def objective(plan: np.ndarray) -> tuple[float, np.ndarray]:
        points = [curve.at(plan[c : c + 1]) for c, curve in enumerate(curves)]
        return -sum(p.value[0] for p in points) / scale, -np.array([p.slope[0] for p in points]) / scale

    best = -np.inf
    for start in _random_plans(problem, 20, rng):
        result = minimize(
            objective,
            start,
            jac=True,
            method="SLSQP",
            bounds=list(zip(low, high, strict=True)),
            constraints={"type": "eq", "fun": lambda plan: (plan.sum() - total) / total},
            options={"maxiter": 500, "ftol": 1e-14},
        )
        plan = np.clip(result.x, low, high)
        if abs(plan.sum() - total) <= 1e-9 * total:
            best = max(best, total_value(curves, plan))
    assert np.isfinite(best)
    return best
