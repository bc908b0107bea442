"""What a careful analyst would say about the data profile before modelling, as codes with numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.mmm.eda.robust import OUTLIER_SCORE

__all__ = ["FEW_ACTIVE", "HIGH_VIF", "MOVE_TOGETHER", "Finding", "Severity", "findings_of"]

Severity = Literal["warning", "info"]

FEW_ACTIVE: Mapping[Step, int] = {Step.DAY: 28, Step.WEEK: 13, Step.MONTH: 6}
"""Periods with media below which an effect rests on the prior."""
MOVE_TOGETHER = 0.9
HIGH_VIF = 10.0

_NEARLY_CONSTANT = 0.1
_MATERIAL_SPEND_SHARE = 0.001
_LEVEL_SHIFT = 0.2
_PARAMETERS_PER_CHANNEL = 3
_OTHER_PARAMETERS = 12
_DATES_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One remark.

    Attributes:
        code: stable name, e.g. `moves_together`; templates of any language key on it.
        severity: `warning` when a result must be read differently because of it.
        text: the remark in one English sentence.
        channel: the channel it is about, if one.
        values: the numbers and names of the sentence.
    """

    code: str
    severity: Severity
    text: str
    channel: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "severity": self.severity,
            "channel": self.channel,
            "text": self.text,
            "values": dict(self.values),
        }


def findings_of(profile: Mapping[str, Any]) -> list[Finding]:
    """Remarks on a profile made by `eda_profile`: warnings first, each kind in a fixed order."""
    found = [finding for rule in _RULES for finding in rule(profile)]
    return sorted(found, key=lambda finding: finding.severity != "warning")


def _short_window(profile: Mapping[str, Any]) -> Iterator[Finding]:
    window, step = profile["window"], _step(profile)
    season = window.get("season_days", 365.0)
    if season is None:
        return
    days = (dt.date.fromisoformat(window["end"]) - dt.date.fromisoformat(window["start"])).days + 1
    told = step.counted(window["periods"])
    if days < season:
        yield Finding(
            "short_window",
            "warning",
            f"The data spans {told}, less than one season of {season:g} days: season and trend cannot be separated.",
            values={"periods": window["periods"], "season_days": season},
        )
    elif days < 2 * season:
        yield Finding(
            "one_season",
            "info",
            f"The data spans {told}: every season of the year was seen once at most, so a season and a one-off "
            "event look the same.",
            values={"periods": window["periods"]},
        )


def _few_periods_per_parameter(profile: Mapping[str, Any]) -> Iterator[Finding]:
    train_periods = profile["window"]["train_periods"]
    usable = sum(1 for row in profile["channels"] if _is_usable(row))
    parameters = _PARAMETERS_PER_CHANNEL * usable + _OTHER_PARAMETERS
    if train_periods < 2 * parameters:
        yield Finding(
            "few_periods_per_parameter",
            "warning",
            f"{_counted(profile, train_periods)} to learn from carry about {parameters} parameters: the priors will "
            "decide much of the result.",
            values={"train_periods": train_periods, "parameters": parameters},
        )


def _no_activity(profile: Mapping[str, Any]) -> Iterator[Finding]:
    for row in profile["channels"]:
        if not _is_usable(row):
            what = "spend" if row["train_media_units"] > 0 else "media" if row["train_spend"] > 0 else "spend or media"
            yield Finding(
                "no_activity",
                "warning",
                f"{row['channel']} has no {what} in the train window: no model can include it.",
                row["channel"],
                {"missing": what},
            )


def _few_active_periods(profile: Mapping[str, Any]) -> Iterator[Finding]:
    step, train = _step(profile), profile["window"]["train_periods"]
    for row in profile["channels"]:
        if _is_usable(row) and row["train_active_periods"] < FEW_ACTIVE[step]:
            yield Finding(
                "few_active_periods",
                "warning",
                f"{row['channel']} was active in {row['train_active_periods']} of the {step.counted(train)} to learn "
                "from: its effect will rest mostly on the prior.",
                row["channel"],
                {"active_periods": row["train_active_periods"], "train_periods": train},
            )


def _constant_media(profile: Mapping[str, Any]) -> Iterator[Finding]:
    for row in profile["channels"]:
        if _is_usable(row) and row["variation"] is not None and row["variation"] < _NEARLY_CONSTANT:
            yield Finding(
                "nearly_constant",
                "warning",
                f"{row['channel']} hardly varies (standard deviation {row['variation']:.0%} of the mean): its effect "
                "cannot be told from the baseline.",
                row["channel"],
                {"variation": row["variation"]},
            )


