"""The changes that the tables themselves call for, by fixed rules, with their reasons in every language."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.reporting.advice.changes import Change, change_problems
from mmm_pipeline.reporting.advice.proposals import Proposal
from mmm_pipeline.reporting.findings.findings import Findings, Move, findings
from mmm_pipeline.reporting.results.tables import Language, ResultTables
from mmm_pipeline.reporting.text.formatting import Formatter
from mmm_pipeline.reporting.text.wording import wording

__all__ = ["all_channels", "data_proposals", "model_proposals"]

TOO_FEW_DAYS = 7
"""A channel active on fewer train days is all assumption."""
CLOSE_CALL = 0.1
"""A lead in holdout error below this share of it is luck as easily as merit."""
_SPIKES = 3
_WINDOWS = 3
_LEAST_TRAIN = {Step.DAY: 90, Step.WEEK: 40, Step.MONTH: 24}  # of the earliest of several forecast windows
_LONGEST_WARMUP = 4000
_WIDER = 1.5
_MOST_MULTIPLE = 5.0


def data_proposals(tables: ResultTables) -> list[Proposal]:
    """Cleaning: channels that the data can say nothing about.

    Raises:
        StoredResultError: a table has no rows, or there is no champion.
    """
    found = findings(tables)
    return _accepted(_unusable_channels(tables, found), tables)


def model_proposals(tables: ResultTables) -> list[Proposal]:
    """Model and budget: seasons, noise, forecast windows, sampling, bounds and locks.

    Raises:
        StoredResultError: a table has no rows, or there is no champion.
    """
    found = findings(tables)
    proposals = (_seasons, _noise, _windows, _sampling, _budget_rules)
    return _accepted((proposal for rule in proposals for proposal in rule(tables, found)), tables)


def all_channels(tables: ResultTables) -> list[str]:
    """Every channel of the data by its own name, those that the model leaves out included."""
    profiled = [str(row["channel"]) for row in tables.eda_profile.get("channels", ())]
    modelled = [str(name) for name in tables.attribution["channel"]]
    return list(dict.fromkeys([*modelled, *map(str, tables.excluded_channels["channel"]), *profiled]))


def _accepted(proposals: Iterable[Proposal], tables: ResultTables) -> list[Proposal]:
    """Those that the settings accept together; a later one that contradicts an earlier one goes."""
    kept: list[Proposal] = []
    channels = all_channels(tables)
    for proposal in proposals:
        changes = [*(each.change for each in kept), proposal.change]
        if not change_problems(changes, tables.settings, channels):
            kept.append(proposal)
    return kept


def _unusable_channels(tables: ResultTables, found: Findings) -> Iterator[Proposal]:
    for finding in tables.eda_profile.get("findings", ()):
        values, channel = finding["values"], finding.get("channel")
        if channel not in found.labels:
            continue
        label = found.labels[channel]
        if finding["code"] == "few_active_periods" and values["active_periods"] < TOO_FEW_DAYS:
            days = {"active_periods": values["active_periods"], "train_periods": values["train_periods"]}
            yield _proposal(
                tables, "exclude_few_days", Change(setting="channels.exclude", channel=channel), label, days
            )
        elif finding["code"] == "negligible_spend":
            share = {"spend_share": values["spend_share"]}
            yield _proposal(
                tables, "exclude_no_spend", Change(setting="channels.exclude", channel=channel), label, share
            )


def _seasons(tables: ResultTables, found: Findings) -> Iterator[Proposal]:
    degrees = tables.settings.model.degrees
    few = [degree for degree in degrees if degree <= 2]
    if tables.window.periods < tables.window.step.per_year and few and len(few) < len(degrees):
        change = Change(setting="model.degrees", numbers=[float(degree) for degree in few])
        yield _proposal(tables, "fewer_degrees", change, None, {"periods": tables.window.periods})


def _noise(tables: ResultTables, found: Findings) -> Iterator[Proposal]:
    spikes = len(tables.eda_profile.get("kpi", {}).get("outliers", ()))
    if spikes >= _SPIKES and tables.settings.model.noise == "normal":
        change = Change(setting="model.noise", choice="student_t")
        yield _proposal(tables, "spiky_kpi", change, None, {"periods": spikes, "kpi": found.kpi})


def _windows(tables: ResultTables, found: Findings) -> Iterator[Proposal]:
    """More forecast windows where one window hardly tells the champion from the next spec."""
    error, board, window = tables.settings.ranking.error, tables.leaderboard, tables.window
    others = board[(board["status"] == "converged") & ~board["is_champion"].astype(bool)]
    asked = max(1, tables.settings.split.rolling_origins)
    room = window.train_periods - (_WINDOWS - 1) * window.holdout_periods
    if asked > 1 or others.empty or room < _LEAST_TRAIN[window.step] or tables.quick:
        return
    if float(others[error].min()) < (1 + CLOSE_CALL) * float(found.champion[error]):
        change = Change(setting="split.rolling_origins", numbers=[float(_WINDOWS)])
        yield _proposal(tables, "more_windows", change, None, {})


def _sampling(tables: ResultTables, found: Findings) -> Iterator[Proposal]:
    missed = int((tables.leaderboard["status"] == "not_converged").sum())
    warmup = min(2 * tables.settings.sampler.warmup, _LONGEST_WARMUP)
    if missed and not tables.quick and warmup > tables.settings.sampler.warmup:
        change = Change(setting="sampler.warmup", numbers=[float(warmup)])
        values = {"specs": missed, "all": len(tables.leaderboard)}
        yield _proposal(tables, "longer_warmup", change, None, values)


def _budget_rules(tables: ResultTables, found: Findings) -> Iterator[Proposal]:
    largest = _largest_multiple(tables)
    names = {label: name for name, label in found.labels.items()}
    paying = {*found.with_evidence("pays_back"), *found.with_evidence("measured")}
    for move in found.moves:
        channel = names.get(move.label)
        if channel is None or move.locked or move.current <= 0:
            continue
        room = largest.get(channel, math.inf)
        if not move.has_evidence:
            yield _proposal(
                tables, "lock_blind", Change(setting="budget.locked", channel=channel), move.label, _change(move)
            )
        elif move.beyond_data and room >= 1:
            yield _bounded(tables, "bound_to_data", channel, move, _floor(room))
        elif move.at_bound == "high" and move.label in paying and found.trust in ("fair", "good") and not tables.quick:
            high = min(tables.settings.budget.upper * _WIDER, _floor(room), _MOST_MULTIPLE)
            if high > float(move.row["high"]) / move.current * 1.01:
                yield _bounded(tables, "widen_bound", channel, move, high)


def _bounded(tables: ResultTables, code: str, channel: str, move: Move, high: float) -> Proposal:
    low = min(_floor(float(move.row["low"]) / move.current), high)
    change = Change(setting="budget.bounds", channel=channel, numbers=[low, high])
    return _proposal(tables, code, change, move.label, _change(move))


def _largest_multiple(tables: ResultTables) -> dict[str, float]:
    """Channel -> its largest observed daily spend over today's."""
    curves = tables.response_curves
    observed = curves[~curves["is_extrapolated"].astype(bool)].groupby("channel")["spend"].max()
    today = curves[curves["is_current"].astype(bool)].groupby("channel")["spend"].max()
    return {
        str(name): float(observed[name]) / float(today[name])
        for name in today.index
        if name in observed.index and float(today[name]) > 0
    }


def _change(move: Move) -> dict[str, Any]:
    return {"change": move.change, "current": move.current}


def _floor(value: float) -> float:
    """Two decimals, rounded down, so that the bound is not beyond what it stands for."""
    return math.floor(value * 100 + 1e-9) / 100 if math.isfinite(value) else _MOST_MULTIPLE


def _proposal(
    tables: ResultTables, code: str, change: Change, label: str | None, values: Mapping[str, Any]
) -> Proposal:
    languages: Sequence[Language] = get_args(Language)
    why = {language: _why(language, code, label, values, tables) for language in languages}
    return Proposal(change=change, code=code, about=label, why=why)


def _why(language: Language, code: str, label: str | None, values: Mapping[str, Any], tables: ResultTables) -> str:
    write = Formatter(language, tables.settings.report.currency)
    forms = {
        "spend_share": lambda value: write.percent(value, 2),
        "change": write.change,
        "current": write.money,
    }
    written = {
        key: value if isinstance(value, str) else forms.get(key, write.number)(value) for key, value in values.items()
    }
    return wording(language).of_step(tables.window.step)(f"proposal.{code}", channel=label or "", **written)
