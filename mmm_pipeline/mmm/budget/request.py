"""What a user asks of a budget, and whether it makes sense before any money is counted."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mmm_pipeline.errors import InfeasibleBudget
from mmm_pipeline.mmm.budget.risk import RiskMeasure
from mmm_pipeline.mmm.budget.rounding import amount_text
from mmm_pipeline.mmm.data.time_grid import Step

__all__ = ["BudgetRequest", "Objective", "require_consistent", "require_known_channels"]
__all__ += ["require_sensible"]

Objective = Literal["most_kpi", "smallest_total", "worthwhile_spend"]


@dataclass(frozen=True)
class BudgetRequest:
    """What the user asks for: by default, the most KPI at a total.

    Attributes:
        total: currency over the horizon; None: what the last horizon cost.
        target_kpi: instead of a total: spend as little as reaches this incremental media KPI.
        target_marginal_roi: instead of a total: spend until the next unit of currency brings no more KPI than this.
        horizon: length of the plan, in periods.
        step: of the periods, for what is said of them.
        lower, upper: bounds of every channel, as multiples of its current spend (the spend of the window's last
            `horizon` periods). A channel that spent nothing then stays at nothing unless `amounts` says otherwise.
        bounds: channel -> (low, high), multiples of its current spend, instead of `lower` and `upper`.
        amounts: channel -> (low, high) in currency over the horizon, instead of multiples.
        locked: channels that keep their current spend, whatever the total.
        move_unproven: whether the plan may move channels whose return is the prior's opinion; else they keep their
            current spend, unless they have bounds or amounts of their own.
        groups: name -> (channels, currency): channels that share a total of their own, e.g. those of a brand. With
            `total`, the other channels share what the groups leave.
        count_after_horizon: whether effect carried over to the time after the horizon counts.
        risk: what of the KPI is to be large; anything but the mean goes with a total.
    """

    total: float | None = None
    target_kpi: float | None = None
    target_marginal_roi: float | None = None
    horizon: int = 28
    step: Step = Step.DAY
    lower: float = 0.5
    upper: float = 2.0
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    amounts: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    locked: tuple[str, ...] = ()
    move_unproven: bool = False
    groups: Mapping[str, tuple[tuple[str, ...], float]] = field(default_factory=dict)
    count_after_horizon: bool = True
    risk: RiskMeasure = field(default_factory=RiskMeasure)

    @property
    def objective(self) -> Objective:
        """Which of the three questions is asked."""
        if self.target_kpi is not None:
            return "smallest_total"
        return "worthwhile_spend" if self.target_marginal_roi is not None else "most_kpi"


def require_sensible(channels: tuple[str, ...], request: BudgetRequest) -> None:
    """Refuse values and names that no budget could respect.

    Raises:
        InfeasibleBudget: naming the key, the value and what is accepted.
    """
    require_known_channels(channels, request)
    require_consistent(request)


def require_consistent(request: BudgetRequest) -> None:
    """Refuse values that no budget could respect, whatever the channels.

    Raises:
        InfeasibleBudget: naming the key, the value and what is accepted.
    """
    for name in request.bounds:
        if name in request.amounts:
            raise InfeasibleBudget(f"channel {name!r} is in budget.bounds and in budget.amounts: give one")
    if request.horizon < 1:
        raise InfeasibleBudget(f"budget.horizon is {request.horizon}: at least 1 is needed")
    _require_sensible_objective(request)
    _require_sensible_groups(request)
    ranges = {"lower and upper": (request.lower, request.upper)}
    ranges |= {f"bounds[{name!r}]": pair for name, pair in request.bounds.items()}
    ranges |= {f"amounts[{name!r}]": pair for name, pair in request.amounts.items()}
    for where, (low, high) in ranges.items():
        if not (0 <= low <= high < math.inf):
            raise InfeasibleBudget(f"budget.{where} is [{low}, {high}]: accepted is 0 <= low <= high, both finite")


def require_known_channels(channels: Sequence[str], request: BudgetRequest) -> None:
    """Refuse names that are no channel of the model; the message offers the nearest ones.

    Raises:
        InfeasibleBudget: naming the key and the name.
    """
    groups = {f"groups[{name!r}]": members for name, (members, _) in request.groups.items()}
    named = {"bounds": request.bounds, "amounts": request.amounts, "locked": request.locked, **groups}
    for where, names in named.items():
        for name in names:
            if name not in channels:
                raise InfeasibleBudget(
                    f"budget.{where} names {name!r}, not a channel of the model: {_offered(name, channels)}"
                )


def _require_sensible_objective(request: BudgetRequest) -> None:
    objectives = {name: getattr(request, name) for name in ("total", "target_kpi", "target_marginal_roi")}
    given = {name: value for name, value in objectives.items() if value is not None}
    for name, value in given.items():
        if not (math.isfinite(value) and value > 0):
            raise InfeasibleBudget(f"budget.{name} is {value}: a finite number above 0 is needed")
    if len(given) > 1:
        raise InfeasibleBudget(f"{' and '.join(f'budget.{name}' for name in given)} exclude each other: give one")
    risk = request.risk
    if not (0 <= risk.kappa < math.inf and 0 < risk.probability < 1):
        raise InfeasibleBudget(
            f"budget.risk has kappa {risk.kappa} and probability {risk.probability}: accepted are a finite kappa of at "
            "least 0 and a probability between 0 and 1"
        )
    if risk.measure != "mean" and request.objective != "most_kpi":
        raise InfeasibleBudget(
            f"budget.risk.measure {risk.measure!r} goes with a total, not with a target: leave one of them out"
        )
    if request.groups and (request.target_kpi is not None or request.target_marginal_roi is not None):
        raise InfeasibleBudget("budget.groups have totals of their own, so they do not go with a target: give one")


def _require_sensible_groups(request: BudgetRequest) -> None:
    owner: dict[str, str] = {}
    for name, (members, amount) in request.groups.items():
        if len(set(members)) < len(members):
            raise InfeasibleBudget(f"budget.groups[{name!r}] names a channel twice: {', '.join(members)}")
        if not members:
            raise InfeasibleBudget(f"budget.groups[{name!r}] has no channels")
        if not (math.isfinite(amount) and amount >= 0):
            raise InfeasibleBudget(f"budget.groups[{name!r}] has the total {amount}: a finite amount of at least 0")
        for member in members:
            if member in owner:
                raise InfeasibleBudget(f"channel {member!r} is in two budget.groups, {owner[member]!r} and {name!r}")
            owner[member] = name
    grouped = sum(amount for _, amount in request.groups.values())
    if request.total is not None and grouped > request.total:
        raise InfeasibleBudget(
            f"budget.groups have {amount_text(grouped)} in all, more than budget.total {amount_text(request.total)}"
        )


def _offered(name: str, channels: Sequence[str]) -> str:
    """Which of the channels a name may have meant; all of them when there are few or none is near."""
    by_case = {channel.casefold(): channel for channel in channels}
    near = [by_case[found] for found in difflib.get_close_matches(name.casefold(), by_case, n=3, cutoff=0.6)]
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    return f"accepted are {', '.join(channels)}"
