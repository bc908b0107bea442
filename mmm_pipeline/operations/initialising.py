"""`mmm init`: what was found in files, in sentences, and the `pipeline.yaml` that follows from it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.ingestion.detection.findings import Detection, FoundTable, detect
from mmm_pipeline.ingestion.detection.roles import ColumnRole
from mmm_pipeline.ingestion.detection.settings import found_settings, unused_columns
from mmm_pipeline.ingestion.sources.headers import normalised
from mmm_pipeline.settings.pipeline import Settings, parse_settings
from mmm_pipeline.settings.sources import DateOrderSetting, DecimalSetting, SourceSettings
from mmm_pipeline.settings.tables import ColumnSettings

__all__ = ["detection_lines", "detection_record", "doubt_sentence", "guessed_settings", "settings_of"]
__all__ += ["settings_text", "use_of"]

_COMMENTS = {
    "source": "the rows with the media",
    "columns": "headers of that table",
    "kpi": "where the KPI is",
    "time": "the date of a weekly row is the last day of its week",
    "controls": "columns that are no media: context, prices, promotions",
}
_KEY_COMMENTS = {"independent": "you say that these do not follow from the KPI; remove a name if it may"}


def use_of(detection: Detection, table: FoundTable) -> str:
    """What a table is used for, in words."""
    uses = [
        name
        for name, used in (("media", detection.media), ("KPI", detection.kpi), ("controls", detection.controls))
        if used is table
    ]
    return " and ".join(uses) or "not used"


def detection_lines(detection: Detection) -> Iterator[str]:
    """What was found, table by table."""
    for table in detection.tables:
        profile = table.profile
        shape = "a column per channel" if table.is_wide else "a row per channel and date" if table.has_media else ""
        yield f"{profile.where}: {use_of(detection, table)}" + (f", {shape}" if shape else "")
        step = table.step
        if step is not None:
            name = step.step.adverb if step.step is not None else "no regular step"
            yield f"  {profile.rows:,} rows, {name}: {step.why}"
        for it in table.roles:
            if it.role != "ignored" or not it.is_sure:
                told = f"  {it.header!r}: {_role_in_words(it)} ({it.why})"
                yield told + (f"; not sure, it may be {_listed(it.others)}" if it.others else "")
        ignored = [it.header for it in table.roles if it.role == "ignored" and it.is_sure]
        if ignored:
            yield f"  not used: {', '.join(map(repr, ignored))}"
        for channel in table.channels:
            yield f"  channel {channel.name!r}: {channel.kind.replace('_', ' ')}"
        if table.has_media and not table.is_wide and table.channel_names:
            yield f"  channels: {', '.join(map(repr, table.channel_names))}"
        for note in profile.notes:
            yield f"  {note}"
    unused = unused_columns(detection)
    if unused:
        yield f"recognised, but the model does not use: {', '.join(map(repr, unused))}"
    if detection.weeks is not None:
        yield ("" if detection.weeks.is_sure else "not sure: ") + detection.weeks.why


def doubt_sentence(table: FoundTable, role: ColumnRole) -> str:
    """A doubt as a question."""
    return (
        f"{table.profile.path.name}: {role.header!r} is taken for {_role_in_words(role)} ({role.why}). "
        f"Or is it {_listed(role.others)}?"
    )


def detection_record(detection: Detection, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "tables": [
            {
                "path": str(table.profile.path),
                "sheet": table.profile.sheet,
                "use": use_of(detection, table),
                "shape": "wide" if table.is_wide else "long",
                "rows": table.profile.rows,
                "step": None if table.step is None or table.step.step is None else table.step.step.value,
                "first": None if table.step is None else table.step.first.isoformat(),
                "last": None if table.step is None else table.step.last.isoformat(),
                "columns": [
                    {
                        "header": it.header,
                        "role": it.role,
                        "channel": it.channel,
                        "sure": it.is_sure,
                        "or": list(it.others),
                        "why": it.why,
                    }
                    for it in table.roles
                ],
                "channels": [
                    {"name": channel.name, "kind": channel.kind, **channel.columns} for channel in table.channels
                ]
                or [{"name": name} for name in table.channel_names],
                "notes": list(table.profile.notes),
            }
            for table in detection.tables
        ],
        "weeks": None
        if detection.weeks is None
        else {"date": detection.weeks.date, "sure": detection.weeks.is_sure, "why": detection.weeks.why},
        "sure": detection.is_sure and (detection.weeks is None or detection.weeks.is_sure),
        "settings": settings,
    }


def guessed_settings(source: SourceSettings) -> tuple[Settings, tuple[str, ...]] | None:
    """The settings that a file without any is read with, and sentences about them.

    Args:
        source: a file.

    Returns:
        None where the file has the default headers, so that there is nothing to guess.

    Raises:
        SettingsError: something about the file is not sure.
        CampaignDataError: it cannot be read, or has no media or no KPI.
    """
    assert source.path is not None
    columns = ColumnSettings()
    usual = {normalised(str(getattr(columns, role))) for role in ("date", "channel", "media", "spend", "kpi")}
    detection = detect([source.path], source.date_order, source.decimal)
    for table in detection.tables:
        if usual <= {normalised(it.header) for it in table.profile.columns}:
            return None
    if not detection.is_sure:
        questions = "\n".join(f"  {doubt_sentence(table, role)}" for table, role in detection.doubts)
        raise SettingsError(
            f"{source.path}: there is no pipeline.yaml, and what its columns are is not sure:\n{questions}\n"
            f"  `mmm init {shlex.quote(str(source.path))}` asks, and writes the answers to pipeline.yaml"
        )
    folder = source.path.resolve().parent
    settings = settings_of(detection, folder, source.date_order, source.decimal)
    return settings, tuple(detection_lines(detection))


def settings_of(
    detection: Detection, folder: Path, date_order: DateOrderSetting = "auto", decimal: DecimalSetting = "auto"
) -> Settings:
    """The settings that follow from what was found; paths are taken from `folder`."""
    return parse_settings(found_settings(detection, folder, date_order, decimal), origin="what was found", base=folder)


def settings_text(
    detection: Detection, folder: Path, date_order: DateOrderSetting = "auto", decimal: DecimalSetting = "auto"
) -> str:
    """A `pipeline.yaml` with comments.

    Args:
        detection: what was found.
        folder: where the file is written.
        date_order: what was said of day and month.
        decimal: what was said of the decimal mark.
    """
    lines = [
        "# Written by `mmm init`; change what is wrong. Other settings have their defaults: docs/settings.md.",
        "#",
    ]
    lines += [f"# {line}" for line in detection_lines(detection)]
    if detection.media.header("market") is not None and detection.media.headers("control"):
        lines.append(
            "# Controls that differ by market are not used: they need a table with one row per date (controls.source)."
        )
    if detection.kpi.header("revenue_per_kpi") is not None:
        lines.append("# The revenue of one KPI unit is not used: ROI is told as KPI per amount spent.")
    lines.append("")
    for section, content in found_settings(detection, folder, date_order, decimal).items():
        comment = f"  # {_COMMENTS[section]}"
        if isinstance(content, str):
            lines.append(f"{section}: {_scalar(content)}{comment}")
            continue
        lines.append(f"{section}:{comment}")
        for key, value in content.items():
            lines += _entry(key, value)
    return "\n".join(lines) + "\n"


def _entry(key: str, value: Any) -> list[str]:
    if key == "wide":
        return ["  wide:", *(f"    {_scalar(name)}: {_flow(columns)}" for name, columns in value.items())]
    comment = f"  # {_KEY_COMMENTS[key]}" if key in _KEY_COMMENTS else ""
    return [(f"  {key}: {_flow(value)}" if value is not None else f"  {key}:") + comment]


def _flow(value: Any) -> str:
    """A value in one line of YAML, which JSON is."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(str(key))}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


def _scalar(text: str) -> str:
    """Text as YAML takes it, in quotes where it needs them."""
    plain = all(letter.isalnum() or letter in "_./-" for letter in text) and text[:1].isalpha()
    try:
        if plain and yaml.safe_load(text) == text:
            return text
    except yaml.YAMLError:
        pass
    return json.dumps(text, ensure_ascii=False)


def _role_in_words(role: ColumnRole) -> str:
    name = {"kpi": "the KPI", "date": "the date", "revenue_per_kpi": "the revenue of one KPI unit"}.get(
        role.role, role.role
    )
    return f"{name} of channel {role.channel!r}" if role.channel else name


def _listed(others: tuple[str, ...]) -> str:
    return " or ".join(repr(it) for it in others)