def _moves_together(profile: Mapping[str, Any]) -> Iterator[Finding]:
    for pair in profile["correlated_pairs"]:
        if abs(pair["correlation"]) >= MOVE_TOGETHER:
            yield Finding(
                "moves_together",
                "warning",
                f"{pair['channel']} and {pair['other_channel']} move together (r = {pair['correlation']:.2f}): only "
                "their sum can be told, not the split.",
                pair["channel"],
                {"other_channel": pair["other_channel"], "correlation": pair["correlation"]},
            )


def _high_vif(profile: Mapping[str, Any]) -> Iterator[Finding]:
    paired = {
        pair[side]
        for pair in profile["correlated_pairs"]
        if abs(pair["correlation"]) >= MOVE_TOGETHER
        for side in ("channel", "other_channel")
    }
    for row in profile["channels"]:
        vif = row["vif"]
        if row["channel"] in paired or not (row["is_linear_combination"] or (vif is not None and vif >= HIGH_VIF)):
            continue
        how = "fully" if row["is_linear_combination"] else f"to {1 - 1 / vif:.0%}"
        yield Finding(
            "predictable_from_others",
            "warning",
            f"{row['channel']} follows {how} from the other channels together: its own effect is hard to isolate.",
            row["channel"],
            {"vif": vif},
        )


def _spend_without_media(profile: Mapping[str, Any]) -> Iterator[Finding]:
    for row in profile["channels"]:
        if row["spend"] > 0 and row["spend_without_media"] > 0.01 * row["spend"]:
            yield Finding(
                "spend_without_media",
                "warning",
                f"{row['channel']} has {row['spend_without_media']:,.0f} of spend in "
                f"{_counted(profile, row['spend_without_media_periods'])} without any media: its price and ROI are "
                "distorted.",
                row["channel"],
                {"spend": row["spend_without_media"], "periods": row["spend_without_media_periods"]},
            )


def _level_shift(profile: Mapping[str, Any]) -> Iterator[Finding]:
    change = profile["kpi"]["holdout_change"]
    if change is not None and abs(change) >= _LEVEL_SHIFT:
        yield Finding(
            "level_shift",
            "warning",
            f"The mean KPI of the holdout is {abs(change):.0%} {'above' if change > 0 else 'below'} that before it: "
            "the holdout error also measures that shift.",
            values={"change": change},
        )


def _kpi_zero_periods(profile: Mapping[str, Any]) -> Iterator[Finding]:
    dates = profile["kpi"]["zero_periods"]
    if dates:
        yield Finding(
            "kpi_zero_periods",
            "warning",
            f"The KPI is 0 in {_counted(profile, len(dates))} ({_listed(dates)}): check whether the data is complete.",
            values={"periods": len(dates), "dates": dates},
        )


def _market_zero_periods(profile: Mapping[str, Any]) -> Iterator[Finding]:
    rows = [row for row in profile.get("markets", ()) if row["zero_periods"]]
    if rows:
        told = [f"{row['market']} in {_counted(profile, len(row['zero_periods']))}" for row in rows]
        yield Finding(
            "market_zero_periods",
            "warning",
            f"The KPI of some markets is 0 in some periods ({_listed(told)}): check whether their data is complete.",
            values={
                "markets": len(rows),
                "periods": sum(len(row["zero_periods"]) for row in rows),
                "names": [row["market"] for row in rows],
            },
        )


def _market_level_shift(profile: Mapping[str, Any]) -> Iterator[Finding]:
    shifts = [(row["market"], row["holdout_change"]) for row in profile.get("markets", ())]
    far = [(market, change) for market, change in shifts if change is not None and abs(change) >= _LEVEL_SHIFT]
    if far:
        yield Finding(
            "market_level_shift",
            "warning",
            "The mean KPI of some markets in the holdout is far from that before it "
            f"({_listed([f'{market} by {change:+.0%}' for market, change in far])}): the holdout error also measures "
            "that shift.",
            values={"markets": len(far), "names": [market for market, _ in far]},
        )


