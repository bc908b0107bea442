"""What the tables say, before any language: the judgements that charts, narratives and pages share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.mmm.evaluation.plausibility import Implausible, implausibilities
from mmm_pipeline.mmm.sensitivity.verdicts import Evidence as RestsOn
from mmm_pipeline.reporting.results.returns import Returns
from mmm_pipeline.reporting.results.tables import ResultTables, records
from mmm_pipeline.reporting.text.names import clean, distinct
from mmm_pipeline.reporting.text.returns import returns_of, stated

__all__ = ["ChannelFinding", "Findings", "Move", "findings", "implausible_results"]

Evidence = Literal["pays_back", "below_spend", "unclear", "measured", "implausible", "no_evidence", "organic"]
"""`measured`: a KPI that is not money has no break-even to be above or below; `implausible`: the data speaks of the
channel, but in results that cannot be right, so that nothing is said of what it brings; `no_evidence`: what the
posterior says of it is the prior's opinion."""
PlanVerdict = Literal["no_plan", "implausible", "not_converged", "unproven", "material_gain", "no_material_gain"]
"""`unproven`: the gain that the plan promises is the prior's opinion."""
Trust = Literal["none", "low", "fair", "good"]

CLEAR_PROBABILITY = 0.9
GOOD_SKILL = 0.2
FAIR_COVERAGE = 0.75
"""Least share of holdout days inside the 90 % interval; with 28 days, chance alone rarely goes below it."""
_NEEDED = (
    *("leaderboard", "champion_fit", "naive_forecasts", "attribution", "media_total"),
    *("budget_plan", "budget_summary"),
)
"""Tables without whose rows there is nothing to report."""
NEGLIGIBLE_MOVE = 0.005
"""A change below this share of the budget is not worth a sentence."""


@dataclass(frozen=True)
class ChannelFinding:
    """One channel of the attribution table.

    Attributes:
        label: its name, safe to show and different from all others.
        evidence: what is said of it.
        rests_on: where its return comes from, by the table `sensitivity`.
        row: of the attribution.
    """

    label: str
    evidence: Evidence
    rests_on: RestsOn
    row: Mapping[str, Any]

    @property
    def has_evidence(self) -> bool:
        return self.evidence != "no_evidence"


@dataclass(frozen=True)
class Move:
    """One channel's line of the budget plan.

    Attributes:
        share: change over current spend; None when nothing is spent today.
        at_bound: which bound stops it: low, high or none.
        beyond_data: whether its daily spend exceeds what was ever observed on a day.
    """

    label: str
    current: float
    optimal: float
    change: float
    share: float | None
    locked: bool
    at_bound: Literal["low", "high", ""]
    beyond_data: bool
    has_evidence: bool
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Findings:
    """Judgements on one run.

    Attributes:
        champion: its leaderboard row.
        champion_fit: how its fit on all days went, the row of that table.
        best_naive: the naive forecast with the smallest of the errors that rank.
        skill: 1 - error / error of the best naive forecast; None when it cannot be computed.
        beats_naive: whether the champion's skill is above zero.
        any_beats_naive: whether any converged spec's is.
        trust: how far the numbers carry a decision; `none` for a quick run.
        channels: by contribution, largest first.
        unusable_specs: leaderboard rows that could not win, with status and reason.
        moves: budget lines by size of the change, largest first; negligible ones left out.
        media_share: expected share of the fitted KPI that media caused.
        media_total: the row of the table of that name.
        media_rests_on: where that share comes from, by the table `sensitivity`.
        gain_rests_on: where the plan's gain comes from; None: it promises none.
        held: labels of the channels that the plan leaves as they are, because their return is the prior's opinion.
        implausible: why the results cannot be right; empty: nothing speaks against them.
        kpi: name of the KPI, safe to show.
        excluded: channel and reason, safe to show.
        labels: channel -> its label, largest contribution first.
        disputed: labels of the channels on which specs that predict about equally well disagree, likewise.
        scored_periods: days that no model saw, over all forecast windows.
        returns: the unit of ROI and marginal ROI in the rows.
        interval: probability of every credible interval.
    """

    champion: Mapping[str, Any]
    champion_fit: Mapping[str, Any]
    best_naive: Mapping[str, Any]
    skill: float | None
    beats_naive: bool
    any_beats_naive: bool
    trust: Trust
    channels: tuple[ChannelFinding, ...]
    unusable_specs: pd.DataFrame
    budget: Mapping[str, Any]
    moves: tuple[Move, ...]
    media_share: float
    media_total: Mapping[str, Any]
    media_rests_on: RestsOn
    gain_rests_on: RestsOn | None
    held: tuple[str, ...]
    implausible: tuple[Implausible, ...]
    kpi: str
    excluded: tuple[tuple[str, str], ...]
    labels: dict[str, str]
    disputed: tuple[str, ...]
    scored_periods: int
    returns: Returns
    interval: float

    @property
    def gain_share(self) -> float | None:
        """The plan's gain over what media brings with today's split."""
        before = float(self.budget["expected_kpi_current"])
        return float(self.budget["uplift"]) / before if before > 0 else None

    @property
    def has_plan(self) -> bool:
        """Whether there is a budget plan; without one its tables hold today's spend."""
        return bool(self.budget["verdict"] != "no_plan")

    @property
    def plan_verdict(self) -> PlanVerdict:
        """What to say of the plan: what the optimizer found only where the results behind it can be used."""
        if not self.has_plan:
            return "no_plan"
        if self.implausible:
            return "implausible"
        if not self.champion_converged:
            return "not_converged"
        if self.gain_rests_on == "prior" and self.budget["verdict"] == "material_gain":
            return "unproven"
        return "material_gain" if self.budget["verdict"] == "material_gain" else "no_material_gain"

    @property
    def material(self) -> bool:
        """Whether the plan is a material gain by results that can be used."""
        return self.plan_verdict == "material_gain"

    @property
    def without_evidence(self) -> frozenset[str]:
        """Labels of the channels of which the data cannot tell what they bring."""
        return frozenset(self.with_evidence("no_evidence"))

    @property
    def champion_converged(self) -> bool:
        """Whether the fit that decisions rest on converged."""
        return bool(self.champion_fit["status"] == "converged")

    def with_evidence(self, evidence: Evidence) -> list[str]:
        """Labels of the channels judged so, largest contribution first."""
        return [channel.label for channel in self.channels if channel.evidence == evidence]

    @property
    def increases(self) -> list[Move]:
        return [move for move in self.moves if move.change > 0]

    @property
    def decreases(self) -> list[Move]:
        return [move for move in self.moves if move.change < 0]


