"""Holidays, promotions and other events: dates with windows around them, one column of zeros and ones per event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.headers import Roles, WantedColumns
from mmm_pipeline.ingestion.sources.opening import stage_file, tell_reading
from mmm_pipeline.ingestion.sources.staging import Staging, require_none_refused, staging_area
from mmm_pipeline.ingestion.spellings.date_columns import OrderSetting, staged_date_column
from mmm_pipeline.ingestion.spellings.dates import DateReading, day
from mmm_pipeline.ingestion.spellings.decimal_marks import MarkSetting, staged_decimal_marks
from mmm_pipeline.ingestion.spellings.number_formats import DecimalMark, number
from mmm_pipeline.ingestion.spellings.parsing import name, trimmed
from mmm_pipeline.mmm.data.time_grid import TimeGrid
from mmm_pipeline.settings.pipeline import EventDates, EventSettings, Settings
from mmm_pipeline.storage.scratch import scratch_folder
from mmm_pipeline.storage.warehouse.dialect import DUCKDB

__all__ = ["event_columns", "load_events"]

_REQUIRED = {"date": "date", "event": "event"}
_WINDOWS = {"days_before": ("days_before",), "days_after": ("days_after",)}
_WANTED = WantedColumns(_REQUIRED, "", "events.sheet", _WINDOWS)
_MOST_DAYS = 60
_PROBLEMS_SHOWN = 5


def load_events(settings: Settings, tell: Callable[[str], object] | None = None) -> tuple[EventDates, ...]:
    """The events of `events.path` and of `events.calendar`.

    Args:
        settings: the section `events` counts.
        tell: gets a sentence for each thing to know about how the file was read, such as the sheet.

    Raises:
        CampaignDataError: the file cannot be read, lacks columns, or has a cell that is none of what is accepted; the
            message names the line, the column and the value.
    """
    chosen = settings.events
    return (*(_read(chosen, chosen.path, tell) if chosen.path is not None else ()), *chosen.calendar)


def event_columns(events: Sequence[EventDates], grid: TimeGrid) -> pd.DataFrame:
    """One column per event name, in order of appearance: share of each period's days that lie in one of its windows.

    Of days that is 1.0 or 0.0. An event of one day has a seventh of a week, so that its effect is as large as it would
    be on that day.

    Args:
        events: dates and windows; the same name on several entries is one column.
        grid: index of the result are the first days of its periods.
    """
    days = pd.date_range(grid.start, grid.end)
    columns: dict[str, np.ndarray] = {}
    for event in events:
        on = columns.setdefault(event.event, np.zeros(len(days)))
        for date in event.dates:
            first = pd.Timestamp(date) - pd.Timedelta(days=event.days_before)
            last = pd.Timestamp(date) + pd.Timedelta(days=event.days_after)
            on[(days >= first) & (days <= last)] = 1.0
    return (
        pd.DataFrame(columns, index=days)
        .groupby(grid.positions(days.to_numpy()))
        .mean()
        .set_axis(pd.DatetimeIndex(grid.dates.astype("datetime64[ns]")), axis="index")
    )


def _read(chosen: EventSettings, path: Path, tell: Callable[[str], object] | None) -> tuple[EventDates, ...]:
    with scratch_folder("events") as folder, staging_area(folder) as staging:
        read = stage_file(staging, path, _WANTED, chosen.sheet)
        tell_reading(read, "events", tell)
        roles, where, place = read.roles, read.where, staging.place
        staging.close_to_files()
        require_none_refused(staging, where, "events")
        lengths_in = [roles.positions[role] for role in _WINDOWS if role in roles.positions]
        marks = staged_decimal_marks(staging, roles.names, lengths_in, setting=MarkSetting("auto", None), where=where)
        order = OrderSetting(chosen.date_order, "events.date_order")
        dates = staged_date_column(staging, roles.names, roles.positions["date"], setting=order, where=where)
        rows = staging.connection.execute(_query(staging, roles, marks.of_column, dates.reading)).fetchall()
    for note in dates.notes:
        if tell is not None:
            tell(f"events: {note}")
    if not rows:
        raise CampaignDataError(f"{where}: has a header but no rows")
    found, problems = [], []
    for line, date_text, date, event, *windows in rows:
        if date is None:
            problems.append(f"  {place(line)}: {roles.header('date')} = {date_text!r} is not a date")
        if event is None:
            problems.append(f"  {place(line)}: {roles.header('event')} is blank: give the event a name")
        lengths = {}
        for role, text, value in zip(_WINDOWS, windows[::2], windows[1::2], strict=True):
            length = 0.0 if text == "" else value
            if length is None or not 0 <= length <= _MOST_DAYS or length != int(length):
                problems.append(
                    f"  {place(line)}: {roles.header(role)} = {text!r} is not a whole number from 0 to {_MOST_DAYS}"
                )
                length = 0.0
            lengths[role] = int(length)
        if date is not None and event is not None:
            found.append(EventDates(event=event, dates=(_as_date(date),), **lengths))
    if problems:
        more = [f"  and {len(problems) - _PROBLEMS_SHOWN} more"] if len(problems) > _PROBLEMS_SHOWN else []
        raise CampaignDataError("\n".join([f"{where}: every event needs a date:", *problems[:_PROBLEMS_SHOWN], *more]))
    return tuple(found)


def _query(staging: Staging, roles: Roles, marks: Mapping[int, DecimalMark], dates: DateReading) -> str:
    """Rows with any value: line, date as text and parsed, event, then text and number of either window."""
    text = {role: trimmed(DUCKDB, f"c{position}") for role, position in roles.positions.items()}
    windows = [f"{text.get(role, _BLANK)} AS {role}_text" for role in _WINDOWS]
    numbers = [
        f"{role}_text, {number(DUCKDB, f'{role}_text', marks.get(roles.positions.get(role, -1), 'point'))}"
        for role in _WINDOWS
    ]
    return f"""
        WITH cleaned AS (
            SELECT line_number, {text["date"]} AS date_text, {name(DUCKDB, f"c{roles.positions['event']}")} AS event,
                {", ".join(windows)}
            FROM source WHERE COALESCE({", ".join(staging.columns)}) IS NOT NULL
        )
        SELECT line_number, date_text, {day(DUCKDB, "date_text", dates)} AS date, event,
            {", ".join(numbers)}
        FROM cleaned ORDER BY line_number"""


_BLANK = "''"


def _as_date(value: dt.date | dt.datetime) -> dt.date:
    return value.date() if isinstance(value, dt.datetime) else value