def _kpi_outliers(profile: Mapping[str, Any]) -> Iterator[Finding]:
    step = _step(profile)
    around = "for the weekday and the weeks around it" if step is Step.DAY else f"for the {step.plural} around it"
    for code, what, sign in (("kpi_spikes", "above", 1), ("kpi_drops", "below", -1)):
        rows = [row for row in profile["kpi"]["outliers"] if row["score"] * sign > 0]
        if rows:
            strongest = sorted(rows, key=lambda row: -abs(row["score"]))
            yield Finding(
                code,
                "info",
                f"The KPI is far {what} what is usual {around} in {step.counted(len(rows))} "
                f"({_listed([row['date'] for row in strongest])}): an event that the model does not know would be "
                "credited to whatever ran then.",
                values={"periods": len(rows), "dates": [row["date"] for row in strongest], "threshold": OUTLIER_SCORE},
            )


def _spend_outliers(profile: Mapping[str, Any]) -> Iterator[Finding]:
    by_channel: dict[str, list[Mapping[str, Any]]] = {}
    for row in profile["spend_outliers"]:
        if row["score"] > 0:
            by_channel.setdefault(row["channel"], []).append(row)
    material = {row["channel"] for row in profile["channels"] if (row["spend_share"] or 0) >= _MATERIAL_SPEND_SHARE}
    for channel, rows in by_channel.items():
        if channel in material:
            strongest = max(rows, key=lambda row: row["score"])
            yield Finding(
                "spend_spikes",
                "info",
                f"{channel} spent far more than usual in {_counted(profile, len(rows))}, most so on "
                f"{strongest['date']} ({strongest['spend']:,.0f} against {strongest['expected']:,.0f}).",
                channel,
                {
                    "periods": len(rows),
                    "dates": [row["date"] for row in rows],
                    "spend": strongest["spend"],
                    "expected": strongest["expected"],
                },
            )


def _negligible_spend(profile: Mapping[str, Any]) -> Iterator[Finding]:
    for row in profile["channels"]:
        share = row["spend_share"]
        if _is_usable(row) and share is not None and share < _MATERIAL_SPEND_SHARE:
            yield Finding(
                "negligible_spend",
                "info",
                f"{row['channel']} took {share:.2%} of the spend: too little to show in the KPI.",
                row["channel"],
                {"spend": row["spend"], "spend_share": share},
            )


def _stopped(profile: Mapping[str, Any]) -> Iterator[Finding]:
    for row in profile["channels"]:
        if _is_usable(row) and row["last_active"] < profile["window"]["holdout_start"]:
            yield Finding(
                "stopped",
                "info",
                f"{row['channel']} was last active on {row['last_active']}, before the holdout.",
                row["channel"],
                {"last_active": row["last_active"]},
            )


def _trend(profile: Mapping[str, Any]) -> Iterator[Finding]:
    trend = profile["kpi"]["trend"]
    if trend["share"] is not None and (trend["low"] > 0 or trend["high"] < 0):
        yield Finding(
            "trend",
            "info",
            f"The KPI {'grows' if trend['slope'] > 0 else 'falls'} by {abs(trend['share']):.1%} of its "
            f"median a {trend['per']}.",
            values=dict(trend),
        )


def _rejected(profile: Mapping[str, Any]) -> Iterator[Finding]:
    rejected = profile["rejected"]
    if rejected["rows"]:
        reasons = ", ".join(f"{row['reason']}: {row['rows']}" for row in rejected["reasons"][:_DATES_SHOWN])
        yield Finding(
            "rejected_rows",
            "info",
            f"{rejected['rows']} rows were refused ({reasons}).",
            values={"rows": rejected["rows"]},
        )


def _is_usable(row: Mapping[str, Any]) -> bool:
    return bool(row["train_media_units"] > 0 and row["train_spend"] > 0)


def _step(profile: Mapping[str, Any]) -> Step:
    return Step(profile["window"]["step"])


def _counted(profile: Mapping[str, Any], periods: int) -> str:
    return _step(profile).counted(periods)


def _listed(items: list[str]) -> str:
    more = len(items) - _DATES_SHOWN
    return ", ".join(items[:_DATES_SHOWN]) + (f" and {more} more" if more > 0 else "")


_RULES: tuple[Callable[[Mapping[str, Any]], Iterator[Finding]], ...] = (
    _short_window,
    _few_periods_per_parameter,
    _level_shift,
    _kpi_zero_periods,
    _market_level_shift,
    _market_zero_periods,
    _no_activity,
    _few_active_periods,
    _constant_media,
    _moves_together,
    _high_vif,
    _spend_without_media,
    _trend,
    _kpi_outliers,
    _spend_outliers,
    _negligible_spend,
    _stopped,
    _rejected,
)
