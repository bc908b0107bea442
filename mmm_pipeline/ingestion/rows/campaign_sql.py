"""The contract of a campaign row in SQL: text in, typed rows and refused rows out.

The queries read the table `source` (`line_number`, and the columns `c0`, `c1`, ... of the source as text) and the table
`refused` (rows that were broken before they had columns). Values enter as parameters only.

They come in two forms made of the same expressions: step by step, a table each (files, in DuckDB), and as one statement
over a table that stays where it is (BigQuery).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass

from mmm_pipeline.ingestion.rows.parsing import day, finite_number, name, number, trimmed
from mmm_pipeline.ingestion.sources.headers import Roles
from mmm_pipeline.storage.warehouse.dialect import Dialect

__all__ = ["BLANK", "LATER", "NUMBER_ROLES", "REASONS", "CampaignQueries"]

BLANK = "blank"
"""Verdict on a line without any value, which is no row: neither accepted nor refused."""

LATER = "later"
"""Verdict on a row dated after `until`, which is not there yet: neither accepted nor refused."""

NUMBER_ROLES = ("media", "spend", "kpi")
_FIRST_DAY, _LAST_DAY = "1990-01-01", "2100-12-31"
_TYPED_COLUMNS = "line_number, date, channel, media_units, spend, kpi, brand, marketplace, market"

REASONS: dict[str, str] = {
    "missing_date": "the date is blank",
    "unparseable_date": (
        "accepted are 2021-10-17, 10/17/2021 (month first), Nov 08, 2021, each with or without a time; "
        "a day-first date or a bare Excel serial number is not"
    ),
    "implausible_date": f"accepted are days from {_FIRST_DAY} to {_LAST_DAY}",
    "missing_channel": "the channel is blank",
    "missing_market": "the market is blank",
    **{
        f"{kind}_{role}": hint
        for role in NUMBER_ROLES
        for kind, hint in (
            ("missing", "the number is blank; write 0 where nothing happened"),
            ("unparseable_number", "accepted are 1234.5, 1,234.50 and $1,234; a decimal comma is not"),
            ("non_finite", "infinite, not a number, or too large"),
            ("negative", "accepted are numbers of at least 0"),
        )
    },
    "exact_duplicate": "every column equals an earlier row; the first one is kept",
    "too_few_fields": "the line has fewer fields than the header",
    "too_many_fields": "the line has more fields than the header",
    "malformed_quotes": 'a quoted field is not closed, or goes on after its closing "',
}


@dataclass(frozen=True)
class CampaignQueries:
    """The queries for one source.

    Attributes:
        dialect: spelling of the warehouse that runs them.
        roles: the columns of the source.
        until: last day that counts; default: no last day.
    """

    dialect: Dialect
    roles: Roles
    until: dt.date | None = None

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
        cleaned += [f"COALESCE({', '.join(self.columns)}, NULL) IS NULL AS is_blank"]
        typed = [f"{day(d, 'date_text')} AS date", *(f"{number(d, f'{role}_text')} AS {role}" for role in NUMBER_ROLES)]
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
        """Rows equal to an earlier one in every column: (line_number, first_line). Reads `judged`."""
        columns = ", ".join(self.columns)
        return f"""
            WITH suspects AS (
                SELECT row_hash FROM judged WHERE reason IS NULL GROUP BY row_hash HAVING COUNT(*) > 1
            ), grouped AS (
                SELECT source.line_number, MIN(source.line_number) OVER (PARTITION BY {columns}) AS first_line
                FROM source
                JOIN judged ON judged.line_number = source.line_number
                JOIN suspects ON suspects.row_hash = judged.row_hash
            )
            SELECT line_number, first_line FROM grouped WHERE line_number > first_line"""

    def accepted(self) -> str:
        """The contract's `raw_campaigns`. Reads `judged` and `duplicates`."""
        return f"""
            SELECT {_TYPED_COLUMNS} FROM judged
            WHERE reason IS NULL AND line_number NOT IN (SELECT line_number FROM duplicates)"""

    def rejected(self) -> str:
        """The contract's `rejected_rows`. Reads `judged`, `duplicates` and `refused`; takes `parameters`."""
        column, row = map(self.dialect.identifier, ("column", "row"))
        return f"""
            SELECT judged.line_number, {self._refusal("reason", "NULL")}
            FROM judged JOIN source ON source.line_number = judged.line_number
            WHERE reason NOT IN ('{BLANK}', '{LATER}')
            UNION ALL
            SELECT duplicates.line_number, 'exact_duplicate', NULL, CONCAT('equals line ', first_line), {self._row()}
            FROM duplicates JOIN source ON source.line_number = duplicates.line_number
            UNION ALL
            SELECT line_number, reason, NULL AS {column}, value, {row} FROM refused
            ORDER BY 1"""

    def verdicts(self) -> str:
        """Every line with its final verdict, for `totals`. Reads `judged`, `accepted` and `rejected`."""
        typed = _TYPED_COLUMNS.removeprefix("line_number, ")
        nothing = ", ".join(["NULL"] * len(typed.split(", ")))
        return f"""
            SELECT NULL AS verdict, {typed} FROM accepted
            UNION ALL SELECT reason, {nothing} FROM rejected
            UNION ALL SELECT reason, {nothing} FROM judged WHERE reason IN ('{BLANK}', '{LATER}')"""

    # One statement over a table that stays where it is.

    def over(self, source: str, select: str, condition: str = "TRUE") -> str:
        """A statement that judges all rows and then selects from `verdicts`.

        `verdicts` has the text columns, the typed columns, `reason`, and `verdict`, which is `reason` or
        `exact_duplicate`. A table has no order: of equal rows any one counts as the first.

        Args:
            source: SELECT statement of `source`.
            select: SELECT statement over `verdicts`.
            condition: which judged rows count.
        """
        return f"""
            WITH source AS ({source}), judged AS ({self.judged(keep_text=True)}), verdicts AS (
                SELECT *, CASE WHEN reason IS NULL AND ROW_NUMBER() OVER (PARTITION BY {", ".join(self.columns)}) > 1
                    THEN 'exact_duplicate' ELSE reason END AS verdict
                FROM judged WHERE {condition}
            ) {select}"""

    def accepted_verdicts(self) -> str:
        """For `over`: the contract's `raw_campaigns`."""
        return f"SELECT {_TYPED_COLUMNS} FROM verdicts WHERE verdict IS NULL"

    def rejected_verdicts(self) -> str:
        """For `over`: the contract's `rejected_rows`; takes `parameters`."""
        return f"""SELECT line_number, {self._refusal("verdict", "'equals another row'")} FROM verdicts
            WHERE verdict NOT IN ('{BLANK}', '{LATER}')"""

    def totals(self) -> str:
        """Sums per verdict and, of accepted rows, per channel, brand and marketplace. Reads `verdicts`.

        `content_xor` and `content_sum` change with the accepted rows, whatever their order; they are never NULL, which
        would make floats of the other integers.
        """
        d = self.dialect
        measures = ("media_units", "spend", "kpi")
        kept = ", ".join(
            f"CASE WHEN verdict IS NULL THEN {it} END AS {it}" for it in ("channel", "brand", "marketplace", *measures)
        )
        content = [column for column in _TYPED_COLUMNS.split(", ") if column != "line_number"]
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

    def _name(self, role: str) -> str:
        return name(self.dialect, self._text(role)) if role in self.roles.positions else self.dialect.null("text")

    def _header(self, position: int) -> str:
        return self.dialect.parameter.format(_header(position))

    def _rules(self) -> list[str]:
        tests = [
            ("is_blank", BLANK),
            ("date_text = ''", "missing_date"),
            ("date IS NULL", "unparseable_date"),
            (f"date NOT BETWEEN DATE '{_FIRST_DAY}' AND DATE '{_LAST_DAY}'", "implausible_date"),
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
