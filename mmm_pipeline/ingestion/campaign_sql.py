"""The contract of a campaign row in SQL: text in, typed rows and refused rows out.

The queries read the table `source` (`line_number`, and the columns `c0`, `c1`, ... of the source as text) and the table
`refused` (rows that were broken before they had columns). Values enter as parameters only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mmm_pipeline.ingestion.dialect import Dialect, day, finite_number, name, number, trimmed
from mmm_pipeline.ingestion.headers import Roles

__all__ = ["NUMBER_ROLES", "REASONS", "CampaignQueries"]

NUMBER_ROLES = ("media", "spend", "kpi")
_FIRST_DAY, _LAST_DAY = "1990-01-01", "2100-12-31"
_TYPED_COLUMNS = "line_number, date, channel, media_units, spend, kpi, brand, marketplace"

REASONS: dict[str, str] = {
    "missing_date": "the date is blank",
    "unparseable_date": (
        "accepted are 2021-10-17, 10/17/2021 (month first), Nov 08, 2021, each with or without a time; "
        "a day-first date or a bare Excel serial number is not"
    ),
    "implausible_date": f"accepted are days from {_FIRST_DAY} to {_LAST_DAY}",
    "missing_channel": "the channel is blank",
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
    """

    dialect: Dialect
    roles: Roles

    @property
    def parameters(self) -> dict[str, str]:
        """Values of `rejected`: the headers of the source."""
        return {f"header_{position}": header for position, header in enumerate(self.roles.names)}

    def judged(self) -> str:
        """Every row that has any value: typed, with the first reason to refuse it (NULL: none) and its hash."""
        d = self.dialect
        cleaned = [f"{trimmed(d, self._text(role))} AS {role}_text" for role in ("date", *NUMBER_ROLES)]
        cleaned += [f"{self._name(role)} AS {role}" for role in ("channel", "brand", "marketplace")]
        typed = [f"{day(d, 'date_text')} AS date", *(f"{number(d, f'{role}_text')} AS {role}" for role in NUMBER_ROLES)]
        return f"""
            WITH cleaned AS (
                SELECT line_number, {d.hashed(self._columns)} AS row_hash, {", ".join(cleaned)}
                FROM source
                WHERE COALESCE({", ".join(self._columns)}) IS NOT NULL
            ), typed AS (
                SELECT *, {", ".join(typed)} FROM cleaned
            )
            SELECT line_number, date, channel, media AS media_units, spend, kpi, brand, marketplace, row_hash,
                CASE {" ".join(self._rules())} END AS reason
            FROM typed"""

    def duplicates(self) -> str:
        """Rows equal to an earlier one in every column: (line_number, first_line). Reads `judged`."""
        columns = ", ".join(self._columns)
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
        pairs = [f"{self._header(position)}, {column}" for position, column in enumerate(self._columns)]
        row = self.dialect.json_object.format(", ".join(pairs))
        return f"""
            SELECT judged.line_number, reason, CASE {" ".join(self._by_reason(self._header))} END AS "column",
                CASE {" ".join(self._by_reason("c{}".format))} END AS value, {row} AS "row"
            FROM judged JOIN source ON source.line_number = judged.line_number
            WHERE reason IS NOT NULL
            UNION ALL
            SELECT duplicates.line_number, 'exact_duplicate', NULL, CONCAT('equals line ', first_line), {row}
            FROM duplicates JOIN source ON source.line_number = duplicates.line_number
            UNION ALL
            SELECT line_number, reason, NULL, value, "row" FROM refused
            ORDER BY 1"""

    def content_hash(self) -> str:
        """Three numbers that change with the accepted rows, whatever their order. Reads `accepted`."""
        columns = [column for column in _TYPED_COLUMNS.split(", ") if column != "line_number"]
        return f"""
            SELECT COUNT(*), BIT_XOR(row_hash), SUM(row_hash % 1000000007)
            FROM (SELECT {self.dialect.hashed(columns)} AS row_hash FROM accepted) AS hashed"""

    @property
    def _columns(self) -> list[str]:
        return [f"c{position}" for position in range(len(self.roles.names))]

    def _text(self, role: str) -> str:
        return f"c{self.roles.positions[role]}"

    def _name(self, role: str) -> str:
        return name(self.dialect, self._text(role)) if role in self.roles.positions else "CAST(NULL AS VARCHAR)"

    def _header(self, position: int) -> str:
        return self.dialect.parameter.format(f"header_{position}")

    def _rules(self) -> list[str]:
        tests = [
            ("date_text = ''", "missing_date"),
            ("date IS NULL", "unparseable_date"),
            (f"date NOT BETWEEN DATE '{_FIRST_DAY}' AND DATE '{_LAST_DAY}'", "implausible_date"),
            ("channel IS NULL", "missing_channel"),
        ]
        for role in NUMBER_ROLES:
            tests += [
                (f"{role}_text = ''", f"missing_{role}"),
                (f"{role} IS NULL", f"unparseable_number_{role}"),
                (f"NOT {finite_number(self.dialect, role)}", f"non_finite_{role}"),
                (f"{role} < 0", f"negative_{role}"),
            ]
        return [f"WHEN {test} THEN '{reason}'" for test, reason in tests]

    def _by_reason(self, value: Callable[[int], str]) -> list[str]:
        """CASE branches: by the role that a reason is about, something of that role's column."""
        return [
            f"WHEN ends_with(reason, '_{role}') THEN {value(self.roles.positions[role])}"
            for role in ("date", "channel", *NUMBER_ROLES)
        ]
