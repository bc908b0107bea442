"""How names and missing values in text are understood."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from mmm_pipeline.ingestion.spellings.parsing import name, without_missing
from mmm_pipeline.storage.warehouse.dialect import DUCKDB


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        yield opened


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Brand 1", "Brand 1"),
        ("  Brand 1\t", "Brand 1"),
        ("\u3000\u00a0Brand 1\u200b\r\n", "Brand 1"),
        ("a  b", "a b"),
        ("Straße 🚀", "Straße 🚀"),
        ("\u1112\u1161\u11ab", "한"),
        ('"; DROP TABLE x; --', '"; DROP TABLE x; --'),
        ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
        ("line\nbreak", "line break"),
        ("\u200b \u00a0", None),
        ("", None),
        (None, None),
    ],
)
def test_a_name_is_trimmed_and_composed_and_else_kept(
    connection: duckdb.DuckDBPyConnection, text: str | None, expected: str | None
) -> None:
    [(value,)] = connection.execute(f"SELECT {name(DUCKDB, '$text')}", {"text": text}).fetchall()

    assert value == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((word, "") for word in ("na", "N/A", "#N/A", "NaN", "null", "None", "-", "--", "–", "(not set)", "")),
        *((word, word) for word in ("0", "-1", "nan1", "Nancy", "n", "no", ".", "- 5")),
    ],
)
def test_words_for_a_missing_value_are_blank(connection: duckdb.DuckDBPyConnection, text: str, expected: str) -> None:
    [(value,)] = connection.execute(f"SELECT {without_missing(DUCKDB, '$text')}", {"text": text}).fetchall()

    assert value == expected
