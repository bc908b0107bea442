"""The MERGE that lands new rows in a campaign table, written once for DuckDB and BigQuery."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from mmm_pipeline.storage.warehouse.dialect import Dialect

__all__ = ["ROW_OF_KEY", "LandedColumn", "LandingPlan"]

ROW_OF_KEY = "row_of_key"
"""Column that tells rows of one key apart: 1 for the first in its file, 2 for the second, and so on."""


@dataclass(frozen=True)
class LandedColumn:
    """A column of a campaign table.

    Attributes:
        name: its name.
        kind: `date`, `text` or `number`.
        position: of the file's column that it is filled from.
    """

    name: str
    kind: str
    position: int


@dataclass(frozen=True)
class LandingPlan:
    """What is merged, and by which key.

    Attributes:
        columns: of the table, without `row_of_key`.
        key: names of the columns that identify a row; the date is one of them.
        date: name of the date column.
        first_day: of the file.
        last_day: of the file.
    """

    columns: tuple[LandedColumn, ...]
    key: tuple[str, ...]
    date: str
    first_day: dt.date
    last_day: dt.date

    @property
    def parameters(self) -> dict[str, dt.date]:
        """Values of the statements."""
        return {"first_day": self.first_day, "last_day": self.last_day}

    def definition(self, dialect: Dialect) -> str:
        """Column list of CREATE TABLE."""
        columns = [f"{dialect.identifier(column.name)} {dialect.types[column.kind]}" for column in self.columns]
        return ", ".join([*columns, f"{dialect.identifier(ROW_OF_KEY)} {dialect.types['integer']}"])

    def counts(self, dialect: Dialect, target: str, staging: str) -> str:
        """SELECT statement: rows staged, and how many of them the table has already."""
        order = dialect.identifier(ROW_OF_KEY)
        return f"""
            SELECT COUNT(*) AS staged, COUNT(t.{order}) AS known
            FROM {staging} AS s LEFT JOIN {target} AS t ON {self._same_row(dialect, "t", "s")}"""

    def merge(self, dialect: Dialect, target: str, staging: str) -> str:
        """MERGE statement: the rows of every key in the file replace those the table has of it; others stay.

        Only days of the file are looked at, so that BigQuery reads and rewrites their partitions only.
        """
        d = dialect
        order = d.identifier(ROW_OF_KEY)
        names = [d.identifier(column.name) for column in self.columns]
        values = [name for name, column in zip(names, self.columns, strict=True) if column.name not in self.key]
        key = [d.identifier(name) for name in self.key]
        every = [*names, order]
        old = ", ".join(
            f"o.{d.identifier(column.name)}" if column.name in self.key else d.null(column.kind)
            for column in self.columns
        )
        update = ", ".join(f"{name} = s.{name}" for name in values)
        return f"""
            MERGE INTO {target} AS t USING (
                SELECT {", ".join(f"n.{name}" for name in every)}, FALSE AS is_surplus FROM {staging} AS n
                UNION ALL
                SELECT {old}, o.{order}, TRUE FROM {target} AS o JOIN (
                    SELECT {", ".join(key)}, MAX({order}) AS last_row FROM {staging} GROUP BY {", ".join(key)}
                ) AS k ON {self._same_key(d, "o", "k")} WHERE o.{order} > k.last_row AND {self._in_days(d, "o")}
            ) AS s ON {self._same_row(d, "t", "s")}
            WHEN MATCHED AND s.is_surplus THEN DELETE
            WHEN MATCHED THEN UPDATE SET {update}
            WHEN NOT MATCHED AND NOT s.is_surplus THEN
                INSERT ({", ".join(every)}) VALUES ({", ".join(f"s.{name}" for name in every)})"""

    def _same_row(self, d: Dialect, left: str, right: str) -> str:
        order = d.identifier(ROW_OF_KEY)
        return f"{self._same_key(d, left, right)} AND {left}.{order} = {right}.{order} AND {self._in_days(d, left)}"

    def _same_key(self, d: Dialect, left: str, right: str) -> str:
        """Equal keys; a blank text equals a blank text. Values are never '', so that stands for them."""
        kinds = {column.name: column.kind for column in self.columns}
        tests = []
        for name in self.key:
            pair = [f"{side}.{d.identifier(name)}" for side in (left, right)]
            if kinds[name] == "text":
                pair = [f"COALESCE({it}, '')" for it in pair]
            tests.append(" = ".join(pair))
        return " AND ".join(tests)

    def _in_days(self, d: Dialect, side: str) -> str:
        first, last = (d.parameter.format(name) for name in ("first_day", "last_day"))
        return f"{side}.{d.identifier(self.date)} BETWEEN {first} AND {last}"
