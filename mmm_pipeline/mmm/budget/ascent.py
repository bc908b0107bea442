"""From one feasible plan to a locally best one: equal marginal returns, by steps on a power-law model of the slopes.

Near a plan s0, R'(s) = R'(s0) (s / s0)^e with e = s0 R''(s0) / R'(s0) matches slope and curvature, is exact for a power
response, and keeps a diminishing return diminishing down to zero spend, where a quadratic model would overshoot. Equal
marginal returns of the models under the budget is one bisection on the multiplier; steps that do not pay are halved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mmm_pipeline.mmm.response.curves import CurvePoints

__all__ = ["ascend"]

_MAX_STEPS = 40
_MAX_HALVINGS = 6
_TOLERANCE = 1e-10
_REACH = 8.0  # a step changes a channel's spend by at most this factor
_ELASTICITY = (-50.0, -1e-4)


def ascend(
    evaluate: Callable[[np.ndarray], CurvePoints],
    start: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    tolerance: float = _TOLERANCE,
    blocks: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """Climb from a feasible plan to one where no small shift of money pays, within the bounds.

    Args:
        evaluate: all C responses at a (C,) plan.
        start: (C,) plan within the bounds; its sum is kept.
        low: (C,) lower bounds.
        high: (C,) upper bounds.
        tolerance: stop when a step promises to gain less than this share of the KPI.
        blocks: positions of channels that share a total; default: all share one.

    Returns:
        (C,) plan, never worse than `start`.
    """
    plan, points = start, evaluate(start)
    blocks = blocks if blocks is not None else [np.arange(len(start))]
    for _ in range(_MAX_STEPS):
        step = np.zeros_like(plan)
        for block in blocks:
            target = _equal_marginal_returns(points.of(block), float(start[block].sum()), low[block], high[block])
            step[block] = target - plan[block]
        worthwhile = tolerance * abs(float(points.value.sum()))
        for halving in range(_MAX_HALVINGS):
            candidate = plan + step * 0.5**halving
            if float(points.slope @ (candidate - plan)) <= worthwhile:
                return plan
            tried = evaluate(candidate)
            if float(np.sum(tried.value - points.value)) > 0:
                plan, points = candidate, tried
                break
        else:
            return plan
    return plan


def _equal_marginal_returns(points: CurvePoints, total: float, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The plan in reach of the current one at which the power-law models' slopes are equal, or a bound holds."""
    spend = points.spend
    floor = np.where(spend > 0, spend, high / _REACH**2)
    lower = np.maximum(low, np.where(spend > 0, spend / _REACH, 0.0))
    upper = np.minimum(high, floor * _REACH)
    steepest = float(points.slope.max())
    if not steepest > 0:
        return spend
    log_slope = np.log(np.maximum(points.slope, steepest * 1e-15))
    with np.errstate(divide="ignore", invalid="ignore"):
        elasticity = np.clip(spend * points.curvature / points.slope, *_ELASTICITY)
    elasticity = np.where(np.isfinite(elasticity), elasticity, -1.0)

    def plan_at(log_multiplier: float) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            wanted = floor * np.exp((log_multiplier - log_slope) / elasticity)
        # A channel that may spend nothing has no scale to want anything on.
        return np.clip(np.where(floor > 0, wanted, 0.0), lower, upper)

    # At the ends every channel is at its upper or lower reach, so the budget lies between.
    reach = -_ELASTICITY[0] * np.log(_REACH) + 1.0
    generous, strict = float(log_slope.min() - reach), float(log_slope.max() + reach)
    for _ in range(200):
        middle = 0.5 * (generous + strict)
        if middle in (generous, strict):
            break
        if plan_at(middle).sum() > total:
            generous = middle
        else:
            strict = middle
    return _settle(plan_at(strict), plan_at(generous), total)


def _settle(less: np.ndarray, more: np.ndarray, total: float) -> np.ndarray:
    """Between two neighbouring plans, the one that spends exactly the total."""
    missing, room = total - less.sum(), more.sum() - less.sum()
    return less if room <= 0 else less + (more - less) * min(max(missing / room, 0.0), 1.0)
