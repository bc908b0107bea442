"""What a budget is asked to respect, and whether that is possible at all. Money is in whole cents from here on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mmm_pipeline.errors import InfeasibleBudget
from mmm_pipeline.mmm.budget.rounding import CENTS, round_to_total, to_cents

__all__ = ["BudgetProblem", "BudgetRequest", "budget_problem"]


@dataclass(frozen=True)
class BudgetRequest:
    """What the user asks for.

    Attributes:
        total: currency over the horizon; None: what the last horizon cost.
        horizon_days: length of the plan.
        lower, upper: bounds of every channel, as multiples of its current spend (the spend of the window's last
            `horizon_days` days). A channel that spent nothing then stays at nothing unless `amounts` says otherwise.
        bounds: channel -> (low, high), multiples of its current spend, instead of `lower` and `upper`.
        amounts: channel -> (low, high) in currency over the horizon, instead of multiples.
        locked: channels that keep their current spend, whatever the total.
        count_after_horizon: whether effect carried over to the days after the horizon counts.
    """

    total: float | None = None
    horizon_days: int = 28
    lower: float = 0.5
    upper: float = 2.0
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    amounts: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    locked: tuple[str, ...] = ()
    count_after_horizon: bool = True


@dataclass(frozen=True)
class BudgetProblem:
    """A feasible problem; (C,) arrays of int64 cents.

    Attributes:
        channels: C names.
        reference: the current allocation scaled to the total, locked channels as they are; what a plan is compared
            with. It adds up to the total and may lie outside the bounds, when those ask for change.
        low: lower bounds.
        high: upper bounds.
        locked: (C,) whether the channel is locked.
        total: cents to spend, between the sums of the bounds.
        horizon_days: length of the plan.
    """

    channels: tuple[str, ...]
    reference: np.ndarray
    low: np.ndarray
    high: np.ndarray
    locked: np.ndarray
    total: int
    horizon_days: int


def budget_problem(channels: tuple[str, ...], current_spend: np.ndarray, request: BudgetRequest) -> BudgetProblem:
    """Resolve a request against today's spend.

    Args:
        channels: C names.
        current_spend: (C,) currency over the last horizon.
        request: what is asked for.

    Raises:
        InfeasibleBudget: a name is unknown, a value impossible, or the constraints contradict each other; the message
            names the conflicting ones.
    """
    _require_sensible(channels, request)
    current = to_cents(current_spend)
    locked = np.array([channel in request.locked for channel in channels])
    low, high = _bounds(channels, current, locked, request)
    total = int(current.sum()) if request.total is None else int(to_cents(request.total))
    if total <= 0:
        raise InfeasibleBudget(
            f"the last {request.horizon_days} days cost nothing, so there is no default total: set budget.total"
        )
    _require_feasible(channels, low, high, locked, total, request)
    return BudgetProblem(
        channels=channels,
        reference=_reference(current, low, high, locked, total),
        low=low,
        high=high,
        locked=locked,
        total=total,
        horizon_days=request.horizon_days,
    )


def _bounds(
    channels: tuple[str, ...], current: np.ndarray, locked: np.ndarray, request: BudgetRequest
) -> tuple[np.ndarray, np.ndarray]:
    """Bounds in cents: the lower rounded up, the upper down, but never past each other."""
    low, high = np.empty_like(current), np.empty_like(current)
    for c, channel in enumerate(channels):
        if channel in request.amounts:
            ends = tuple(CENTS * amount for amount in request.amounts[channel])
        else:
            ends = tuple(int(current[c]) * m for m in request.bounds.get(channel, (request.lower, request.upper)))
        # Multiples such as 1.1 are not exact in binary: a hair below a whole cent still is that cent.
        low[c], high[c] = math.ceil(ends[0] - 1e-6), math.floor(ends[1] + 1e-6)
        if low[c] > high[c]:
            low[c] = high[c] = round(ends[0])
        if locked[c]:
            explicit = channel in request.amounts or channel in request.bounds
            if explicit and not low[c] <= current[c] <= high[c]:
                raise InfeasibleBudget(
                    f"channel {channel!r} is locked at its current spend of {_money(current[c])}, but its bounds are "
                    f"{_money(low[c])} to {_money(high[c])}: unlock it or widen its bounds"
                )
            low[c] = high[c] = current[c]
    return low, high


def _reference(current: np.ndarray, low: np.ndarray, high: np.ndarray, locked: np.ndarray, total: int) -> np.ndarray:
    free = ~locked
    remaining, spent = total - int(current[locked].sum()), int(current[free].sum())
    # Without any current spend to scale, the upper bounds say where money may go.
    shape = current if spent > 0 else high
    weights = np.where(free, shape, 0) / max(int(shape[free].sum()), 1)
    scaled = np.where(locked, current, remaining * weights)
    return round_to_total(scaled / CENTS, np.where(locked, current, 0), np.where(locked, current, total), total)


def _require_sensible(channels: tuple[str, ...], request: BudgetRequest) -> None:
    for what, names in (("bounds", request.bounds), ("amounts", request.amounts), ("locked", request.locked)):
        for name in names:
            if name not in channels:
                raise InfeasibleBudget(
                    f"budget.{what} names {name!r}, not a channel of the model: accepted are {', '.join(channels)}"
                )
    if request.horizon_days < 1:
        raise InfeasibleBudget(f"budget.horizon_days is {request.horizon_days}: at least 1 is needed")
    if request.total is not None and not (math.isfinite(request.total) and request.total > 0):
        raise InfeasibleBudget(f"budget.total is {request.total}: a finite amount above 0 is needed")
    ranges = {"lower and upper": (request.lower, request.upper)}
    ranges |= {f"bounds[{name!r}]": pair for name, pair in request.bounds.items()}
    ranges |= {f"amounts[{name!r}]": pair for name, pair in request.amounts.items()}
    for where, (low, high) in ranges.items():
        if not (0 <= low <= high < math.inf):
            raise InfeasibleBudget(f"budget.{where} is [{low}, {high}]: accepted is 0 <= low <= high, both finite")


def _require_feasible(
    channels: tuple[str, ...], low: np.ndarray, high: np.ndarray, locked: np.ndarray, total: int, request: BudgetRequest
) -> None:
    least, most = int(low.sum()), int(high.sum())
    if least <= total <= most:
        return
    origin = "" if request.total is not None else f" (what the last {request.horizon_days} days cost)"
    fixed = f", {_money(low[locked].sum())} of it locked" if locked.any() else ""
    if total < least:
        raise InfeasibleBudget(
            f"the total of {_money(total)}{origin} is below the sum of the lower bounds, {_money(least)}{fixed}; "
            f"the largest are {_largest(channels, low, locked)}: raise the total, lower the bounds or unlock channels"
        )
    raise InfeasibleBudget(
        f"the total of {_money(total)}{origin} is above the sum of the upper bounds, {_money(most)}{fixed}; "
        f"the largest are {_largest(channels, high, locked)}: lower the total, raise the bounds or unlock channels"
    )


def _largest(channels: tuple[str, ...], cents: np.ndarray, locked: np.ndarray, count: int = 3) -> str:
    order = np.argsort(-cents, kind="stable")[:count]
    return ", ".join(f"{channels[c]!r} {_money(cents[c])}" + (" (locked)" if locked[c] else "") for c in order)


def _money(cents: float) -> str:
    return f"{cents / CENTS:,.2f}"
