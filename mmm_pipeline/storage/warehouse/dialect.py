"""What SQL warehouses spell differently, so that every query is written once.

The text of a query is the same everywhere; a `Dialect` fills in the few expressions that have no common spelling.
Regular expressions are RE2 in DuckDB and in BigQuery.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["BIGQUERY", "DUCKDB", "Dialect"]


@dataclass(frozen=True)
class Dialect:
    """Spellings; `{}` stands for the operands, SQL expressions each.

    Attributes:
        quote: mark around identifiers.
        parameter: a named parameter.
        types: portable type name (`text`, `integer`, `number`, `date`) -> the warehouse's.
        pattern: a regular expression as a literal.
        matches: (text, pattern) -> whether the pattern is found.
        replaced: (text, pattern) -> text without all that matches.
        blanked: (text, pattern as a literal) -> text with a blank for each match.
        extracted: (text, pattern without capturing groups) -> first match, or NULL.
        parsed_date: (text, strptime format) -> date, NULL where it does not parse.
        plus_days: (date, whole number) -> date.
        days_between: (first, last) -> days from one date to the other.
        parsed_float: (text that is a number) -> double; infinite where it is too large.
        parsed_integer: (text) -> whole number, NULL where it is none.
        is_finite: (double) -> neither infinite nor NaN.
        composed: (text) -> Unicode NFC.
        fingerprint: (columns) -> hash of a row, a whole number.
        json_text: (text) -> a JSON string, or `null`.
        exact_sum: (double) -> sum that does not depend on the order of the rows, but for the last bit at most.
    """

    quote: str
    parameter: str
    types: Mapping[str, str]
    pattern: str
    matches: str
    replaced: str
    blanked: str
    extracted: str
    parsed_date: str
    plus_days: str
    days_between: str
    parsed_float: str
    parsed_integer: str
    is_finite: str
    composed: str
    fingerprint: str
    json_text: str
    exact_sum: str

    def identifier(self, *parts: str) -> str:
        """A dotted, quoted name.

        Raises:
            ValueError: a part holds a character that quoting could not contain.
        """
        for part in parts:
            if not part or not part.isprintable() or any(sign in part for sign in '"`\\'):
                raise ValueError(f"{part!r} cannot be quoted as an identifier")
        return ".".join(f"{self.quote}{part}{self.quote}" for part in parts)

    def null(self, kind: str) -> str:
        """NULL of a portable type."""
        return f"CAST(NULL AS {self.types[kind]})"

    def match(self, text: str, pattern: str) -> str:
        return self.matches.format(text, self.pattern.format(pattern))

    def without(self, text: str, pattern: str) -> str:
        return self.replaced.format(text, self.pattern.format(pattern))

    def extract(self, text: str, pattern: str) -> str:
        return self.extracted.format(text, self.pattern.format(pattern))

    def hashed(self, columns: Sequence[str]) -> str:
        return self.fingerprint.format(", ".join(columns))


DUCKDB = Dialect(
    quote='"',
    parameter="${}",
    types={"text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "date": "DATE"},
    pattern="'{}'",
    matches="regexp_matches({}, {})",
    replaced="regexp_replace({}, {}, '', 'g')",
    blanked="regexp_replace({}, {}, ' ', 'g')",
    extracted="nullif(regexp_extract({}, {}), '')",
    parsed_date="CAST(try_strptime({}, '{}') AS DATE)",
    plus_days="({} + CAST({} AS INTEGER))",
    days_between="({1} - {0})",
    parsed_float="TRY_CAST({} AS DOUBLE)",
    parsed_integer="TRY_CAST({} AS BIGINT)",
    is_finite="isfinite({})",
    composed="nfc_normalize({})",
    fingerprint="hash({})",
    json_text="COALESCE(CAST(to_json({}) AS VARCHAR), 'null')",
    exact_sum="fsum({})",
)

BIGQUERY = Dialect(
    quote="`",
    parameter="@{}",
    types={"text": "STRING", "integer": "INT64", "number": "FLOAT64", "date": "DATE"},
    pattern="r'{}'",
    matches="REGEXP_CONTAINS({}, {})",
    replaced="REGEXP_REPLACE({}, {}, '')",
    blanked="REGEXP_REPLACE({}, {}, ' ')",
    extracted="REGEXP_EXTRACT({}, {})",
    parsed_date="SAFE.PARSE_DATE('{1}', {0})",
    plus_days="DATE_ADD({}, INTERVAL {} DAY)",
    days_between="DATE_DIFF({1}, {0}, DAY)",
    # A number too large may be infinite or refused by the cast; here it is infinite.
    parsed_float="COALESCE(SAFE_CAST({} AS FLOAT64), CAST('inf' AS FLOAT64))",
    parsed_integer="SAFE_CAST({} AS INT64)",
    is_finite="NOT (IS_INF({0}) OR IS_NAN({0}))",
    composed="NORMALIZE({}, NFC)",
    fingerprint="FARM_FINGERPRINT(TO_JSON_STRING(STRUCT({})))",
    json_text="COALESCE(TO_JSON_STRING({}), 'null')",
    # Doubles add up in another order each time; decimals do not care. What no decimal holds is added as doubles.
    exact_sum=(
        "(CAST(SUM(CAST(IF(ABS({0}) < 1e30, {0}, 0) AS BIGNUMERIC)) AS FLOAT64) + SUM(IF(ABS({0}) < 1e30, 0, {0})))"
    ),
)
