"""A BigQuery table as the campaign source: judged and summed there, by the same SQL as a file in DuckDB."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.rows.campaign_sql import CampaignQueries
from mmm_pipeline.ingestion.rows.load import (
    JudgedTable,
    RowsRefused,
    require_counted_once,
    require_usable_rows,
    summarised,
)
from mmm_pipeline.ingestion.rows.refused_rows import FirstRefusal
from mmm_pipeline.ingestion.rows.totals import refusals
from mmm_pipeline.ingestion.rows.verdicts import COMPARED_ROLES, NUMBER_ROLES
from mmm_pipeline.ingestion.shapes.row_tables import RowTable
from mmm_pipeline.ingestion.sources.wide import Melt
from mmm_pipeline.ingestion.spellings.date_columns import OrderSetting, date_column
from mmm_pipeline.ingestion.spellings.decimal_marks import MarkSetting, decimal_marks
from mmm_pipeline.ingestion.spellings.text_columns import TextColumns
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.warehouse.bigquery.client import BigQuery, Parameter
from mmm_pipeline.storage.warehouse.bigquery.names import TableName
from mmm_pipeline.storage.warehouse.dialect import BIGQUERY, Dialect
from mmm_pipeline.storage.warehouse.jobs import WarehouseJob
from mmm_pipeline.tables.catalog import empty_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from google.cloud import bigquery

__all__ = ["REJECTED_SAMPLE", "SourceTable", "judge_bigquery_table"]

REJECTED_SAMPLE = 10_000
"""Refused rows that leave BigQuery when the warehouse is local; the counts are of all."""

_DATED = {"DATE", "DATETIME", "TIMESTAMP"}
_SCALAR = {*_DATED, "INTEGER", "INT64", "FLOAT", "FLOAT64", "NUMERIC", "BIGNUMERIC", "BOOLEAN", "BOOL", "TIME"}
_EARLIEST = dt.date(1, 1, 1)


@dataclass(frozen=True)
class SourceTable:
    """The table, its columns' roles, and the statements over it. Runs queries, with a dry run before each.

    Attributes:
        bigquery: the connection.
        name: the table.
        fields: name and type of every column; the type is that of BigQuery, `JSON` for what is nested.
        queries: the contract of a campaign row.
        since: first day that counts.
        partitioned_by: the column whose partitions can be left out.
        requires_filter: the table can only be read with a filter on that column.
        melt: a wide table as one row per channel; None: it is not wide.
        notes: how numbers that are text were read where that is not plain.
    """

    bigquery: BigQuery
    name: TableName
    fields: tuple[tuple[str, str], ...]
    queries: CampaignQueries
    since: dt.date | None
    partitioned_by: str | None
    requires_filter: bool
    melt: Melt | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def open(cls, settings: Settings, table: RowTable) -> SourceTable:
        """Look a table up.

        Raises:
            SettingsError: its name cannot name one.
            CampaignDataError: it has no rows, lacks a required column, or has text whose numbers can be read in two
                ways.
            WarehouseError: it is not there, or may not be read.
        """
        source, key = table.source, f"{table.setting}.table"
        assert source.table is not None
        connection = BigQuery(settings.bigquery)
        name = connection.table_name(source.table, key)
        client = connection.client
        with connection.explaining(str(name), f"looking up the source table ({key})"):
            found = client.get_table(str(name), retry=connection.retry, timeout=connection.request_seconds)
        if found.table_type == "TABLE" and found.num_rows == 0 and not found.streaming_buffer:
            raise CampaignDataError(f"{name}: the table is empty: load rows into it, e.g. by `mmm load FILE`")
        fields = tuple((str(field.name), _kind(field)) for field in found.schema)
        roles = table.wanted.resolve([field for field, _ in fields], str(name))
        melt = Melt(roles) if table.is_wide else None
        partitioning = found.time_partitioning
        opened = cls(
            bigquery=connection,
            name=name,
            fields=fields,
            queries=CampaignQueries.of(
                BIGQUERY,
                roles if melt is None else melt.roles,
                settings,
                where=str(name),
                table=table.name,
                kpi_per=table.kpi_per,
            ),
            since=source.since,
            partitioned_by=partitioning.field if partitioning is not None else None,
            requires_filter=bool(found.require_partition_filter),
            melt=melt,
        )
        order = OrderSetting(source.date_order, f"{table.setting}.date_order")
        return opened._with_spellings(MarkSetting(source.decimal, f"{table.setting}.decimal"), order)

    def _with_spellings(self, setting: MarkSetting, order: OrderSetting) -> SourceTable:
        """The same with decimal marks and date order of columns of text decided; typed columns need no look."""
        roles = self.queries.roles
        texts_of = {at for at, (_, kind) in enumerate(self.fields) if kind == "STRING"}
        in_text = [
            at
            for at in range(len(roles.names))
            if texts_of.intersection((at,) if self.melt is None else self.melt.sources(at))
        ]
        numbers = {roles.positions[role] for role in NUMBER_ROLES if role in roles.positions}
        source, cells = (f"({self._source(texts_only=texts_only)}) AS source" for texts_only in (True, False))
        texts = TextColumns(self._rows, BIGQUERY, source, roles.names, str(self.name), cells)
        compared = {roles.positions[role] for role in COMPARED_ROLES if role in roles.positions}
        found = decimal_marks(texts, numbers.intersection(in_text), in_text, setting, compared)
        queries, notes, date = replace(self.queries, marks=found.of_column), found.notes, roles.positions["date"]
        typed = date if self.melt is None else self.melt.sources(date)[0]
        if self.fields[typed][1] not in _DATED:
            dates = date_column(texts, date, order)
            queries, notes = replace(queries, dates=dates.reading), (*notes, *dates.notes)
        return replace(self, queries=queries, notes=notes)

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        found = self.bigquery.query(
            sql,
            self.parameters,
            about=str(self.name),
            doing="looking at dates, decimal marks and currencies",
            estimate=True,
        )
        return [tuple(row.values()) for row in found.to_pylist()]

    @property
    def dialect(self) -> Dialect:
        return BIGQUERY

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """Values of `accepted` and `totals`."""
        day = self.since or (_EARLIEST if self._pruned else None)
        since = {"since": day} if day is not None else {}
        return {**since, **self.queries.judged_parameters, **self._melted(texts_only=False)[1]}

    def query(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> pa.Table:
        """The result of a query over the table."""
        return self.bigquery.query(sql, parameters, about=str(self.name), doing="summing the days", estimate=True)

    def take_jobs(self) -> tuple[WarehouseJob, ...]:
        return self.bigquery.take_jobs()

    def accepted(self) -> str:
        """Statement: the accepted rows, typed."""
        return self._over(self.queries.accepted_verdicts())

    def rejected(self, limit: int | None = None) -> str:
        """Statement: the refused rows, the first ones by reason and text."""
        order = f" ORDER BY reason, {BIGQUERY.identifier('row')} LIMIT {limit:d}" if limit is not None else ""
        return self._over(self.queries.rejected_verdicts() + order)

    @property
    def rejected_parameters(self) -> Mapping[str, Parameter]:
        """Values of `rejected`."""
        return {**self.parameters, **self.queries.parameters}

    def totals(self) -> pd.DataFrame:
        """What became of the rows, judged in BigQuery."""
        sums = self.bigquery.query(
            self._over(self.queries.totals()),
            self.parameters,
            about=str(self.name),
            doing="parsing and judging the rows",
            estimate=True,
        )
        totals: pd.DataFrame = sums.to_pandas()
        return totals

    def by_day(self) -> pd.DataFrame:
        """What the rows of each day add up to, accepted and refused."""
        days = self.bigquery.query(
            self._over(self.queries.by_day()),
            self.parameters,
            about=str(self.name),
            doing="adding up accepted and refused rows by day",
        )
        found: pd.DataFrame = days.to_pandas(date_as_object=False)
        return found

    def rejected_sample(self, limit: int) -> pd.DataFrame:
        """Some of the refused rows."""
        rows = self.bigquery.query(
            self.rejected(limit),
            self.rejected_parameters,
            about=str(self.name),
            doing="fetching a sample of the refused rows",
        )
        sample: pd.DataFrame = rows.to_pandas()
        return sample

    def _over(self, select: str) -> str:
        condition = "(date IS NULL OR date >= @since)" if self.since is not None else "TRUE"
        return self.queries.over(self._source(), select, condition)

    def _source(self, *, texts_only: bool = False) -> str:
        """Statement: what the queries take for `source`.

        Args:
            texts_only: of a wide table, without columns that are numbers in BigQuery.
        """
        return self._melted(texts_only=texts_only)[0]

    def _melted(self, *, texts_only: bool) -> tuple[str, dict[str, str]]:
        """`_source`, and the values that it takes beside those of a table that is not wide."""
        if self.melt is None:
            return self._columns(), {}
        values: dict[str, str] = {}

        def literal(text: str) -> str:
            key = f"wide_{len(values):04d}"
            values[key] = text
            return BIGQUERY.parameter.format(key)

        commas = {
            at
            for position, mark in self.queries.marks.items()
            if mark == "comma"
            for at in self.melt.sources(position)
            if self.fields[at][1] != "STRING"
        }

        def cell(at: int) -> str:
            if texts_only and self.fields[at][1] != "STRING":
                return BIGQUERY.null("text")
            return f"REPLACE(c{at}, '.', ',')" if at in commas else f"c{at}"

        rows = f"({self._columns()}) AS columns_as_text"
        return self.melt.select(rows, BIGQUERY, literal, encode_lines=False, cell=cell), values

    def _columns(self) -> str:
        """Statement: every column as text, as `c0`, `c1`, ...; old partitions are left out."""
        texts = [f"{_as_text(name, kind)} AS c{position}" for position, (name, kind) in enumerate(self.fields)]
        where = ""
        if self._pruned:
            column = BIGQUERY.identifier(self._pruned)
            kind = dict(self.fields)[self._pruned]
            # A timestamp's day is that of UTC, as in its text.
            bound = "@since" if kind == "DATE" else f"CAST(@since AS {kind})"
            where = f" WHERE {column} >= {bound} OR {column} IS NULL"
        return f"SELECT {BIGQUERY.null('integer')} AS line_number, {', '.join(texts)} FROM {self.name.quoted}{where}"

    @property
    def _pruned(self) -> str | None:
        """The date column, when partitions are made by it and some can or must be left out."""
        date = self.queries.roles.header("date")
        usable = self.partitioned_by is not None and self.partitioned_by.casefold() == date.casefold()
        if not usable or (self.since is None and not self.requires_filter):
            return None
        return date


def judge_bigquery_table(table: RowTable, settings: Settings) -> tuple[JudgedTable, SourceTable]:
    """Judge the rows of a table where it is; sums and a sample of the refused rows leave.

    Raises:
        CampaignDataError: the table is empty or lacks columns.
        RowsRefused: too many of its rows are refused, or they cannot be used as a whole.
        WarehouseError: BigQuery refused or cannot be reached.
    """
    source = SourceTable.open(settings, table)
    where, totals = str(source.name), source.totals()
    refused = bool(refusals(totals))
    sample = source.rejected_sample(REJECTED_SAMPLE) if refused else None
    days = source.by_day() if refused or table.kpi_per == "date" else None
    roles = source.queries.roles
    try:
        in_refused = require_usable_rows(totals, days if refused else None, where, settings, _first_in(sample))
        left_out = require_counted_once(totals, days, where, roles, settings, kpi_per=table.kpi_per)
    except CampaignDataError as error:
        raise RowsRefused(str(error), sample) from error
    summary = summarised(
        totals, where, roles, warnings=(*left_out, *in_refused), notes=source.notes, jobs=source.take_jobs()
    )
    rejected = empty_table("rejected_rows") if sample is None else sample
    return JudgedTable(table, totals, summary, None, rejected), source


def _kind(field: bigquery.SchemaField) -> str:
    kind = str(field.field_type).upper()
    if field.mode == "REPEATED" or kind not in {"STRING", *_SCALAR}:
        return "JSON"
    return kind


def _as_text(name: str, kind: str) -> str:
    column = BIGQUERY.identifier(name)
    if kind == "STRING":
        return f"NULLIF({column}, '')"
    return f"TO_JSON_STRING({column})" if kind == "JSON" else f"CAST({column} AS STRING)"


def _first_in(sample: pd.DataFrame | None) -> FirstRefusal:
    def first(reason: str) -> tuple[str | None, str | None, str | None]:
        found = sample.loc[sample["reason"] == reason] if sample is not None else None
        if found is None or found.empty:
            return None, None, "not among the sampled rows"
        row = found.iloc[0]
        return None, row["column"], row["value"]

    return first
