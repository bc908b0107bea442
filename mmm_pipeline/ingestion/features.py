"""The user's extra features (controls): a table with one row per day, checked like the campaign rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.rows.parsing import day, finite_number, number, trimmed
from mmm_pipeline.ingestion.sources.headers import Roles, normalised, resolve_roles
from mmm_pipeline.ingestion.sources.opening import stage_file
from mmm_pipeline.ingestion.sources.staging import Staging, require_none_refused, staging_area
from mmm_pipeline.settings.pipeline import FeatureSettings, Settings
from mmm_pipeline.storage.scratch import scratch_folder
from mmm_pipeline.storage.warehouse.dialect import DUCKDB

__all__ = ["load_features"]

_PROBLEMS_SHOWN = 5


def load_features(settings: Settings) -> pd.DataFrame | None:
    """Read the table of extra features; None when `features.path` is not set.

    Dates and numbers may be spelled as in a campaign file; numbers may be negative here. Unlike campaign rows, nothing
    is left out: one bad cell is an error.

    Returns:
        Column `date` (datetime64[ns], increasing, each day once) and one float column per feature.

    Raises:
        CampaignDataError: the file cannot be read, lacks columns, or has a date or number that does not parse, a
            missing or infinite number, or a day twice.
    """
    chosen = settings.features
    if chosen.path is None:
        return None
    with scratch_folder("features") as folder, staging_area(folder) as staging:
        roles = _stage(staging, chosen, chosen.path)
        staging.close_to_files()
        names = [name for role, name in _feature_roles(roles)]
        columns = [roles.positions[role] for role, _ in _feature_roles(roles)]
        table = _parsed(staging, roles.positions["date"], columns)
    _require_parsed(chosen.path, table, roles, columns)
    values = {name: table[f"value_{column}"].astype(float) for name, column in zip(names, columns, strict=True)}
    return pd.DataFrame({"date": table["date"].astype("datetime64[ns]"), **values}).reset_index(drop=True)


def _stage(staging: Staging, chosen: FeatureSettings, path: Path) -> Roles:
    required = {"date": chosen.date, **{f"columns[{at}]": name for at, name in enumerate(chosen.columns)}}
    headers = stage_file(staging, path, required)
    roles = resolve_roles(headers, required, where=str(path), setting="features")
    require_none_refused(staging, path, "features")
    if not chosen.columns:
        date = roles.positions["date"]
        others = {f"columns[{at}]": at for at, header in enumerate(headers) if at != date and normalised(header)}
        roles = Roles(roles.names, {"date": date, **others})
    if len(roles.positions) == 1:
        raise CampaignDataError(f"{path}: has no column beside the date {roles.header('date')!r}")
    return roles


def _feature_roles(roles: Roles) -> list[tuple[str, str]]:
    return [(role, roles.header(role)) for role in roles.positions if role != "date"]


def _parsed(staging: Staging, date: int, columns: Sequence[int]) -> pd.DataFrame:
    """Rows with any value: `line_number`, `date`, and per feature its `value_N`, NULL unless it is a finite number."""
    texts = ", ".join(f"{trimmed(DUCKDB, f'c{column}')} AS text_{column}" for column in (date, *columns))
    numbers = ", ".join(f"{number(DUCKDB, f'text_{column}')} AS number_{column}" for column in columns)
    values = ", ".join(
        f"CASE WHEN {finite_number(DUCKDB, f'number_{column}')} THEN number_{column} END AS value_{column}"
        for column in columns
    )
    query = f"""
        WITH cleaned AS (
            SELECT line_number, {texts} FROM source WHERE COALESCE({", ".join(staging.columns)}) IS NOT NULL
        ), typed AS (
            SELECT *, {day(DUCKDB, f"text_{date}")} AS date, {numbers} FROM cleaned
        )
        SELECT *, {values} FROM typed ORDER BY date, line_number"""
    frame: pd.DataFrame = staging.connection.sql(query).to_arrow_table().to_pandas(date_as_object=False)
    return frame


def _require_parsed(path: Path, table: pd.DataFrame, roles: Roles, columns: Sequence[int]) -> None:
    if table.empty:
        raise CampaignDataError(f"{path}: has a header but no rows")
    problems = []
    for column, value in ((roles.positions["date"], "date"), *((column, f"value_{column}") for column in columns)):
        wanted = "a date" if value == "date" else "a finite number"
        for _, row in table.loc[table[value].isna()].iterrows():
            problems.append((row["line_number"], roles.names[column], row[f"text_{column}"], wanted))
    if problems:
        lines = [f"  line {line}: {name} = {text!r} is not {what}" for line, name, text, what in sorted(problems)]
        more = [f"  and {len(lines) - _PROBLEMS_SHOWN} more"] if len(lines) > _PROBLEMS_SHOWN else []
        raise CampaignDataError("\n".join([f"{path}: every cell is needed:", *lines[:_PROBLEMS_SHOWN], *more]))
    twice = table.loc[table["date"].duplicated(keep=False)]
    if len(twice):
        lines_of = ", ".join(str(line) for line in twice["line_number"].head(2))
        raise CampaignDataError(
            f"{path}: {pd.Timestamp(twice['date'].iloc[0]).date()} appears more than once (lines {lines_of}): "
            "give every day one row"
        )
