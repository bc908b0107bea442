"""What a budget is asked to respect, and whether that is possible at all. Money is in whole cents from here on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mmm_pipeline.errors import InfeasibleBudget
from mmm_pipeline.mmm.budget.request import BudgetRequest, require_sensible
from mmm_pipeline.mmm.budget.rounding import CENTS, round_to_total, to_cents

__all__ = ["Block", "BudgetProblem", "budget_problem"]


@dataclass(frozen=True)
class Block:
    """Channels that share a total.

    Attributes:
        name: of the group; None: the channels outside groups.
        members: positions of the channels.
        total: cents, between the sums of the members' bounds; None: the target decides.
    """

    name: str | None
    members: np.ndarray
    total: int | None


@dataclass(frozen=True)
class BudgetProblem:
    """A feasible problem; (C,) arrays of int64 cents.

    Attributes:
        channels: C names.
        current: spend of the last horizon.
        low: lower bounds.
        high: upper bounds.
        locked: (C,) whether the channel is locked.
        blocks: every channel is in one.
        horizon_days: length of the plan.
    """

    channels: tuple[str, ...]
    current: np.ndarray
    low: np.ndarray
    high: np.ndarray
    locked: np.ndarray
    blocks: tuple[Block, ...]
    horizon_days: int

    def reference(self, plan: np.ndarray) -> np.ndarray:
        """(C,) cents: the current allocation at the cost of a plan, block by block; what the plan is compared with.

        Locked channels stay as they are, the others are scaled. It may lie outside bounds that ask for change.
        """
        reference = np.empty_like(self.current)
        for block in self.blocks:
            m = block.members
            reference[m] = _scaled(self.current[m], self.high[m], self.locked[m], int(plan[m].sum()))
        return reference


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
    require_sensible(channels, request)
    current = to_cents(current_spend)
    locked = np.array([channel in request.locked for channel in channels])
    low, high = _bounds(channels, current, locked, request)
    blocks = tuple(_blocks(channels, current, request))
    for block in blocks:
        if block.total is not None:
            _require_feasible(channels, low, high, locked, block, block.total, request)
    return BudgetProblem(channels, current, low, high, locked, blocks, request.horizon_days)


def _blocks(channels: tuple[str, ...], current: np.ndarray, request: BudgetRequest) -> Iterator[Block]:
    if request.target_kpi is not None or request.target_marginal_roi is not None:
        yield Block(None, np.arange(len(channels)), None)
        return
    grouped = 0
    others = set(channels)
    for name, (members, amount) in request.groups.items():
        grouped += int(to_cents(amount))
        others -= set(members)
        yield Block(name, np.array([channels.index(member) for member in members]), int(to_cents(amount)))
    rest = np.array([c for c, channel in enumerate(channels) if channel in others], dtype=int)
    total = int(current[rest].sum()) if request.total is None else int(to_cents(request.total)) - grouped
    if not len(rest) and request.total is not None and total:
        raise InfeasibleBudget(
            f"the groups hold every channel and {_money(grouped)} in all, but the total is {request.total:,.2f}: "
            "leave the total out or make them agree"
        )
    if len(rest):
        if total <= 0 and not request.groups:
            raise InfeasibleBudget(
                f"the last {request.horizon_days} days cost nothing, so there is no default total: set budget.total"
            )
        yield Block(None, rest, total)


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


def _scaled(current: np.ndarray, high: np.ndarray, locked: np.ndarray, total: int) -> np.ndarray:
    """Current spend scaled to a total, locked channels as they are."""
    free = ~locked
    remaining, spent = total - int(current[locked].sum()), int(current[free].sum())
    # Without any current spend to scale, the upper bounds say where money may go.
    shape = current if spent > 0 else high
    weights = np.where(free, shape, 0) / max(int(shape[free].sum()), 1)
    scaled = np.where(locked, current, remaining * weights)
    return round_to_total(scaled / CENTS, np.where(locked, current, 0), np.where(locked, current, total), total)


def _require_feasible(
    channels: tuple[str, ...],
    low: np.ndarray,
    high: np.ndarray,
    locked: np.ndarray,
    block: Block,
    total: int,
    request: BudgetRequest,
) -> None:
    names = tuple(channels[c] for c in block.members)
    low, high, locked = low[block.members], high[block.members], locked[block.members]
    least, most = int(low.sum()), int(high.sum())
    if least <= total <= most:
        return
    whose = f"the total of group {block.name!r}," if block.name else "the total of"
    if block.name is None and request.groups:
        whose = "the total that the groups leave to the other channels,"
    default = block.name is None and request.total is None
    origin = f" (what the last {request.horizon_days} days cost)" if default else ""
    fixed = f", {_money(low[locked].sum())} of it locked" if locked.any() else ""
    if total < least:
        raise InfeasibleBudget(
            f"{whose} {_money(total)}{origin} is below the sum of the lower bounds, {_money(least)}{fixed}; "
            f"the largest are {_largest(names, low, locked)}: raise the total, lower the bounds or unlock channels"
        )
    raise InfeasibleBudget(
        f"{whose} {_money(total)}{origin} is above the sum of the upper bounds, {_money(most)}{fixed}; "
        f"the largest are {_largest(names, high, locked)}: lower the total, raise the bounds or unlock channels"
    )


def _largest(channels: tuple[str, ...], cents: np.ndarray, locked: np.ndarray, count: int = 3) -> str:
    order = np.argsort(-cents, kind="stable")[:count]
    return ", ".join(f"{channels[c]!r} {_money(cents[c])}" + (" (locked)" if locked[c] else "") for c in order)


def _money(cents: float) -> str:
    return f"{cents / CENTS:,.2f}"
