"""The stored tables as named facts: what a narrative may say, addressable by table, row and column."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

__all__ = ["ONLY_ROW", "Cell", "Column", "FactTable", "Facts", "Value"]

Unit = Literal["money", "kpi", "share", "ratio", "count", "date", "text"]
Value = float | int | str | dt.date | tuple[dt.date, ...] | None

ONLY_ROW = "all"
"""Key of the row of a table that has one row."""


@dataclass(frozen=True)
class Column:
    """One column of facts.

    Attributes:
        unit: what its numbers are; a `share` of 0.12 may be written 12%.
        about: its meaning, for whoever writes the narrative.
    """

    name: str
    unit: Unit
    about: str = ""


@dataclass(frozen=True)
class Cell:
    """One fact and where it stands; `owners` are the names that its row is about, none for a row about everything."""

    table: str
    row: str
    column: Column
    value: Value
    owners: tuple[str, ...]

    @property
    def where(self) -> str:
        return f"{self.table} / {self.row} / {self.column.name}"


@dataclass(frozen=True)
class FactTable:
    """Rows by key.

    Attributes:
        rows: row key -> values in the order of `columns`.
        owners: row key -> names that the row is about; a key that is missing is about none.
        left_out: rows that were cut off by `Facts.capped`.
    """

    name: str
    about: str
    columns: tuple[Column, ...]
    rows: Mapping[str, tuple[Value, ...]]
    owners: Mapping[str, tuple[str, ...]]
    left_out: int = 0

    def cells(self) -> Iterator[Cell]:
        for key, values in self.rows.items():
            for column, value in zip(self.columns, values, strict=True):
                yield Cell(self.name, key, column, value, self.owners.get(key, ()))


@dataclass(frozen=True)
class Facts:
    """Tables by name, and every name that data gave to something (channels first)."""

    tables: Mapping[str, FactTable]
    names: tuple[str, ...]

    def cell(self, table: str, row: str, column: str) -> Cell | None:
        """The fact at that place, or None."""
        found = self.tables.get(table)
        if found is None or row not in found.rows:
            return None
        return next((cell for cell in found.cells() if cell.row == row and cell.column.name == column), None)

    def cells(self) -> Iterator[Cell]:
        for table in self.tables.values():
            yield from table.cells()

    def only(self, names: Iterable[str]) -> Facts:
        """These tables alone; a name without a table is passed over."""
        return replace(self, tables={name: self.tables[name] for name in names if name in self.tables})

    def capped(self, max_rows: int) -> Facts:
        """At most so many rows per table: the first ones, which are the largest."""
        return replace(self, tables={name: _capped(table, max_rows) for name, table in self.tables.items()})


def _capped(table: FactTable, max_rows: int) -> FactTable:
    kept = dict(list(table.rows.items())[:max_rows])
    return replace(table, rows=kept, left_out=table.left_out + len(table.rows) - len(kept))


def table(
    name: str,
    about: str,
    columns: Sequence[Column],
    records: Iterable[tuple[str, Mapping[str, Any]]],
    owners: Mapping[str, tuple[str, ...]] | None = None,
) -> FactTable:
    """A table from (row key, record) pairs; a key that comes twice gets a number, a value that is missing is None."""
    rows: dict[str, tuple[Value, ...]] = {}
    for key, record in records:
        unique, repeat = key, 2
        while unique in rows:
            unique, repeat = f"{key} #{repeat}", repeat + 1
        rows[unique] = tuple(_plain(record.get(column.name)) for column in columns)
    return FactTable(name, about, tuple(columns), rows, dict(owners or {}))


def single(name: str, about: str, columns: Sequence[Column], record: Mapping[str, Any]) -> FactTable:
    """A table of one row."""
    return table(name, about, columns, [(ONLY_ROW, record)])


def _plain(value: Any) -> Value:
    if value is None or isinstance(value, str | bool):
        return str(value).lower() if isinstance(value, bool) else value
    if isinstance(value, list | tuple):
        return tuple(dt.date.fromisoformat(str(day)[:10]) for day in value)
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    if hasattr(value, "item"):
        return _plain(value.item())
    try:
        number = float(value)
    except (TypeError, ValueError):  # pandas.NA
        return None
    if not math.isfinite(number):
        return None
    return int(value) if isinstance(value, int) else number
