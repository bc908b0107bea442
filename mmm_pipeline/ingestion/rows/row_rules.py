"""What is asked of a row, in SQL: the typed values of its columns, and the reason for which it is refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mmm_pipeline.ingestion.rows.verdicts import BLANK, FIRST_DAY, LAST_DAY, LATER, LEFT_OUT, NUMBER_ROLES, TOTAL_ROW
from mmm_pipeline.ingestion.sources.headers import Roles
from mmm_pipeline.ingestion.spellings.dates import DateReading
from mmm_pipeline.ingestion.spellings.number_formats import DecimalMark, number
from mmm_pipeline.ingestion.spellings.parsing import finite_number, name
from mmm_pipeline.settings.tables import kind_of
from mmm_pipeline.storage.warehouse.dialect import Dialect

__all__ = ["RowRules", "header_parameter", "left_out_parameter"]

_TOTAL = (
    r"^(?i:(grand|sub|report)?[ -]?totals?|gesamt(summe|ergebnis)?|summe|total g[eé]n[eé]ral)([ :\-].*)?$"
    r"|^(총?합계|총계|소계|합|合計|总计)"
)
_EMPTY = "''"
_TIMED = r"[0-9][T ]+[0-9]{1,2}:[0-9]{2}"
_MIDNIGHT = r"[T ]+(0?0:00|12:00(:00)? ?[Aa])"
_JOINED = "' / '"


@dataclass(frozen=True)
class RowRules:
    """Expressions over the columns of one source.

    Attributes:
        dialect: spelling of the warehouse that runs them.
        roles: the columns of the source.
        until: last day that counts; default: no last day.
        marks: position -> decimal mark of a column of numbers; default: a point.
        dates: how the date column is read; default: month first.
        left_out: (position of a column, plain names): rows with one of them there are left out.
        table: rows of media, or of a KPI only; these have no channel.
    """

    dialect: Dialect
    roles: Roles
    until: dt.date | None = None
    marks: Mapping[int, DecimalMark] = field(default_factory=dict)
    dates: DateReading = field(default_factory=DateReading)
    left_out: tuple[tuple[int, tuple[str, ...]], ...] = ()
    table: Literal["media", "kpi"] = "media"

    @property
    def judged_roles(self) -> tuple[str, ...]:
        """The roles that a row can be refused for."""
        return tuple(role for role in ("date", "channel", "market", *NUMBER_ROLES) if role in self.roles.positions)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The roles of numbers that the table has."""
        return tuple(role for role in NUMBER_ROLES if role in self.roles.positions)

    @property
    def is_media(self) -> bool:
        """Whether rows have a channel; others have a KPI only."""
        return self.table == "media"

    def channel(self) -> str:
        """The name that the columns of the channel make; NULL where one of them is blank."""
        parts = [role for role in self.roles.positions if role == "channel" or role.startswith("channel_")]
        return f" || {_JOINED} || ".join(map(self.name, parts)) if parts else self.dialect.null("text")

    def kind(self) -> str:
        """What is known of the channel of a row; NULL where rows have none."""
        if "kind" in self.roles.positions:
            return self.text("kind")
        if not self.is_media:
            return self.dialect.null("text")
        return f"'{kind_of(media='media' in self.numbers, spend='spend' in self.numbers)}'"

    def is_timed(self) -> str:
        """Of KPI rows, whether the date has a time of day, as events have."""
        if self.is_media:
            return ""
        timed, midnight = (self.dialect.match("date_text", pattern) for pattern in (_TIMED, _MIDNIGHT))
        return f"\n                {timed} AND NOT {midnight} AS is_timed,"

    def header_of(self, role: str) -> str:
        """The header that a role's value of a row comes from."""
        if role in self.roles.header_positions:
            return f"c{self.roles.header_positions[role]}"
        return self.header(self.roles.positions[role])

    def text(self, role: str) -> str:
        return f"c{self.roles.positions[role]}"

    def number(self, role: str) -> str:
        return number(self.dialect, f"{role}_text", self.marks.get(self.roles.positions[role], "point"))

    def name(self, role: str) -> str:
        return name(self.dialect, self.text(role)) if role in self.roles.positions else self.dialect.null("text")

    def header(self, position: int) -> str:
        return self.dialect.parameter.format(header_parameter(position))

    def rules(self) -> list[str]:
        tests = [
            ("is_blank", BLANK),
            *((f"is_left_out_{position}", LEFT_OUT) for position, _ in self.left_out),
            (self._is_total(), TOTAL_ROW),
            ("date_text = ''", "missing_date"),
            ("date IS NULL", "unparseable_date"),
            (f"date NOT BETWEEN DATE '{FIRST_DAY}' AND DATE '{LAST_DAY}'", "implausible_date"),
        ]
        if self.until is not None:
            # Before any other rule that the row could break: nobody has seen it yet.
            tests.append((f"date > DATE '{self.until.isoformat()}'", LATER))
        if self.is_media:
            tests.append(("channel IS NULL", "missing_channel"))
        if "market" in self.roles.positions:
            tests.append(("market IS NULL", "missing_market"))
        for role in self.numbers:
            applies = {"media": "kind <> 'spend_only' AND ", "spend": "kind <> 'organic' AND "}.get(role, "")
            tests += [
                (f"{applies}{role}_text = ''", f"missing_{role}"),
                (f"{applies}{role} IS NULL", f"unparseable_number_{role}"),
                (f"NOT {finite_number(self.dialect, role)}", f"non_finite_{role}"),
            ]
            if role != "kpi":  # refunds
                tests.append((f"{role} < 0", f"negative_{role}"))
        return [f"WHEN {test} THEN '{reason}'" for test, reason in tests]

    def _is_total(self) -> str:
        """Whether a word for a total stands in the date's place; without a date, in the channel's or first column."""
        d = self.dialect
        named = " OR ".join(d.match(f"COALESCE({it}, {_EMPTY})", _TOTAL) for it in ("channel", "first_text"))
        no_date = f"(date_text = '' AND ({named}))"
        return f"(date IS NULL AND ({d.match('date_text', _TOTAL)} OR {no_date}))"

    def leaves_out(self) -> list[str]:
        """Columns that say whether a row is to be left out by its name in a column."""
        columns, first = [], 0
        for position, names in self.left_out:
            values = [self.dialect.parameter.format(left_out_parameter(first + at)) for at in range(len(names))]
            text = name(self.dialect, f"c{position}")
            columns.append(f"COALESCE({text} IN ({', '.join(values)}), FALSE) AS is_left_out_{position}")
            first += len(names)
        return columns


# Names of parameters, none of which begins with another one.
def header_parameter(position: int) -> str:
    """Name of the parameter that holds a column's header."""
    return f"header_{position:04d}"


def left_out_parameter(number: int) -> str:
    """Name of the parameter that holds a name whose rows are left out."""
    return f"left_out_{number:04d}"
