"""The contract of a campaign row in SQL: text in, typed rows and refused rows out.

The queries read the table `source` (`line_number`, and the columns `c0`, `c1`, ... of the source as text) and the table
`refused` (rows that were broken before they had columns). Values enter as parameters only.

They come in two forms made of the same expressions: step by step, a table each (files, in DuckDB), and as one statement
over a table that stays where it is (BigQuery).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from mmm_pipeline.ingestion.rows.verdicts import (
    BLANK,
    DUPLICATE,
    EQUAL_KPI,
    FIRST_DAY,
    LAST_DAY,
    LATER,
    LEFT_OUT,
    NO_ROWS,
    NUMBER_ROLES,
    TOTAL_ROW,
)
from mmm_pipeline.ingestion.sources.headers import Roles
from mmm_pipeline.ingestion.spellings.number_formats import DecimalMark, number
from mmm_pipeline.ingestion.spellings.parsing import day, finite_number, name, trimmed
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.warehouse.dialect import Dialect

__all__ = ["CampaignQueries"]

_NO_ROWS = ", ".join(f"'{verdict}'" for verdict in NO_ROWS)
_TOTAL = (
    r"^(?i:(grand|sub|report)?[ -]?totals?|gesamt(summe|ergebnis)?|summe|total g[eé]n[eé]ral)([ :\-].*)?$"
    r"|^(총?합계|총계|소계|합|合計|总计)"
)
_EMPTY = "''"
_TYPED_COLUMNS = "line_number, date, channel, media_units, spend, kpi, brand, marketplace, market"


@dataclass(frozen=True)
class CampaignQueries:
    """The queries for one source.

    Attributes:
        dialect: spelling of the warehouse that runs them.
        roles: the columns of the source.
        until: last day that counts; default: no last day.
        marks: position -> decimal mark of a column of numbers; default: a point.
        equal_rows: what rows are that equal an earlier one in every column: `once`, the same row again; `each`, an
            event of its own; `ask`, the same row again when it has media or spend. A row of zeros is always accepted.
        kpi_per: `day`: every row has the KPI of its day (and market), which then counts once.
        left_out: (position of a column, plain names): rows with one of them there are left out.
    """

    dialect: Dialect
    roles: Roles
    until: dt.date | None = None
    marks: Mapping[int, DecimalMark] = field(default_factory=dict)
    equal_rows: Literal["ask", "once", "each"] = "ask"
    kpi_per: Literal["row", "date"] = "row"
    left_out: tuple[tuple[int, tuple[str, ...]], ...] = ()

    @classmethod
    def of(
        cls,
        dialect: Dialect,
        roles: Roles,
        settings: Settings,
        *,
        where: str,
        marks: Mapping[int, DecimalMark] | None = None,
    ) -> CampaignQueries:
        """The queries that the settings ask for; `where`: the source, for messages; `marks`: as the attribute.

        Raises:
            CampaignDataError: `validation.total_rows` names a column that the source does not have.
        """
        chosen = settings.validation
        return cls(
            dialect=dialect,
            roles=roles,
            until=settings.split.as_of,
            marks=marks or {},
            equal_rows=chosen.equal_rows,
            kpi_per=settings.columns.kpi_per or "row",
            left_out=tuple(
                (roles.position(header, where=where, setting="validation.total_rows"), names)
                for header, names in chosen.total_rows.items()
            ),
        )

    @property
    def judged_parameters(self) -> dict[str, str]:
        """Values of `judged`, and so of every statement made by `over`: the names whose rows are left out."""
        names = [name for _, names in self.left_out for name in names]
        return {_left_out(number): value for number, value in enumerate(names)}

    @property
    def parameters(self) -> dict[str, str]:
        """Values of `rejected`: the headers that a reason can be about, and all headers as JSON keys with a colon."""
        names = self.roles.names
        about = sorted({self.roles.positions[role] for role in self._judged_roles})
        keys = {_key(position): json.dumps(header, ensure_ascii=False) + ":" for position, header in enumerate(names)}
        return {**{_header(position): names[position] for position in about}, **keys}

    @property
    def columns(self) -> list[str]:
        """Names of the text columns of `source`."""
        return [f"c{position}" for position in range(len(self.roles.names))]

    # Step by step.

    def judged(self, *, keep_text: bool = False) -> str:
        """Every row: typed, with its verdict so far (NULL: accepted), and its hash or its text. Reads `source`."""
        d = self.dialect
        cleaned = [f"{trimmed(d, self._text(role))} AS {role}_text" for role in ("date", *NUMBER_ROLES)]
        cleaned += [f"{self._name(role)} AS {role}" for role in ("channel", "brand", "marketplace", "market")]
        cleaned += [f"COALESCE({', '.join(self.columns)}, NULL) IS NULL AS is_blank", *self._leaves_out()]
        typed = [f"{day(d, 'date_text')} AS date", *(f"{self._number(role)} AS {role}" for role in NUMBER_ROLES)]
        kept = ", ".join(self.columns) if keep_text else "row_hash"
        keep = kept if keep_text else f"{d.hashed(self.columns)} AS row_hash"
        return f"""
            WITH cleaned AS (
                SELECT line_number, {keep}, {", ".join(cleaned)} FROM source
            ), typed AS (
                SELECT *, {", ".join(typed)} FROM cleaned
            )
            SELECT line_number, date, channel, media AS media_units, spend, kpi, brand, marketplace, market, {kept},
                CASE {" ".join(self._rules())} END AS reason
            FROM typed"""

    def duplicates(self) -> str:
        """Rows equal to an earlier one in every column: (line_number, first_line, reason). Reads `judged`."""
        columns = ", ".join(self.columns)
        return f"""
            WITH suspects AS (
                SELECT row_hash FROM judged WHERE reason IS NULL AND {self._is_repeatable}
                GROUP BY row_hash HAVING COUNT(*) > 1
            ), grouped AS (
                SELECT source.line_number, MIN(source.line_number) OVER (PARTITION BY {columns}) AS first_line,
                    {self._repeated} AS reason
                FROM source
                JOIN judged ON judged.line_number = source.line_number
                JOIN suspects ON suspects.row_hash = judged.row_hash
            )
            SELECT line_number, first_line, reason FROM grouped WHERE line_number > first_line"""

    def accepted(self) -> str:
        """The contract's `raw_campaigns`. Reads `judged` and `duplicates`."""
        return f"""
            SELECT {self._counted} FROM judged
            WHERE reason IS NULL AND line_number NOT IN (SELECT line_number FROM duplicates)"""

    def rejected(self) -> str:
        """The contract's `rejected_rows`, sheets aside. Reads `judged`, `duplicates`, `refused`; takes `parameters`."""
        column, row = map(self.dialect.identifier, ("column", "row"))
        return f"""
            SELECT judged.line_number, {self._refusal("reason", "NULL")}
            FROM judged JOIN source ON source.line_number = judged.line_number
            WHERE reason NOT IN ({_NO_ROWS})
            UNION ALL
            SELECT
                duplicates.line_number, duplicates.reason, NULL, CONCAT('equals ', place_of(first_line)), {self._row()}
            FROM duplicates JOIN source ON source.line_number = duplicates.line_number
            UNION ALL
            SELECT line_number, reason, NULL AS {column}, value, {row} FROM refused
            ORDER BY 1"""

    def verdicts(self) -> str:
        """Every line with its final verdict, for `totals` and `by_day`. Reads `judged`, `duplicates` and `refused`."""
        nothing = ", ".join(["NULL"] * _TYPED_COLUMNS.count(","))
        return f"""
            SELECT COALESCE(judged.reason, duplicates.reason) AS verdict, judged.line_number,
                {_TYPED_COLUMNS.removeprefix("line_number, ")}
            FROM judged LEFT JOIN duplicates ON duplicates.line_number = judged.line_number
            UNION ALL SELECT reason, line_number, {nothing} FROM refused"""

    # One statement over a table that stays where it is.

    def over(self, source: str, select: str, condition: str = "TRUE") -> str:
        """A statement that judges all rows and then selects from `verdicts`.

        `verdicts` has the text columns, the typed columns, `reason`, and `verdict`, which is `reason` or that of an
        equal row. A table has no order: of equal rows any one counts as the first.

        Args:
            source: SELECT statement of `source`.
            select: SELECT statement over `verdicts`.
            condition: which judged rows count.
        """
        return f"""
            WITH source AS ({source}), judged AS ({self.judged(keep_text=True)}), verdicts AS (
                SELECT *, CASE WHEN reason IS NULL AND {self._is_repeatable}
                        AND ROW_NUMBER() OVER (PARTITION BY {", ".join(self.columns)}) > 1
                    THEN {self._repeated} ELSE reason END AS verdict
                FROM judged WHERE {condition}
            ) {select}"""

    def accepted_verdicts(self) -> str:
        """For `over`: the contract's `raw_campaigns`."""
        return f"SELECT {self._counted} FROM verdicts WHERE verdict IS NULL"

    def rejected_verdicts(self) -> str:
        """For `over`: the contract's `rejected_rows`; takes `parameters`."""
        sheet = f"{self.dialect.null('text')} AS sheet"
        return f"""SELECT {sheet}, line_number, {self._refusal("verdict", "'equals another row'")} FROM verdicts
            WHERE verdict NOT IN ({_NO_ROWS})"""

    def totals(self) -> str:
        """Sums per verdict and, of accepted rows, per channel, brand and marketplace. Reads `verdicts`.

        `content_xor` and `content_sum` change with the accepted rows, whatever their order; they are never NULL, which
        would make floats of the other integers.
        """
        d = self.dialect
        measures = ("media_units", "spend", "kpi")
        counted = {"kpi": self._kpi("date, market, verdict")}
        kept = ", ".join(
            f"CASE WHEN verdict IS NULL THEN {counted.get(it, it)} END AS {it}"
            for it in ("channel", "brand", "marketplace", *measures)
        )
        content = [counted.get(it, it) for it in _TYPED_COLUMNS.split(", ") if it != "line_number"]
        return f"""
            SELECT reason, channel, brand, marketplace, COUNT(*) AS row_count,
                {", ".join(f"{d.exact_sum.format(it)} AS {it}" for it in measures)},
                COALESCE(BIT_XOR(content_hash), 0) AS content_xor,
                COALESCE(SUM(MOD(content_hash, 1000000007)), 0) AS content_sum
            FROM (
                SELECT verdict AS reason, {kept}, CASE WHEN verdict IS NULL THEN {d.hashed(content)} END AS content_hash
                FROM verdicts
            ) AS judged_rows
            GROUP BY reason, channel, brand, marketplace"""

    def by_day(self) -> str:
        """Rows, KPI and spend of each day and verdict, days that can be told only; reads `verdicts`.

        Columns: date, reason (NULL: accepted), row_count, first_line, unknown_kpi (rows whose KPI is no number of at
        least 0), kpi and spend (of the others), and of accepted rows `least_kpi` and `most_kpi`.
        """
        d = self.dialect
        usable = {it: f"{finite_number(d, it)} AND {it} >= 0" for it in ("kpi", "spend")}
        sums = {it: d.exact_sum.format(f"CASE WHEN {usable[it]} THEN {it} ELSE 0 END") for it in usable}
        return f"""
            SELECT date, market, verdict AS reason, COUNT(*) AS row_count, MIN(line_number) AS first_line,
                SUM(CASE WHEN {usable["kpi"]} THEN 0 ELSE 1 END) AS unknown_kpi,
                {sums["kpi"]} AS kpi, {sums["spend"]} AS spend,
                MIN(CASE WHEN verdict IS NULL THEN kpi END) AS least_kpi,
                MAX(CASE WHEN verdict IS NULL THEN kpi END) AS most_kpi
            FROM verdicts
            WHERE date IS NOT NULL AND COALESCE(verdict, '') NOT IN ({_NO_ROWS}, 'implausible_date')
            GROUP BY date, market, verdict"""

    @property
    def _counted(self) -> str:
        """The typed columns of accepted rows, with the KPI that each of them counts for."""
        return ", ".join(
            f"{self._kpi('date, market')} AS kpi" if it == "kpi" else it for it in _TYPED_COLUMNS.split(", ")
        )

    def _kpi(self, day: str) -> str:
        """What a row counts for: its KPI, or its part of the KPI that all rows of the day repeat."""
        return "kpi" if self.kpi_per == "row" else f"kpi / COUNT(*) OVER (PARTITION BY {day})"

    @property
    def _is_repeatable(self) -> str:
        """Whether a typed row that equals an earlier one is refused: never one of zeros, which changes nothing."""
        return "FALSE" if self.equal_rows == "each" else "NOT (media_units = 0 AND spend = 0 AND kpi = 0)"

    @property
    def _repeated(self) -> str:
        """The reason for which it is."""
        if self.equal_rows == "once":
            return f"'{DUPLICATE}'"
        return f"CASE WHEN media_units = 0 AND spend = 0 THEN '{EQUAL_KPI}' ELSE '{DUPLICATE}' END"

    def _refusal(self, reason: str, otherwise: str) -> str:
        """Columns `reason`, `column`, `value`, `row` of a refused row; `otherwise`: value without a column."""
        column, row = map(self.dialect.identifier, ("column", "row"))
        headers = " ".join(self._by_reason(reason, self._header))
        values = " ".join(self._by_reason(reason, "c{}".format))
        return (
            f"{reason} AS reason, CASE {headers} END AS {column}, CASE {values} ELSE {otherwise} END AS value, "
            f"{self._row()} AS {row}"
        )

    def _row(self) -> str:
        """The whole row as a JSON object, keys in the order of the columns."""
        d = self.dialect
        pairs = [
            f"CONCAT({d.parameter.format(_key(position))}, {d.json_text.format(column)})"
            for position, column in enumerate(self.columns)
        ]
        return f"CONCAT('{{', ARRAY_TO_STRING([{', '.join(pairs)}], ','), '}}')"

    @property
    def _judged_roles(self) -> tuple[str, ...]:
        """The roles that a row can be refused for."""
        return ("date", "channel", *(("market",) if "market" in self.roles.positions else ()), *NUMBER_ROLES)

    def _text(self, role: str) -> str:
        return f"c{self.roles.positions[role]}"

    def _number(self, role: str) -> str:
        return number(self.dialect, f"{role}_text", self.marks.get(self.roles.positions[role], "point"))

    def _name(self, role: str) -> str:
        return name(self.dialect, self._text(role)) if role in self.roles.positions else self.dialect.null("text")

    def _header(self, position: int) -> str:
        return self.dialect.parameter.format(_header(position))

    def _rules(self) -> list[str]:
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
        tests.append(("channel IS NULL", "missing_channel"))
        if "market" in self.roles.positions:
            tests.append(("market IS NULL", "missing_market"))
        for role in NUMBER_ROLES:
            tests += [
                (f"{role}_text = ''", f"missing_{role}"),
                (f"{role} IS NULL", f"unparseable_number_{role}"),
                (f"NOT {finite_number(self.dialect, role)}", f"non_finite_{role}"),
                (f"{role} < 0", f"negative_{role}"),
            ]
        return [f"WHEN {test} THEN '{reason}'" for test, reason in tests]

    def _is_total(self) -> str:
        """Whether a word for a total stands in the date's place, or in the channel's where there is no date."""
        d = self.dialect
        no_date = f"(date_text = '' AND {d.match('COALESCE(channel, ' + _EMPTY + ')', _TOTAL)})"
        return f"(date IS NULL AND ({d.match('date_text', _TOTAL)} OR {no_date}))"

    def _leaves_out(self) -> list[str]:
        """Columns that say whether a row is to be left out by its name in a column."""
        columns, first = [], 0
        for position, names in self.left_out:
            values = [self.dialect.parameter.format(_left_out(first + at)) for at in range(len(names))]
            text = name(self.dialect, f"c{position}")
            columns.append(f"COALESCE({text} IN ({', '.join(values)}), FALSE) AS is_left_out_{position}")
            first += len(names)
        return columns

    def _by_reason(self, reason: str, value: Callable[[int], str]) -> list[str]:
        """CASE branches: by the role that a reason is about, something of that role's column."""
        return [
            f"WHEN ENDS_WITH({reason}, '_{role}') THEN {value(self.roles.positions[role])}"
            for role in self._judged_roles
        ]


# Names of parameters, none of which begins with another one.
def _header(position: int) -> str:
    return f"header_{position:04d}"


def _key(position: int) -> str:
    return f"key_{position:04d}"


def _left_out(number: int) -> str:
    return f"left_out_{number:04d}"