def findings(tables: ResultTables) -> Findings:
    """Judge one run.

    Raises:
        StoredResultError: the leaderboard has no champion, or a table that must have rows is empty.
    """
    tables = stated(tables)
    for name in _NEEDED:
        if getattr(tables, name).empty:
            raise StoredResultError(f"table {name!r} has no rows, so there is nothing to report: materialize it again")
    board = tables.leaderboard
    if not board["is_champion"].any():
        raise StoredResultError(
            "the leaderboard has no champion, so there is nothing to report: too few specs converged"
        )
    champion = next(row for row in records(board) if row["is_champion"])
    fitted_champion = records(tables.champion_fit)[0]
    error = tables.settings.ranking.error
    naive = min(records(tables.naive_forecasts), key=lambda row: float(row[error]))
    agreement = tables.spec_agreement
    disputed = set(agreement.loc[agreement["verdict"].str.startswith("disagree"), "channel"])
    skill = _number(champion["skill"])
    labels = _labels(tables)
    implausible = implausible_results(tables)
    rests_on = _rests_on(tables)
    channels = _channels(tables, labels, rests_on, implausible=bool(implausible))
    budget = records(tables.budget_summary)[0]
    fitted = float(tables.contribution_over_time["mean"].sum())
    media_share = float(tables.attribution["contribution"].sum()) / fitted if fitted else float("nan")
    return Findings(
        champion=champion,
        champion_fit=fitted_champion,
        best_naive=naive,
        skill=skill,
        beats_naive=skill is not None and skill > 0,
        any_beats_naive=bool((board.loc[board["status"] == "converged", "skill"] > 0).any()),
        trust=_trust(
            tables.quick,
            skill,
            _number(champion["coverage_90"]),
            fitted_champion["status"],
            channels,
            bool(implausible),
        ),
        channels=channels,
        unusable_specs=board[board["status"] != "converged"],
        budget=budget,
        moves=_moves(tables, labels, channels),
        media_share=media_share,
        media_total=records(tables.media_total)[0],
        media_rests_on=rests_on.get(("media", None), "prior"),
        gain_rests_on=rests_on.get(("gain", None)),
        held=tuple(labels[row["channel"]] for row in records(tables.budget_plan) if row["is_held"]),
        implausible=implausible,
        kpi=clean(tables.settings.columns.kpi, limit=30) or "KPI",
        excluded=tuple(
            (clean(row["channel"]), clean(row["reason"], limit=2000)) for row in records(tables.excluded_channels)
        ),
        labels=labels,
        disputed=tuple(label for name, label in labels.items() if name in disputed),
        scored_periods=tables.window.holdout_periods * max(1, tables.rolling_origins["origin"].nunique()),
        returns=returns_of(tables),
        interval=tables.settings.report.credible_interval,
    )


