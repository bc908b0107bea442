"""How dates and names in text are understood."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_pipeline.ingestion.spellings.parsing import day, name, trimmed
from mmm_pipeline.storage.warehouse.dialect import DUCKDB, Dialect


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        yield opened


def value_of(
    connection: duckdb.DuckDBPyConnection, expression: Callable[[Dialect, str], str], text: str | None
) -> object:
    cleaned = f"(SELECT {trimmed(DUCKDB, '$text')} AS cleaned)"
    query = f"SELECT {expression(DUCKDB, 'cleaned')} FROM {cleaned}"
    [(value,)] = connection.execute(query, {"text": text}).fetchall()
    return value


@pytest.mark.parametrize(
    "text",
    [
        "Nov 08, 2021",
        "Nov 8, 2021",
        "nov 08, 2021",
        "November 8, 2021",
        "11/08/2021",
        "11/8/2021",
        "11/08/2021 0:00:00",
        "11/8/2021 0:00",
        "11/8/2021 12:00:00 AM",
        "2021-11-08",
        "2021-11-8",
        "2021/11/08",
        "2021-11-08 00:00:00",
        "2021-11-08T00:00:00",
        "2021-11-08T23:59:59.123456",
        "2021-11-08T00:00:00Z",
        "2021-11-08 00:00:00+00",
        "2021-11-08T23:30:00+09:00",
        "  2021-11-08\u00a0",
        "\ufeff2021-11-08",
    ],
)
def test_a_day_is_read_in_every_accepted_spelling(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert value_of(connection, day, text) == dt.date(2021, 11, 8)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "17/10/2021",
        "02/30/2021",
        "Feb 30, 2021",
        "2021-13-01",
        "2021-00-10",
        "10/17/21",
        "21-10-17",
        "20211017",
        "44486",
        "2021-10",
        "2021-10-17 24:00:00",
        "2021-10-17 12:61",
        "2021-10-17x",
        "x2021-10-17",
        "2021-10-17 2021-10-18",
        "Okt 17, 2021",
        "Nov 08 2021",
        "8 Nov 2021",
        "today",
        "2021-10-17; DROP TABLE source",
        "٢٠٢١-١٠-١٧",
        "NULL",
        "infinity",
        "epoch",
    ],
)
def test_other_text_is_no_day(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert value_of(connection, day, text) is None


@given(st.dates(dt.date(1000, 1, 1), dt.date(9999, 12, 31)), st.sampled_from(["%Y-%m-%d", "%m/%d/%Y", "%B %d, %Y"]))
@settings(max_examples=50, deadline=None)
def test_a_day_survives_being_written(connection: duckdb.DuckDBPyConnection, date: dt.date, spelling: str) -> None:
    assert value_of(connection, day, date.strftime(spelling)) == date


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
