"""The facts of the data profile: channels before any model, odd days, what moves together, what was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmm_pipeline.reporting.grounding.facts import Column, FactTable, Unit, single, table
from mmm_pipeline.reporting.results.tables import ResultTables
from mmm_pipeline.reporting.text.names import clean

__all__ = ["profile_tables"]

_FINDING_UNITS: dict[str, Unit] = {
    "change": "share",
    "share": "share",
    "per": "text",
    "spend_share": "share",
    "variation": "share",
    "spend": "money",
    "expected": "money",
    "correlation": "ratio",
    "vif": "ratio",
    "periods": "count",
    "train_periods": "count",
    "active_periods": "count",
    "parameters": "count",
    "rows": "count",
    "markets": "count",
    "season_days": "count",
    "last_active": "date",
    "dates": "date",
    "missing": "text",
    "other_channel": "text",
}


def profile_tables(tables: ResultTables, shown: Mapping[str, str]) -> list[FactTable]:
    """Facts of `tables.eda_profile`; `shown` gives channels their names. Without a profile: refused rows only."""
    made = [_reasons(tables)]
    profile = tables.eda_profile
    if not profile:
        return made
    names = _Names(shown)
    for build in (_channels, _pairs, _spend_outliers, _findings):
        made.append(build(profile, names))
    return [*made, *_kpi(profile.get("kpi")), _breakdown(profile)]


class _Names(dict[str, str]):
    """Channel -> the name it is shown by; one that the model does not know is cleaned."""

    def __missing__(self, channel: str) -> str:
        return clean(channel)


def _reasons(tables: ResultTables) -> FactTable:
    rows = [(clean(reason), {"rows": count}) for reason, count in tables.rows.reasons.items()]
    return table("refused_rows", "why rows were refused", [Column("rows", "count")], rows)


def _channels(profile: Mapping[str, Any], names: Mapping[str, str]) -> FactTable:
    columns = [
        Column("active_periods", "count", "periods with media"),
        Column("train_active_periods", "count"),
        Column("last_active", "date"),
        Column("spend", "money"),
        Column("spend_share", "share"),
        Column("media_units", "count"),
        Column("cost_per_thousand", "money", "spend per thousand media units"),
        Column("row_kpi_share", "share", "share of the KPI that the platform credits to its rows"),
        Column("variation", "share", "standard deviation of media by period over its mean"),
        Column("vif", "ratio", "variance inflation; above 10: follows from the other channels"),
        Column("strongest_lag", "count", "periods"),
        Column("strongest_correlation", "ratio", "with the KPI, trend and weekday removed, at that lag"),
        Column("spend_without_media", "money"),
    ]
    ordered = sorted(profile.get("channels", ()), key=lambda row: -row["spend"])
    rows = [(names[row["channel"]], row) for row in ordered]
    return table(
        "eda_profile.channels",
        "every channel of the data before any model, largest spend first",
        columns,
        rows,
        {key: (key,) for key, _ in rows},
    )


def _pairs(profile: Mapping[str, Any], names: Mapping[str, str]) -> FactTable:
    pairs = [
        (names[pair["channel"]], names[pair["other_channel"]], pair) for pair in profile.get("correlated_pairs", ())
    ]
    return table(
        "eda_profile.correlated_pairs",
        "channels whose media by period move together in the train window, strongest first",
        [Column("correlation", "ratio")],
        [(f"{first} × {second}", pair) for first, second, pair in pairs],
        {f"{first} × {second}": (first, second) for first, second, _ in pairs},
    )


def _spend_outliers(profile: Mapping[str, Any], names: Mapping[str, str]) -> FactTable:
    columns = [Column("date", "date"), Column("spend", "money"), Column("expected", "money", "usual around then")]
    ordered = sorted(profile.get("spend_outliers", ()), key=lambda row: -abs(row["score"]))
    keyed = [(f"{names[row['channel']]} on {row['date']}", names[row["channel"]], _with_date(row)) for row in ordered]
    return table(
        "eda_profile.spend_outliers",
        "periods on which a channel spent far from its usual, oddest first",
        columns,
        [(key, row) for key, _, row in keyed],
        {key: (name,) for key, name, _ in keyed},
    )


def _kpi(kpi: Mapping[str, Any] | None) -> list[FactTable]:
    if not kpi:
        return []
    totals = [
        Column("mean", "kpi", "per period"),
        Column("median", "kpi", "per period"),
        Column("minimum", "kpi"),
        Column("maximum", "kpi"),
        Column("variation", "share", "standard deviation over the mean"),
        Column("train_mean", "kpi"),
        Column("holdout_mean", "kpi"),
        Column("holdout_change", "share", "holdout mean against train mean"),
        Column("zero_periods", "date", "periods without any KPI"),
    ]
    outliers = [Column("date", "date"), Column("value", "kpi"), Column("expected", "kpi", "usual around then")]
    weekdays = [Column("median", "kpi"), Column("ratio_to_median", "share", "against the median of all periods")]
    return [
        single("eda_profile.kpi", "the KPI per period", totals, kpi),
        table(
            "eda_profile.kpi_outliers",
            "periods on which the KPI was far from its usual",
            outliers,
            [
                (str(row["date"]), _with_date(row))
                for row in sorted(kpi["outliers"], key=lambda row: -abs(row["score"]))
            ],
        ),
        table(
            "eda_profile.weekdays",
            "the KPI by weekday",
            weekdays,
            [(str(row["weekday"]), row) for row in kpi["weekdays"]],
        ),
    ]


def _breakdown(profile: Mapping[str, Any]) -> FactTable:
    columns = [
        Column("rows", "count"),
        Column("spend", "money"),
        Column("spend_share", "share"),
        Column("kpi", "kpi"),
        Column("kpi_share", "share"),
    ]
    keyed = [
        (f"{clean(part['dimension'])}: {clean(part['value'] or '–')}", clean(part["value"] or ""), part)
        for part in profile.get("breakdown", ())
    ]
    return table(
        "eda_profile.breakdown",
        "totals by brand, marketplace and the like",
        columns,
        [(key, part) for key, _, part in keyed],
        {key: (name,) for key, name, _ in keyed if name},
    )


def _findings(profile: Mapping[str, Any], names: Mapping[str, str]) -> FactTable:
    columns = [Column("severity", "text"), Column("channel", "text")]
    columns += [Column(name, unit) for name, unit in _FINDING_UNITS.items()]
    rows: list[tuple[str, Mapping[str, Any]]] = []
    owners: dict[str, tuple[str, ...]] = {}
    for number, finding in enumerate(profile.get("findings", ()), start=1):
        values = finding["values"]
        about = [names[name] for name in (finding.get("channel"), values.get("other_channel")) if name]
        key = f"{number} {clean(finding['code'])}"
        record = {**values, "severity": finding["severity"], "channel": about[0] if about else None}
        if "other_channel" in values:
            record["other_channel"] = about[-1]
        if "last_active" in values:
            record["last_active"] = [values["last_active"]]
        rows.append((key, record))
        if about:
            owners[key] = tuple(about)
    used = {column.name for column in columns if any(record.get(column.name) is not None for _, record in rows)}
    kept = [column for column in columns if column.name in used]
    return table("eda_profile.findings", "what a careful analyst would remark, by kind", kept, rows, owners)


def _with_date(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "date": [row["date"]]}
