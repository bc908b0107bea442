"""The user's extra features (controls): a table with one row per period or finer, checked like the campaign rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.periods import step_of_dates
from mmm_pipeline.ingestion.sources.headers import Roles, WantedColumns, normalised
from mmm_pipeline.ingestion.sources.opening import stage_source, tell_reading
from mmm_pipeline.ingestion.sources.staging import StagedTable, Staging, require_none_refused, staging_area
from mmm_pipeline.ingestion.spellings.date_columns import OrderSetting, staged_date_column
from mmm_pipeline.ingestion.spellings.dates import DateReading, day
from mmm_pipeline.ingestion.spellings.decimal_marks import MarkSetting, staged_decimal_marks
from mmm_pipeline.ingestion.spellings.number_formats import DecimalMark, number
from mmm_pipeline.ingestion.spellings.parsing import finite_number, trimmed
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.settings.plain_names import plain_name
from mmm_pipeline.settings.sources import SourceSettings
from mmm_pipeline.storage.scratch import scratch_folder
from mmm_pipeline.storage.warehouse.dialect import DUCKDB

__all__ = ["load_features", "of_periods"]

_PROBLEMS_SHOWN = 5
_LONGEST_SHOWN = 100


def load_features(settings: Settings, tell: Callable[[str], object] | None = None) -> pd.DataFrame | None:
    """Read the table of extra features; None when `controls.source` is not set.

    Dates and numbers may be spelled as in a campaign file; numbers may be negative here. Unlike campaign rows, nothing
    is left out: one bad cell is an error.

    Args:
        settings: the section `features` counts.
        tell: gets a sentence for each thing to know about how the file was read, such as the sheet or a decimal comma.

    Returns:
        Column `date` (datetime64[ns], increasing, each day once) and one float column per feature.

    Raises:
        CampaignDataError: the file cannot be read, lacks columns, or has a date or number that does not parse or can
            be read in two ways, a missing or infinite number, or a day twice.
    """
    chosen, source = settings.controls, settings.control_source
    if source is None:
        return None
    key = "source" if chosen.source.kind is None else "controls.source"
    with scratch_folder("features") as folder, staging_area(folder) as staging:
        read, roles = _stage(staging, settings, source, key)
        tell_reading(read, "controls", tell)
        staging.close_to_files()
        names = [plain_name(name) for _, name in _feature_roles(roles)]
        columns = [roles.positions[role] for role, _ in _feature_roles(roles)]
        marks = staged_decimal_marks(
            staging,
            roles.names,
            columns,
            setting=MarkSetting(source.decimal, f"{key}.decimal"),
            where=read.where,
        )
        date, order = roles.positions["date"], OrderSetting(source.date_order, f"{key}.date_order")
        dates = staged_date_column(staging, roles.names, date, setting=order, where=read.where)
        table = _parsed(staging, date, dates.reading, columns, marks.of_column)
        _require_parsed(staging, read, table, roles, columns)
    if tell is not None:
        for note in (*marks.notes, *dates.notes):
            tell(f"controls: {note}")
    values = {name: table[f"value_{column}"].astype(float) for name, column in zip(names, columns, strict=True)}
    return pd.DataFrame({"date": table["date"].astype("datetime64[ns]"), **values}).reset_index(drop=True)


def of_periods(features: pd.DataFrame, grid: TimeGrid, settings: Settings) -> pd.DataFrame:
    """The features by period of the grid; those of a finer step are averaged.

    Args:
        features: of `load_features`; dates outside the grid are ignored.
        grid: of the model.
        settings: the section `time` counts: weekly features may be dated by the last day of the week.

    Raises:
        CampaignDataError: a date is missing, or the features are of a coarser step or other weeks than the model.
    """
    by_date = features.set_index("date").sort_index()
    dates = pd.DatetimeIndex(by_date.index)
    step = step_of_dates(dates) if len(dates) > 1 else grid.step
    if step.mean_days > grid.step.mean_days:
        raise CampaignDataError(
            f"the controls (controls.source) are {step.adverb}, and the model counts {grid.step.plural}: give "
            f"every {grid.step} one row, or set time.step: {step}"
        )
    back = 6 if step is Step.WEEK and settings.time.week_date == "end" else 0
    own = TimeGrid(grid.start, step, 0)
    own = own.extended(own.position(grid.end) + 1)
    days = dates.to_numpy().astype("datetime64[D]") - back
    if step is Step.WEEK and (odd := own.dates_at(own.positions(days)) != days).any():
        raise CampaignDataError(
            f"the controls (controls.source) are weekly, but {dates[odd][0].date()} is a "
            f"{dates[odd][0]:%A}: the weeks of the data start on a {own.week_start}"
        )
    at = own.positions(days)
    missing = np.setdiff1d(np.arange(len(own)), at)
    if len(missing):
        shown = ", ".join(own.label(int(one)) for one in missing[:_PROBLEMS_SHOWN])
        more = f" and {len(missing) - _PROBLEMS_SHOWN} more" if len(missing) > _PROBLEMS_SHOWN else ""
        raise CampaignDataError(
            f"the controls (controls.source) miss {len(missing)} {step}(s) of {grid.start} to {grid.end}: "
            f"{shown}{more}; every {step} needs one row"
        )
    within = by_date[(at >= 0) & (at < len(own))]
    if step is not grid.step:
        within = within.groupby(grid.positions(within.index.to_numpy().astype("datetime64[D]") - back)).mean()
    return within.set_axis(pd.DatetimeIndex(grid.dates.astype("datetime64[ns]"), name="date"), axis="index")


def _stage(staging: Staging, settings: Settings, source: SourceSettings, key: str) -> tuple[StagedTable, Roles]:
    chosen = settings.controls
    required = {
        "date": chosen.date or settings.columns.date,
        **{f"columns[{at}]": name for at, name in enumerate(chosen.columns)},
    }
    wanted = WantedColumns(required, "controls", f"{key}.sheet", needs_all=not chosen.columns)
    read = stage_source(staging, source, wanted)
    require_none_refused(staging, read.where, "controls")
    if chosen.columns:
        return read, read.roles
    date = read.roles.positions["date"]
    headers = enumerate(read.layout.headers)
    others = {f"columns[{at}]": at for at, header in headers if at != date and normalised(header)}
    if not others:
        raise CampaignDataError(f"{read.where}: has no column beside the date {read.roles.header('date')!r}")
    return read, Roles(read.roles.names, {"date": date, **others})


def _feature_roles(roles: Roles) -> list[tuple[str, str]]:
    return [(role, roles.header(role)) for role in roles.positions if role != "date"]


def _parsed(
    staging: Staging, date: int, dates: DateReading, columns: Sequence[int], marks: Mapping[int, DecimalMark]
) -> pd.DataFrame:
    """Rows with any value: `line_number`, `date`, and per feature its `value_N`, NULL unless it is a finite number."""
    texts = ", ".join(f"{trimmed(DUCKDB, f'c{column}')} AS text_{column}" for column in (date, *columns))
    numbers = ", ".join(
        f"{number(DUCKDB, f'text_{column}', marks.get(column, 'point'))} AS number_{column}" for column in columns
    )
    values = ", ".join(
        f"CASE WHEN {finite_number(DUCKDB, f'number_{column}')} THEN number_{column} END AS value_{column}"
        for column in columns
    )
    query = f"""
        WITH cleaned AS (
            SELECT line_number, {texts} FROM source WHERE COALESCE({", ".join(staging.columns)}) IS NOT NULL
        ), typed AS (
            SELECT *, {day(DUCKDB, f"text_{date}", dates)} AS date, {numbers} FROM cleaned
        )
        SELECT *, {values} FROM typed ORDER BY date, line_number"""
    frame: pd.DataFrame = staging.connection.sql(query).to_arrow_table().to_pandas(date_as_object=False)
    return frame


def _require_parsed(
    staging: Staging, read: StagedTable, table: pd.DataFrame, roles: Roles, columns: Sequence[int]
) -> None:
    if table.empty:
        raise CampaignDataError(f"{read.where}: has a header but no rows")
    problems = []
    for column, value in ((roles.positions["date"], "date"), *((column, f"value_{column}") for column in columns)):
        wanted = "a date" if value == "date" else "a finite number"
        for _, row in table.loc[table[value].isna()].iterrows():
            problems.append((row["line_number"], roles.names[column], row[f"text_{column}"], wanted))
    if problems:
        lines = [
            f"  {staging.place(line)}: {name} = {text[:_LONGEST_SHOWN]!r} is not {what}"
            for line, name, text, what in sorted(problems)
        ]
        more = [f"  and {len(lines) - _PROBLEMS_SHOWN} more"] if len(lines) > _PROBLEMS_SHOWN else []
        raise CampaignDataError("\n".join([f"{read.where}: every cell is needed:", *lines[:_PROBLEMS_SHOWN], *more]))
    twice = table.loc[table["date"].duplicated(keep=False)]
    if len(twice):
        places = " and ".join(staging.place(line) for line in twice["line_number"].head(2))
        choice = ", or name the sheet to read in controls.source.sheet" if len(read.sheets) > 1 else ""
        raise CampaignDataError(
            f"{read.where}: {pd.Timestamp(twice['date'].iloc[0]).date()} appears more than once ({places}): "
            f"give every day one row{choice}"
        )