def implausible_results(tables: ResultTables) -> tuple[Implausible, ...]:
    """Why the results of a run cannot be right: the one judgement that every output shows before anything else."""
    plan = next((row for row in records(tables.budget_summary) if row["verdict"] != "no_plan"), None)
    return implausibilities(records(tables.media_total)[0], tables.forecast["observed"].to_numpy(dtype=float), plan)


def _labels(tables: ResultTables) -> dict[str, str]:
    """Name in the tables -> label, unique even where cleaning made two names alike; largest contribution first."""
    names = tables.attribution.sort_values("contribution", ascending=False, kind="stable")["channel"].tolist()
    labels = distinct(clean(name, limit=60) for name in names)
    return dict(zip(names, labels, strict=True))


def _rests_on(tables: ResultTables) -> dict[tuple[str, str | None], RestsOn]:
    """(quantity, channel) -> where it comes from."""
    return {
        (row["quantity"], row["channel"] if isinstance(row["channel"], str) else None): row["evidence"]
        for row in records(tables.sensitivity)
    }


def _channels(
    tables: ResultTables,
    labels: dict[str, str],
    rests_on: Mapping[tuple[str, str | None], RestsOn],
    *,
    implausible: bool,
) -> tuple[ChannelFinding, ...]:
    # What nobody has judged is not taken for the data's.
    comes_from: dict[str, RestsOn] = {name: rests_on.get(("roi", name), "prior") for name in labels}
    rows = {row["channel"]: row for row in records(tables.attribution)}
    is_money = returns_of(tables).is_money
    return tuple(
        ChannelFinding(
            label, _evidence(rows[name], comes_from[name], is_money, implausible), comes_from[name], rows[name]
        )
        for name, label in labels.items()
    )


def _evidence(row: Mapping[str, Any], rests_on: RestsOn, is_money: bool, implausible: bool) -> Evidence:
    probability = _number(row["probability_roi_above_1"])
    if float(row["spend"]) == 0:
        return "organic"
    if rests_on == "prior":
        return "no_evidence"
    if implausible:
        return "implausible"
    if not is_money:
        return "measured"
    if probability is None:
        return "unclear"
    if probability >= CLEAR_PROBABILITY:
        return "pays_back"
    return "below_spend" if probability <= 1 - CLEAR_PROBABILITY else "unclear"


def _trust(
    quick: bool,
    skill: float | None,
    coverage: float | None,
    status: str,
    channels: tuple[ChannelFinding, ...],
    implausible: bool,
) -> Trust:
    if quick:
        return "none"
    if implausible or skill is None or skill <= 0 or status != "converged":
        return "low"
    spend = sum(float(channel.row["spend"]) for channel in channels)
    known = sum(float(channel.row["spend"]) for channel in channels if channel.has_evidence)
    covered = coverage is not None and coverage >= FAIR_COVERAGE
    sound = covered and known >= 0.5 * spend
    return "good" if skill >= GOOD_SKILL and sound else "fair"


def _moves(tables: ResultTables, labels: dict[str, str], channels: tuple[ChannelFinding, ...]) -> tuple[Move, ...]:
    summary = tables.budget_summary.iloc[0]
    total, days = float(summary["total"]), int(summary["horizon"])
    evidence = {channel.label: channel.has_evidence for channel in channels}
    curves = tables.response_curves
    observed = curves[~curves["is_extrapolated"].astype(bool)].groupby("channel")["spend"].max()
    moves = []
    for row in records(tables.budget_plan):
        current, optimal = float(row["current_spend"]), float(row["optimal_spend"])
        if abs(optimal - current) <= NEGLIGIBLE_MOVE * total:
            continue
        label = labels.get(row["channel"], clean(row["channel"]))
        tolerance = 1e-3 * optimal
        at_low, at_high = (abs(optimal - float(row[end])) <= tolerance for end in ("low", "high"))
        moves.append(
            Move(
                label=label,
                current=current,
                optimal=optimal,
                change=optimal - current,
                share=optimal / current - 1 if current > 0 else None,
                locked=bool(row["is_locked"]),
                at_bound="low" if at_low and optimal < current else "high" if at_high and optimal > current else "",
                beyond_data=optimal / days > float(observed.get(row["channel"], np.inf)) * (1 + 1e-9),
                has_evidence=evidence.get(label, False),
                row=row,
            )
        )
    return tuple(sorted(moves, key=lambda move: -abs(move.change)))


def _number(value: object) -> float | None:
    """The value as a finite number, or None."""
    try:
        amount = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return amount if np.isfinite(amount) else None
