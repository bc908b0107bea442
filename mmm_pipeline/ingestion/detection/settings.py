"""What was found as sections of `pipeline.yaml`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmm_pipeline.ingestion.detection.findings import Detection, FoundTable
from mmm_pipeline.ingestion.detection.vocabulary import SUFFIXES, looks_like
from mmm_pipeline.settings.sources import DateOrderSetting, DecimalSetting

__all__ = ["found_settings", "unused_columns"]


def found_settings(
    detection: Detection, folder: Path, date_order: DateOrderSetting = "auto", decimal: DecimalSetting = "auto"
) -> dict[str, Any]:
    """Sections with what differs from the defaults.

    Args:
        detection: what was found.
        folder: where the settings file is; paths are relative to it where they lie below.
        date_order: what was said of day and month.
        decimal: what was said of the decimal mark.
    """
    media, kpi = detection.media, detection.kpi
    columns: dict[str, Any] = {"date": media.header("date")}
    if media.is_wide:
        columns |= _wide(media)
    else:
        columns |= {"channel": media.header("channel"), "media": media.header("media"), "spend": media.header("spend")}
    columns["kpi"] = kpi.header("kpi")
    market = media.header("market")
    if market is not None:
        columns["market"] = market
    found: dict[str, Any] = {"source": _source(media, folder, date_order, decimal), "columns": columns}
    if kpi is not media:
        found["kpi"] = {"source": _source(kpi, folder, date_order, decimal)}
        if kpi.header("date") != media.header("date"):
            found["kpi"]["date"] = kpi.header("date")
    if detection.weeks is not None and detection.weeks.date == "end":
        found["time"] = {"week_date": "end"}
    controls = detection.controls or media
    names = (
        []
        if market is not None
        else [
            it.header for it in controls.roles if it.role in ("control", "treatment") or _is_switch(controls, it.header)
        ]
    )
    if names:
        found["controls"] = {} if controls is media else {"source": _source(controls, folder, date_order, decimal)}
        if controls.header("date") != media.header("date"):
            found["controls"]["date"] = controls.header("date")
        found["controls"]["columns"] = names
        apart = [name for name in names if looks_like("apart", name)]
        if apart:
            found["controls"]["independent"] = apart
    return found


def unused_columns(detection: Detection) -> tuple[str, ...]:
    """Headers of columns whose role is known, and which no setting names: reach, population, controls by market."""
    found = found_settings(detection, Path())
    named = set(_texts(found["columns"])) | set(_texts(found.get("controls", {}))) | set(_texts(found.get("kpi", {})))
    endings = tuple(pattern[1:] for pattern in found["columns"].get("patterns", {}).values())
    return tuple(
        it.header
        for table in detection.used
        for it in table.roles
        if it.role != "ignored" and it.header not in named and not (endings and it.header.endswith(endings))
    )


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        for part in content.values():
            yield from _texts(part)
    elif isinstance(content, list):
        for part in content:
            yield from _texts(part)


def _is_switch(table: FoundTable, header: str) -> bool:
    return header in table.headers("event") and table.profile.column(header).is_switch


def _source(
    table: FoundTable, folder: Path, date_order: DateOrderSetting, decimal: DecimalSetting
) -> dict[str, Any] | str:
    path = table.profile.path.resolve()
    shown = os.path.relpath(path, folder) if path.is_relative_to(folder) else str(path)
    extra = {"sheet": table.profile.sheet} if table.profile.sheet is not None else {}
    if date_order != "auto":
        extra["date_order"] = date_order
    if decimal != "auto":
        extra["decimal"] = decimal
    return {"kind": "file", "path": shown, **extra} if extra else shown


def _wide(table: FoundTable) -> dict[str, Any]:
    """Patterns where they find these channels and no others; else the columns of each channel."""
    channels = table.channels
    patterns: dict[str, str] = {}
    for part in ("media", "spend"):
        headers = [channel.columns[part] for channel in channels if part in channel.columns]
        ending = next((it for it in SUFFIXES[part] if headers and all(h.endswith(it) for h in headers)), None)
        if ending is not None:
            patterns[part] = f"*{ending}"
    if patterns and _fit(table, patterns):
        return {"patterns": patterns}
    return {
        "wide": {
            channel.name: {part: channel.columns[part] for part in ("media", "spend") if part in channel.columns}
            for channel in channels
        }
    }


def _fit(table: FoundTable, patterns: Mapping[str, str]) -> bool:
    wanted = {
        (part, channel.name.casefold(), header)
        for channel in table.channels
        for part, header in channel.columns.items()
        if part in ("media", "spend")
    }
    found = {
        (part, it.header[: -len(pattern[1:])].casefold(), it.header)
        for it in table.roles
        for part, pattern in patterns.items()
        if it.header.endswith(pattern[1:])
    }
    return wanted == found
