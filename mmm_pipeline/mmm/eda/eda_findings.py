"""What a careful analyst would say about the data profile before modelling, as codes with numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mmm_pipeline.mmm.eda.robust import OUTLIER_SCORE

__all__ = ["FEW_ACTIVE_DAYS", "HIGH_VIF", "MOVE_TOGETHER", "Finding", "Severity", "findings_of"]

Severity = Literal["warning", "info"]

FEW_ACTIVE_DAYS = 28
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
    days, season = profile["window"]["days"], profile["window"].get("season_days", 365.0)
    if season is None:
        return
    if days < season:
        yield Finding(
            "short_window",
            "warning",
            f"The data spans {days} days, less than one season of {season:g}: season and trend cannot be separated.",
            values={"days": days, "season_days": season},
        )
    elif days < 2 * season:
        yield Finding(
            "one_season",
            "info",
            f"The data spans {days} days: every season of the year was seen once at most, so a season and a one-off "
            "event look the same.",
            values={"days": days},
        )


def _few_days_per_parameter(profile: Mapping[str, Any]) -> Iterator[Finding]:
    train_days = profile["window"]["train_days"]
    usable = sum(1 for row in profile["channels"] if _is_usable(row))
    parameters = _PARAMETERS_PER_CHANNEL * usable + _OTHER_PARAMETERS
    if train_days < 2 * parameters:
        yield Finding(
            "few_days_per_parameter",
            "warning",
            f"{train_days} train days carry about {parameters} parameters: the priors will decide much of the result.",
            values={"train_days": train_days, "parameters": parameters},
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


def _few_active_days(profile: Mapping[str, Any]) -> Iterator[Finding]:
    for row in profile["channels"]:
        if _is_usable(row) and row["train_active_days"] < FEW_ACTIVE_DAYS:
            yield Finding(
                "few_active_days",
                "warning",
                f"{row['channel']} was active on {row['train_active_days']} of {profile['window']['train_days']} train "
                "days: its effect will rest mostly on the prior.",
                row["channel"],
                {"active_days": row["train_active_days"], "train_days": profile["window"]["train_days"]},
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
                f"{row['channel']} has {row['spend_without_media']:,.0f} of spend on {row['spend_without_media_days']} "
                "days without any media: its price and ROI are distorted.",
                row["channel"],
                {"spend": row["spend_without_media"], "days": row["spend_without_media_days"]},
            )


def _level_shift(profile: Mapping[str, Any]) -> Iterator[Finding]:
    change = profile["kpi"]["holdout_change"]
    if change is not None and abs(change) >= _LEVEL_SHIFT:
        yield Finding(
            "level_shift",
            "warning",
            f"The mean KPI of the holdout is {abs(change):.0%} {'above' if change > 0 else 'below'} that of the train "
            "days: the holdout error also measures that shift.",
            values={"change": change},
        )


def _kpi_zero_days(profile: Mapping[str, Any]) -> Iterator[Finding]:
    dates = profile["kpi"]["zero_days"]
    if dates:
        yield Finding(
            "kpi_zero_days",
            "warning",
            f"The KPI is 0 on {_days(len(dates))} ({_listed(dates)}): check whether the data is complete.",
            values={"days": len(dates), "dates": dates},
        )


def _market_zero_days(profile: Mapping[str, Any]) -> Iterator[Finding]:
    rows = [row for row in profile.get("markets", ()) if row["zero_days"]]
    if rows:
        told = [f"{row['market']} on {_days(len(row['zero_days']))}" for row in rows]
        yield Finding(
            "market_zero_days",
            "warning",
            f"The KPI of some markets is 0 on some days ({_listed(told)}): check whether their data is complete.",
            values={
                "markets": len(rows),
                "days": sum(len(row["zero_days"]) for row in rows),
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
            "The mean KPI of some markets in the holdout is far from that of their train days "
            f"({_listed([f'{market} by {change:+.0%}' for market, change in far])}): the holdout error also measures "
            "that shift.",
            values={"markets": len(far), "names": [market for market, _ in far]},
        )


def _kpi_outliers(profile: Mapping[str, Any]) -> Iterator[Finding]:
    for code, what, sign in (("kpi_spikes", "above", 1), ("kpi_drops", "below", -1)):
        rows = [row for row in profile["kpi"]["outliers"] if row["score"] * sign > 0]
        if rows:
            strongest = sorted(rows, key=lambda row: -abs(row["score"]))
            yield Finding(
                code,
                "info",
                f"The KPI is far {what} what is usual for the weekday and the weeks around it on {_days(len(rows))} "
                f"({_listed([row['date'] for row in strongest])}): an event that the model does not know would be "
                "credited to whatever ran then.",
                values={"days": len(rows), "dates": [row["date"] for row in strongest], "threshold": OUTLIER_SCORE},
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
                f"{channel} spent far more than usual on {_days(len(rows))}, most so on {strongest['date']} "
                f"({strongest['spend']:,.0f} against {strongest['expected']:,.0f}).",
                channel,
                {
                    "days": len(rows),
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
    if trend["share_per_week"] is not None and (trend["per_week_low"] > 0 or trend["per_week_high"] < 0):
        yield Finding(
            "trend",
            "info",
            f"The KPI {'grows' if trend['per_week'] > 0 else 'falls'} by {abs(trend['share_per_week']):.1%} of its "
            "median a week.",
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


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _listed(items: list[str]) -> str:
    more = len(items) - _DATES_SHOWN
    return ", ".join(items[:_DATES_SHOWN]) + (f" and {more} more" if more > 0 else "")


_RULES: tuple[Callable[[Mapping[str, Any]], Iterator[Finding]], ...] = (
    _short_window,
    _few_days_per_parameter,
    _level_shift,
    _kpi_zero_days,
    _market_level_shift,
    _market_zero_days,
    _no_activity,
    _few_active_days,
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
