"""The sections of `pipeline.yaml` that say where data comes from and goes to."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings.section import Section, SheetNames

__all__ = ["BigQuerySettings", "DateOrderSetting", "DecimalSetting", "LandingSettings", "Source", "SourceSettings"]
__all__ += ["StorageSettings", "WarehouseSettings", "is_url", "located", "require_source"]

DecimalSetting = Literal["auto", "point", "comma"]
DateOrderSetting = Literal["auto", "day_first", "month_first"]

_URL = re.compile(r"(gs|s3|memory)://[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9._=-]+)*/?\Z")
_ACCEPTED = "a folder, or gs://bucket/folder, s3://bucket/folder (memory://folder lasts as long as the process)"

Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
LabelValue = Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,63}$")]


class SourceSettings(Section):
    """Where the campaign rows are, and every table that names no source of its own; a file name alone is a file."""

    kind: Literal["demo", "file", "duckdb", "bigquery"] | None = Field(
        None,
        description="the demo market, a file, or a table in DuckDB or BigQuery; empty: what the home was last run on",
    )
    path: Path | None = Field(None, description="CSV, XLSX, Parquet or Arrow file; for duckdb: the database file")
    table: str | None = Field(
        None, description="table that holds the rows; duckdb: [schema.]table, bigquery: [project.]dataset.table"
    )
    sheet: SheetNames = Field(
        None,
        description="of a workbook, the sheet to read, or a list of sheets that add up; empty: those that have the "
        "columns and are not hidden",
    )
    since: dt.date | None = Field(None, description="bigquery: leave out earlier days; prunes partitions by the date")
    decimal: DecimalSetting = Field(
        "auto",
        description="decimal mark of numbers that are text: auto finds it per column, and refuses a column that can be "
        "read in two ways",
    )
    date_order: DateOrderSetting = Field(
        "auto",
        description="of day and month in dates such as 03/04/2024: auto finds it from the whole column, and refuses a "
        "column that can be read in two ways",
    )
    demo_seed: int = Field(5, ge=0, le=2**32 - 1, description="seed of the demo market")

    @model_validator(mode="after")
    def _complete(self) -> SourceSettings:
        for name in ("path", "table", "since"):
            if self.kind is None and getattr(self, name) is not None:
                raise ValueError(f"source.{name} is given without source.kind: accepted are file, duckdb and bigquery")
        if self.kind in ("file", "duckdb") and self.path is None:
            raise ValueError(f"source.path is required when source.kind is {self.kind!r}")
        if self.kind == "duckdb" and not self.table:
            raise ValueError("source.table is required when source.kind is 'duckdb'")
        if self.kind == "bigquery" and not self.table:
            raise ValueError("source.table is required when source.kind is 'bigquery'")
        if self.kind != "file" and self.sheet:
            raise ValueError("source.sheet counts for source.kind 'file' only")
        if self.kind != "bigquery" and self.since is not None:
            raise ValueError("source.since counts for source.kind 'bigquery' only")
        return self

    @property
    def described(self) -> str:
        """The source in a few words, for one line of text."""
        if self.kind is None:
            return "none"
        if self.kind == "demo":
            return f"the demo market (seed {self.demo_seed})"
        if self.kind == "file":
            return str(self.path)
        return f"table {self.table} in {'BigQuery' if self.kind == 'bigquery' else self.path}"

    def is_same_as(self, other: SourceSettings) -> bool:
        """Whether both mean the same rows, however a path is spelt; the first day to read plays no part."""
        return self._identity() == other._identity()

    def anchored(self, base: Path) -> SourceSettings:
        """The same with a relative path taken from a folder."""
        return self if self.path is None else self.model_copy(update={"path": located(base / self.path)})

    def _identity(self) -> tuple[object, ...]:
        if self.kind == "demo":
            return self.kind, self.demo_seed
        return self.kind, self.table, None if self.path is None else self.path.resolve()


def _file_of(value: Any) -> Any:
    """The name of a file stands for a source of that kind."""
    return {"kind": "file", "path": value} if isinstance(value, str | Path) else value


Source = Annotated[SourceSettings, BeforeValidator(_file_of)]
"""A source in the settings; `rows.csv` is short for `{kind: file, path: rows.csv}`."""


class WarehouseSettings(Section):
    """Where the tables of the pipeline are written. Arrays and reports stay in the home folder."""

    kind: Literal["duckdb", "bigquery"] = Field("duckdb", description="a file in the home folder, or BigQuery")
    dataset: str | None = Field(None, description="bigquery: [project.]dataset, which must exist")

    @model_validator(mode="after")
    def _complete(self) -> WarehouseSettings:
        if self.kind == "bigquery" and not self.dataset:
            raise ValueError("warehouse.dataset is required when warehouse.kind is 'bigquery'")
        return self


class BigQuerySettings(Section):
    """Jobs on BigQuery, for the source and for the warehouse. Credentials come from the environment."""

    project: str | None = Field(None, description="project that pays for jobs; empty: that of the credentials")
    location: str | None = Field(None, description="where the datasets are, e.g. EU; empty: BigQuery finds out")
    maximum_bytes_billed: int = Field(
        100_000_000_000, ge=10_000_000, description="a job that would read more bytes is refused"
    )
    deadline_seconds: float = Field(300.0, gt=0, description="longest wait for one job, its retries included")
    labels: dict[Label, LabelValue] = Field(default_factory=dict, description="of every job, beside app: mmm_pipeline")


class LandingSettings(Section):
    """Exports that are merged into the campaign table (`source`) before it is read: `mmm load`, and the weekly run."""

    file: Path | None = Field(None, description="export that every run merges into the table first; empty: none")
    sheet: SheetNames = Field(None, description="of a workbook, the sheet or list of sheets to read, as in source")
    key: tuple[str, ...] = Field((), description="headers that identify a row; empty: the date and all text columns")
    decimal: DecimalSetting = Field("auto", description="decimal mark of the file's numbers, as source.decimal")
    date_order: DateOrderSetting = Field("auto", description="of the file's dates, as source.date_order")


class StorageSettings(Section):
    """Where files go that must outlive this machine (docs/deployment.md). Credentials come from the environment."""

    artifacts: str | None = Field(
        None, description="folder or gs:// URL of fits, arrays, charts and texts; empty: `artifacts` in the home"
    )
    results: str | None = Field(
        None, description="folder or gs:// URL that gets a copy of every results folder; empty: only the home has them"
    )

    @field_validator("artifacts", "results")
    @classmethod
    def _is_a_place(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.strip() or "\0" in value:
            raise ValueError(f"is not a place: accepted is {_ACCEPTED}")
        if is_url(value) and (not _URL.match(value) or "/../" in f"{value}/"):
            raise ValueError(
                f"is not a place: accepted is {_ACCEPTED}; no user, key, port, query or `..` stands in a URL"
            )
        return value.rstrip("/") if is_url(value) else value


def is_url(location: str) -> bool:
    """Whether a setting names a bucket rather than a folder of this machine."""
    return "://" in location


def located(path: Path) -> Path:
    """The absolute path of a file. A link stays one: pointed at a newer export every week, it is the same source."""
    return path.parent.resolve() / path.name


def require_source(source: SourceSettings) -> None:
    """Rows come from where somebody said.

    Raises:
        SettingsError: nobody did.
    """
    if source.kind is None:
        raise SettingsError(
            "no campaign data is named by the command line or the settings, and this home has not been run before. "
            "`mmm run FILE` reads a CSV, XLSX, Parquet or Arrow file; `source: {kind: file, path: FILE}` in "
            "pipeline.yaml names one for every run; `mmm run --demo` makes up a market"
        )
