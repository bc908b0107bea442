"""What a budget is asked to respect, and whether that is possible at all. Money is in whole cents from here on."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np

from mmm_pipeline.errors import InfeasibleBudget
from mmm_pipeline.mmm.budget.request import BudgetRequest, require_sensible
from mmm_pipeline.mmm.budget.rounding import CENTS, amount_text, round_to_total, to_cents, unit_of_account

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
    """A feasible problem; (C,) arrays of int64 cents of the unit of account.

    Attributes:
        channels: C names.
        current: spend of the last horizon.
        low: lower bounds.
        high: upper bounds.
        locked: (C,) whether the channel keeps its current spend.
        held: (C,) whether it does so only because what it brings is unproven.
        blocks: every channel is in one.
        horizon: length of the plan.
        unit: currency in the unit of account; see `rounding`.
    """

    channels: tuple[str, ...]
    current: np.ndarray
    low: np.ndarray
    high: np.ndarray
    locked: np.ndarray
    held: np.ndarray
    blocks: tuple[Block, ...]
    horizon: int
    unit: float = 1.0

    def currency(self, cents: np.ndarray) -> np.ndarray:
        """Cents of the unit of account as currency."""
        return cents / (CENTS / self.unit)

    def reference(self, plan: np.ndarray) -> np.ndarray:
        """(C,) cents: the current allocation at the cost of a plan, block by block; what the plan is compared with.

        Locked channels stay as they are, the others are scaled. It may lie outside bounds that ask for change.
        """
        reference = np.empty_like(self.current)
        for block in self.blocks:
            m = block.members
            reference[m] = _scaled(self.current[m], self.high[m], self.locked[m], int(plan[m].sum()))
        return reference


def budget_problem(
    channels: tuple[str, ...],
    current_spend: np.ndarray,
    request: BudgetRequest,
    latest_spend: np.ndarray | None = None,
    unproven: Collection[str] = (),
) -> BudgetProblem:
    """Resolve a request against today's spend.

    Args:
        channels: C names.
        current_spend: (C,) currency over the last horizon.
        request: what is asked for.
        latest_spend: (C,) currency over as many days up to the last one on which anything was spent; where the last
            horizon cost nothing at all, bounds are multiples of this.
        unproven: channels whose return is the prior's opinion.

    Raises:
        InfeasibleBudget: a name is unknown, a value impossible, or the constraints contradict each other; the message
            names the conflicting ones.
    """
    require_sensible(channels, request)
    paused = latest_spend is not None and not current_spend.any()
    basis = latest_spend if latest_spend is not None and paused else current_spend
    unit = unit_of_account(_size(basis, request))
    current = to_cents(current_spend / unit)
    named = {*request.locked, *request.bounds, *request.amounts}
    free_to_hold = not (request.move_unproven or paused)
    held = np.array([free_to_hold and channel in unproven and channel not in named for channel in channels])
    locked = held | np.array([channel in request.locked for channel in channels])
    low, high = _bounds(channels, current, basis / unit, locked, request, unit)
    blocks = []
    for block in _blocks(channels, current, request, unit, float(basis.sum()) if paused else 0.0):
        if block.total is not None:
            block = _feasible(channels, low, high, locked, held, block, block.total, request, unit)
        blocks.append(block)
    return BudgetProblem(channels, current, low, high, locked, held, tuple(blocks), request.horizon, unit)


def _size(basis: np.ndarray, request: BudgetRequest) -> float:
    """Currency: the largest amount that the request is about."""
    grouped = sum(amount for _, amount in request.groups.values())
    return max(float(basis.sum()), request.total or 0.0, grouped, sum(high for _, high in request.amounts.values()))


def _blocks(
    channels: tuple[str, ...], current: np.ndarray, request: BudgetRequest, unit: float, earlier: float
) -> Iterator[Block]:
    if request.target_kpi is not None or request.target_marginal_roi is not None:
        yield Block(None, np.arange(len(channels)), None)
        return
    grouped = sum(amount for _, amount in request.groups.values())
    others = set(channels)
    for name, (members, amount) in request.groups.items():
        others -= set(members)
        yield Block(name, np.array([channels.index(member) for member in members]), int(to_cents(amount / unit)))
    rest = np.array([c for c, channel in enumerate(channels) if channel in others], dtype=int)
    # One rounding of the difference: those of several amounts would add up.
    total = int(current[rest].sum()) if request.total is None else int(to_cents((request.total - grouped) / unit))
    if not len(rest) and request.total is not None and total:
        raise InfeasibleBudget(
            f"the groups hold every channel and {amount_text(grouped)} in all, but the total is "
            f"{amount_text(request.total)}: leave the total out or make them agree"
        )
    if len(rest):
        if total <= 0 and not request.groups:
            before = f" (as many up to the last one with spend cost {amount_text(earlier)})" if earlier > 0 else ""
            raise InfeasibleBudget(
                f"the last {request.step.counted(request.horizon)} cost nothing, so there is no default total: set "
                f"budget.total{before}",
                code="no_spend",
            )
        yield Block(None, rest, total)


def _bounds(
    channels: tuple[str, ...],
    current: np.ndarray,
    basis: np.ndarray,
    locked: np.ndarray,
    request: BudgetRequest,
    unit: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Bounds in cents: the lower rounded down, the upper up, so that no rounding makes a total infeasible."""
    low, high = np.empty_like(current), np.empty_like(current)
    for c, channel in enumerate(channels):
        if channel in request.amounts:
            ends = tuple(CENTS * amount / unit for amount in request.amounts[channel])
        else:
            multiples = request.bounds.get(channel, (request.lower, request.upper))
            ends = tuple(CENTS * float(basis[c]) * multiple for multiple in multiples)
        # Multiples such as 1.1 are not exact in binary: a hair beside a whole cent still is that cent.
        low[c], high[c] = math.floor(ends[0] + 1e-6), math.ceil(ends[1] - 1e-6)
        if locked[c]:
            explicit = channel in request.amounts or channel in request.bounds
            if explicit and not low[c] <= current[c] <= high[c]:
                raise InfeasibleBudget(
                    f"channel {channel!r} is locked at its current spend of {_money(current[c], unit)}, but its bounds "
                    f"are {_money(low[c], unit)} to {_money(high[c], unit)}: unlock it or widen its bounds"
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


def _feasible(
    channels: tuple[str, ...],
    low: np.ndarray,
    high: np.ndarray,
    locked: np.ndarray,
    held: np.ndarray,
    block: Block,
    total: int,
    request: BudgetRequest,
    unit: float,
) -> Block:
    """The block, its total moved onto the bounds where it misses them by rounding alone."""
    names = tuple(channels[c] for c in block.members)
    low, high, locked = low[block.members], high[block.members], locked[block.members]
    least, most = int(low.sum()), int(high.sum())
    if least <= total <= most:
        return block
    if least - len(names) <= total <= most + len(names):
        return replace(block, total=min(max(total, least), most))
    whose = f"the total of group {block.name!r}," if block.name else "the total of"
    if block.name is None and request.groups:
        whose = "the total that the groups leave to the other channels,"
    default = block.name is None and request.total is None
    origin = f" (what the last {request.step.counted(request.horizon)} cost)" if default else ""
    fixed = f", {_money(low[locked].sum(), unit)} of it locked" if locked.any() else ""
    if held[block.members].any():
        fixed += " (channels whose return the data does not tell are held at today's spend: budget.move_unproven)"
    if total < least:
        raise InfeasibleBudget(
            f"{whose} {_money(total, unit)}{origin} is below the sum of the lower bounds, {_money(least, unit)}"
            f"{fixed}; the largest are {_largest(names, low, locked, unit)}: raise the total, lower the bounds or "
            "unlock channels"
        )
    raise InfeasibleBudget(
        f"{whose} {_money(total, unit)}{origin} is above the sum of the upper bounds, {_money(most, unit)}{fixed}; "
        f"the largest are {_largest(names, high, locked, unit)}: lower the total, raise the bounds or unlock channels"
    )


def _largest(channels: tuple[str, ...], cents: np.ndarray, locked: np.ndarray, unit: float, count: int = 3) -> str:
    order = np.argsort(-cents, kind="stable")[:count]
    return ", ".join(f"{channels[c]!r} {_money(cents[c], unit)}" + (" (locked)" if locked[c] else "") for c in order)


def _money(cents: float, unit: float) -> str:
    return amount_text(float(cents) / (CENTS / unit))
