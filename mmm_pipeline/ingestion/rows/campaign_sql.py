"""The contract of a campaign row in SQL: text in, typed rows and refused rows out.

The queries read the table `source` (`line_number`, and the columns `c0`, `c1`, ... of the source as text) and the table
`refused` (rows that were broken before they had columns). Values enter as parameters only.

They come in two forms made of the same expressions: step by step, a table each (files, in DuckDB), and as one statement
over a table that stays where it is (BigQuery).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from mmm_pipeline.ingestion.rows.row_rules import RowRules, header_parameter, left_out_parameter
from mmm_pipeline.ingestion.rows.verdicts import (
    DUPLICATE,
    EQUAL_KPI,
    NO_ROWS,
    NUMBER_ROLES,
)
from mmm_pipeline.ingestion.sources.headers import Roles
from mmm_pipeline.ingestion.spellings.dates import DateReading, day
from mmm_pipeline.ingestion.spellings.number_formats import DecimalMark
from mmm_pipeline.ingestion.spellings.parsing import finite_number, trimmed, without_missing
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.warehouse.dialect import Dialect

__all__ = ["CampaignQueries"]

_NO_ROWS = ", ".join(f"'{verdict}'" for verdict in NO_ROWS)
_TYPED_COLUMNS = "line_number, date, channel, kind, media_units, spend, kpi, brand, marketplace, market"
_KPI_COLUMNS = "line_number, date, market, kpi, is_timed"


@dataclass(frozen=True)
class CampaignQueries(RowRules):
    """The queries for one source.

    Attributes:
        equal_rows: what rows are that equal an earlier one in every column: `once`, the same row again; `each`, an
            event of its own; `ask`, the same row again when it has media or spend. A row of zeros is always accepted.
        kpi_per: `date`: every row has the KPI of its date (and market), which then counts once.
    """

    equal_rows: Literal["ask", "once", "each"] = "ask"
    kpi_per: Literal["row", "date"] = "row"

    @classmethod
    def of(
        cls,
        dialect: Dialect,
        roles: Roles,
        settings: Settings,
        *,
        where: str,
        marks: Mapping[int, DecimalMark] | None = None,
        dates: DateReading | None = None,
        table: Literal["media", "kpi"] = "media",
        kpi_per: Literal["row", "date"] = "row",
    ) -> CampaignQueries:
        """The queries that the settings ask for.

        Args:
            dialect: as the attribute.
            roles: as the attribute.
            settings: the sections `validation` and `split` count.
            where: the source, for messages.
            marks: as the attribute.
            dates: as the attribute.
            table: as the attribute.
            kpi_per: as the attribute.

        Raises:
            CampaignDataError: `validation.total_rows` names a column that the source does not have.
        """
        chosen = settings.validation
        # Of several tables, a column of total rows may be that of another one.
        several = settings.own_kpi_source is not None
        return cls(
            dialect=dialect,
            roles=roles,
            until=settings.split.as_of,
            marks=marks or {},
            dates=dates or DateReading(),
            equal_rows=chosen.equal_rows,
            kpi_per=kpi_per,
            table=table,
            left_out=tuple(
                (roles.position(header, where=where, setting="validation.total_rows"), names)
                for header, names in chosen.total_rows.items()
                if not several or roles.has(header)
            ),
        )

    @property
    def judged_parameters(self) -> dict[str, str]:
        """Values of `judged`, and so of every statement made by `over`: the names whose rows are left out."""
        names = [name for _, names in self.left_out for name in names]
        return {left_out_parameter(number): value for number, value in enumerate(names)}

    @property
    def parameters(self) -> dict[str, str]:
        """Values of `rejected`: the headers that a reason can be about, and all headers as JSON keys with a colon."""
        names = self.roles.names
        told = set(self.judged_roles) - set(self.roles.header_positions)
        about = sorted({self.roles.positions[role] for role in told})
        keys = {_key(position): json.dumps(header, ensure_ascii=False) + ":" for position, header in enumerate(names)}
        return {**{header_parameter(position): names[position] for position in about}, **keys}

    @property
    def columns(self) -> list[str]:
        """Names of the text columns of `source`."""
        return [f"c{position}" for position in range(len(self.roles.names))]

    # Step by step.

    def judged(self, *, keep_text: bool = False) -> str:
        """Every row: typed, with its verdict so far (NULL: accepted), and its hash or its text. Reads `source`."""
        d = self.dialect
        texts = {role: trimmed(d, self.text(role)) for role in ("date", *self.numbers)}
        cleaned = [f"{without_missing(d, text)} AS {role}_text" for role, text in texts.items()]
        cleaned.append(f"{trimmed(d, 'c0')} AS first_text")
        cleaned += [f"{self.name(role)} AS {role}" for role in ("brand", "marketplace", "market")]
        cleaned += [f"{self.channel()} AS channel", f"{self.kind()} AS kind"]
        cleaned += [f"COALESCE({', '.join(self.columns)}, NULL) IS NULL AS is_blank", *self.leaves_out()]
        typed = [f"{day(d, 'date_text', self.dates)} AS date"]
        typed += [f"{self.number(role)} AS {role}" for role in self.numbers]
        counted = {role: role if role in self.numbers else d.null("number") for role in NUMBER_ROLES}
        if self.is_media and self.kind() != "'paid'":
            counted["media"] = f"CASE WHEN kind = 'spend_only' THEN {counted['spend']} ELSE {counted['media']} END"
            counted["spend"] = f"CASE WHEN kind = 'organic' THEN 0.0 ELSE {counted['spend']} END"
        kept = ", ".join(self.columns) if keep_text else "row_hash"
        keep = kept if keep_text else f"{d.hashed(self.columns)} AS row_hash"
        return f"""
            WITH cleaned AS (
                SELECT line_number, {keep}, {", ".join(cleaned)} FROM source
            ), typed AS (
                SELECT *, {", ".join(typed)} FROM cleaned
            )
            SELECT line_number, date, channel, kind, {counted["media"]} AS media_units, {counted["spend"]} AS spend,
                {counted["kpi"]} AS kpi, brand, marketplace, market, {kept},{self.is_timed()}
                CASE {" ".join(self.rules())} END AS reason
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
        """The contract's `media_rows` or `kpi_rows`. Reads `judged` and `duplicates`."""
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
        """For `over`: the contract's `media_rows` or `kpi_rows`."""
        return f"SELECT {self._counted} FROM verdicts WHERE verdict IS NULL"

    def rejected_verdicts(self) -> str:
        """For `over`: the contract's `rejected_rows`; takes `parameters`."""
        sheet = f"{self.dialect.null('text')} AS sheet"
        refusal = self._refusal("verdict", "'equals another row'")
        return f"""SELECT '{self.table}' AS table_name, {sheet}, line_number, {refusal} FROM verdicts
            WHERE verdict NOT IN ({_NO_ROWS})"""

    def totals(self) -> str:
        """Sums per verdict and, of accepted rows, per channel, brand and marketplace. Reads `verdicts`.

        `refunds` are rows with a KPI below 0.

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
                SUM(CASE WHEN kpi < 0 THEN 1 ELSE 0 END) AS refunds,
                COALESCE(BIT_XOR(content_hash), 0) AS content_xor,
                COALESCE(SUM(MOD(content_hash, 1000000007)), 0) AS content_sum
            FROM (
                SELECT verdict AS reason, {kept}, CASE WHEN verdict IS NULL THEN {d.hashed(content)} END AS content_hash
                FROM verdicts
            ) AS judged_rows
            GROUP BY reason, channel, brand, marketplace"""

    def by_day(self) -> str:
        """Rows, KPI and spend of each day and verdict, days that can be told only; reads `verdicts`.

        Columns: date, reason (NULL: accepted), row_count, first_line, unknown_kpi (rows whose KPI is no number), kpi
        and spend (of the others), and of accepted rows `least_kpi` and `most_kpi`.
        """
        d = self.dialect
        usable = {"kpi": finite_number(d, "kpi"), "spend": f"{finite_number(d, 'spend')} AND spend >= 0"}
        sums = {it: d.exact_sum.format(f"CASE WHEN {usable[it]} THEN {it} ELSE 0 END") for it in usable}
        known = usable["kpi"] if "kpi" in self.numbers else "TRUE"
        return f"""
            SELECT date, market, verdict AS reason, COUNT(*) AS row_count, MIN(line_number) AS first_line,
                SUM(CASE WHEN {known} THEN 0 ELSE 1 END) AS unknown_kpi,
                {sums["kpi"]} AS kpi, {sums["spend"]} AS spend,
                MIN(CASE WHEN verdict IS NULL THEN kpi END) AS least_kpi,
                MAX(CASE WHEN verdict IS NULL THEN kpi END) AS most_kpi
            FROM verdicts
            WHERE date IS NOT NULL AND COALESCE(verdict, '') NOT IN ({_NO_ROWS}, 'implausible_date')
            GROUP BY date, market, verdict"""

    @property
    def _counted(self) -> str:
        """The typed columns of accepted rows, with the KPI that each of them counts for."""
        columns = _TYPED_COLUMNS if self.is_media else _KPI_COLUMNS
        return ", ".join(f"{self._kpi('date, market')} AS kpi" if it == "kpi" else it for it in columns.split(", "))

    def _kpi(self, day: str) -> str:
        """What a row counts for: its KPI, or its part of the KPI that all rows of the day repeat."""
        return "kpi" if self.kpi_per == "row" else f"kpi / COUNT(*) OVER (PARTITION BY {day})"

    @property
    def _is_repeatable(self) -> str:
        """Whether a typed row that equals an earlier one is refused: never one of zeros, which changes nothing."""
        zeros = " AND ".join(f"COALESCE({it}, 0) = 0" for it in ("media_units", "spend", "kpi"))
        return "FALSE" if self.equal_rows == "each" else f"NOT ({zeros})"

    @property
    def _repeated(self) -> str:
        """The reason for which it is."""
        if self.equal_rows == "once":
            return f"'{DUPLICATE}'"
        is_kpi_only = "COALESCE(media_units, 0) = 0 AND COALESCE(spend, 0) = 0"
        return f"CASE WHEN {is_kpi_only} THEN '{EQUAL_KPI}' ELSE '{DUPLICATE}' END"

    def _refusal(self, reason: str, otherwise: str) -> str:
        """Columns `reason`, `column`, `value`, `row` of a refused row; `otherwise`: value without a column."""
        column, row = map(self.dialect.identifier, ("column", "row"))
        headers = " ".join(self._by_reason(reason, self.header_of))
        values = " ".join(self._by_reason(reason, lambda role: f"c{self.roles.positions[role]}"))
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

    def _by_reason(self, reason: str, value: Callable[[str], str]) -> list[str]:
        """CASE branches: by the role that a reason is about, something of that role's column."""
        return [f"WHEN ENDS_WITH({reason}, '_{role}') THEN {value(role)}" for role in self.judged_roles]


def _key(position: int) -> str:
    return f"key_{position:04d}"
