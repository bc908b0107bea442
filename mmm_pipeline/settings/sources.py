"""The sections of `pipeline.yaml` that say where data comes from and goes to."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from mmm_pipeline.settings.section import Section

__all__ = ["BigQuerySettings", "LandingSettings", "SourceSettings", "WarehouseSettings"]

Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
LabelValue = Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,63}$")]


class SourceSettings(Section):
    """Where the campaign rows are."""

    kind: Literal["demo", "file", "duckdb", "bigquery"] = Field(
        "demo", description="demo market, a file, or a table in DuckDB or BigQuery"
    )
    path: Path | None = Field(None, description="CSV, XLSX or Parquet file; for duckdb: the database file")
    table: str | None = Field(
        None, description="table that holds the rows; duckdb: [schema.]table, bigquery: [project.]dataset.table"
    )
    since: dt.date | None = Field(None, description="bigquery: leave out earlier days; prunes partitions by the date")
    demo_seed: int = Field(5, ge=0, description="seed of the demo market")

    @model_validator(mode="after")
    def _complete(self) -> SourceSettings:
        if self.kind in ("file", "duckdb") and self.path is None:
            raise ValueError(f"source.path is required when source.kind is {self.kind!r}")
        if self.kind == "duckdb" and not self.table:
            raise ValueError("source.table is required when source.kind is 'duckdb'")
        if self.kind == "bigquery" and not self.table:
            raise ValueError("source.table is required when source.kind is 'bigquery'")
        if self.kind != "bigquery" and self.since is not None:
            raise ValueError("source.since counts for source.kind 'bigquery' only")
        return self


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
    key: tuple[str, ...] = Field((), description="headers that identify a row; empty: the date and all text columns")
