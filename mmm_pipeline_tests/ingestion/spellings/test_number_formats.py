"""How numbers in text are understood, with a decimal point and with a decimal comma."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_pipeline.ingestion.spellings.number_formats import (
    CLEAR_COMMA,
    CLEAR_POINT,
    EITHER,
    DecimalMark,
    number,
    plain_number,
    readings,
    spelling,
)
from mmm_pipeline.ingestion.spellings.parsing import trimmed
from mmm_pipeline.storage.warehouse.dialect import DUCKDB

SWAPPED = str.maketrans(".,", ",.")
NARROW = "\u202f"


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        yield opened


def read(connection: duckdb.DuckDBPyConnection, text: str, mark: DecimalMark) -> float | None:
    query = f"SELECT {number(DUCKDB, 'bare', mark)} FROM (SELECT {trimmed(DUCKDB, '$text')} AS bare)"
    [(value,)] = connection.execute(query, {"text": text}).fetchall()
    return value


def spelled(connection: duckdb.DuckDBPyConnection, text: str) -> int | None:
    query = f"SELECT {spelling(DUCKDB, 'cell')} FROM (SELECT $text AS cell)"
    [(kind,)] = connection.execute(query, {"text": text}).fetchall()
    return kind


WITH_POINT = [
    ("1234.5", 1234.5),
    (" 1234.5 ", 1234.5),
    ("1,234.50", 1234.5),
    ("12,345,678", 12345678.0),
    ("12,34,567.50", 1234567.5),
    ("1 234.50", 1234.5),
    ("1\u00a0234.50", 1234.5),
    (f"1{NARROW}234{NARROW}567.50", 1234567.5),
    ("1'234.50", 1234.5),
    ("1\u2019234\u2019567.50", 1234567.5),
    ("US$1,234.5", 1234.5),
    ("CHF 5.5", 5.5),
    ("5.5 CHF", 5.5),
    ("CHF 1'234.50", 1234.5),
    ("EUR-5.5", -5.5),
    (".5", 0.5),
    ("5.", 5.0),
    ("0.500", 0.5),
    ("1234.567", 1234.567),
    ("1.5E-3", 0.0015),
    ("1.234E+05", 123400.0),
    ("($1,234.50)", -1234.5),
    ("(1,234.50 €)", -1234.5),
    ("(0.00)", 0.0),
]

WITHOUT_MARK = [
    ("0", 0.0),
    ("007", 7.0),
    ("$ 1 234", 1234.0),
    ("1 234 567", 1234567.0),
    ("1'234", 1234.0),
    ("€ 12", 12.0),
    ("12 €", 12.0),
    ("12\u00a0€", 12.0),
    (f"12{NARROW}€", 12.0),
    ("CHF 5", 5.0),
    ("KRW 5", 5.0),
    ("5 KRW", 5.0),
    ("R$ 5", 5.0),
    ("1 000원", 1000.0),
    ("5 zł", 5.0),
    ("+5", 5.0),
    ("1e3", 1000.0),
    ("-3", -3.0),
    ("\u22123", -3.0),
    ("-$3", -3.0),
    ("$-3", -3.0),
    ("-CHF 3", -3.0),
    ("(3)", -3.0),
    ("$(3)", -3.0),
    ("-0", 0.0),
]


@pytest.mark.parametrize(("text", "expected"), [*WITH_POINT, *WITHOUT_MARK, ("$1,234", 1234.0), ("1.234", 1.234)])
def test_with_a_decimal_point_every_accepted_spelling_is_read(
    connection: duckdb.DuckDBPyConnection, text: str, expected: float
) -> None:
    value = read(connection, text, "point")

    assert value == expected
    assert str(value) == str(expected)


COMMAS = [(text.translate(SWAPPED), value) for text, value in WITH_POINT if "12,34,567" not in text]


@pytest.mark.parametrize(("text", "expected"), [*COMMAS, *WITHOUT_MARK, ("€ 1.234", 1234.0), ("1,234", 1.234)])
def test_with_a_decimal_comma_every_accepted_spelling_is_read(
    connection: duckdb.DuckDBPyConnection, text: str, expected: float
) -> None:
    value = read(connection, text, "comma")

    assert value == expected
    assert str(value) == str(expected)


NO_NUMBER = [
    "",
    "1,2345.5",
    "1,,000",
    "1  234",
    "1 23",
    "1 234'567",
    "1 234,56.7",
    "12abc",
    "abc",
    "$",
    "-",
    "--5",
    "-$-5",
    "(-5)",
    "(5",
    "5)",
    "5-",
    "$5€",
    "5%",
    "1_000",
    "0x1F",
    "1e",
    "1,234.5e3",
    "MAY 5",
    "Q4 5",
    "12.05.2021",
    "#N/A",
    "N/A",
    "NULL",
    "TRUE",
    "=1+1",
    "5; DROP TABLE source",
    "１２",
    "1\n2",
]


@pytest.mark.parametrize("mark", ["point", "comma"])
@pytest.mark.parametrize("text", NO_NUMBER)
def test_other_text_is_no_number(connection: duckdb.DuckDBPyConnection, text: str, mark: DecimalMark) -> None:
    assert read(connection, text, mark) is None
    assert spelled(connection, text) is None


@pytest.mark.parametrize("text", ["1,23", "1.234,50", "1.234.567", "0,500", "00,500", "1,2345", "1234,567", ",5"])
def test_a_decimal_comma_is_never_read_as_something_else(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert read(connection, text, "point") is None
    assert read(connection, text.translate(SWAPPED), "comma") is None


@pytest.mark.parametrize("text", ["NaN", "nan", "inf", "-inf", "Infinity", "+INF", "1e400", "-1e999", "9" * 400])
@pytest.mark.parametrize("mark", ["point", "comma"])
def test_infinite_and_undefined_numbers_are_read_as_such(
    connection: duckdb.DuckDBPyConnection, text: str, mark: DecimalMark
) -> None:
    value = read(connection, text, mark)

    assert isinstance(value, float)
    assert abs(value) == float("inf") or value != value


@pytest.mark.parametrize("text", [text for text, _ in WITH_POINT])
def test_a_cell_of_one_reading_is_clear(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert spelled(connection, text) == CLEAR_POINT
    if "12,34,567" not in text:
        assert spelled(connection, text.translate(SWAPPED)) == CLEAR_COMMA


@pytest.mark.parametrize("text", ["1.234", "1,234", "$43,690", " 1.250 ", "-1,000", "(999.999)", "5,000 CHF"])
def test_one_mark_before_three_digits_is_two_numbers(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    found = readings(text)

    assert spelled(connection, text) == EITHER
    assert found.point is not None
    assert found.comma is not None
    assert {round(abs(found.point / found.comma), 6)} <= {1000.0, 0.001}


@pytest.mark.parametrize("text", [text for text, _ in WITHOUT_MARK])
def test_a_cell_without_a_mark_says_nothing_of_it(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert spelled(connection, text) is None
    assert read(connection, text, "point") == read(connection, text, "comma")


pieces = st.sampled_from(
    [".", ",", "1", "0", "12", "123", "234", "000", "-", "$", "EUR ", " ", "'", "e5", "(", ")", "x"]
)


def all_of(connection: duckdb.DuckDBPyConnection, texts: list[str]) -> list[tuple[float | None, float | None, int]]:
    """Of each text, both readings and how it is spelled."""
    point, comma = (number(DUCKDB, "bare", mark) for mark in ("point", "comma"))
    query = f"""SELECT {point}, {comma}, {spelling(DUCKDB, "cell")} FROM (
        SELECT position, cell, {trimmed(DUCKDB, "cell")} AS bare
        FROM (SELECT unnest($texts) AS cell, generate_subscripts($texts, 1) AS position)) ORDER BY position"""
    return connection.execute(query, {"texts": texts}).fetchall()


@given(st.lists(st.lists(pieces, min_size=1, max_size=7).map("".join), min_size=50, max_size=50))
@settings(max_examples=8, deadline=None)
def test_the_spelling_says_which_readings_there_are(connection: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    for text, (point, comma, kind) in zip(texts, all_of(connection, texts), strict=True):
        expected = {
            (False, False): None,
            (True, False): CLEAR_POINT,
            (False, True): CLEAR_COMMA,
            (True, True): None if point == comma else EITHER,
        }[point is not None, comma is not None]
        assert (text, kind) == (text, expected)


amounts = st.decimals(min_value=Decimal("-1e12"), max_value=Decimal("1e12"), places=2)
groupings = st.sampled_from(["", ",", " ", "\u00a0", NARROW, "'", "\u2019"])
currencies = st.sampled_from(["{}", "${}", "€ {}", "{} €", f"{{}}{NARROW}€", "CHF {}", "{}\u00a0SEK", "{}원"])


def written(amount: Decimal, grouping: str, mark: DecimalMark, currency: str = "{}") -> str:
    """An amount as a program of that country writes it."""
    text = f"{abs(amount):,}".replace(",", "g").replace(".", "d")
    thousands = "." if grouping == "," and mark == "comma" else grouping
    text = text.replace("g", thousands).replace("d", "." if mark == "point" else ",")
    return ("-" if amount < 0 else "") + currency.format(text)


@given(
    st.lists(st.tuples(amounts, groupings, currencies), min_size=20, max_size=20), st.sampled_from(["point", "comma"])
)
@settings(max_examples=8, deadline=None)
def test_an_amount_survives_being_written(
    connection: duckdb.DuckDBPyConnection, parts: list[tuple[Decimal, str, str]], mark: DecimalMark
) -> None:
    texts = [written(amount, grouping, mark, currency) for amount, grouping, currency in parts]

    found = all_of(connection, texts)

    position, kind = (0, CLEAR_POINT) if mark == "point" else (1, CLEAR_COMMA)
    assert [row[position] for row in found] == [float(amount) for amount, _, _ in parts]
    assert {row[2] for row in found} == {kind}


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["point", "comma"]))
@settings(max_examples=40, deadline=None)
def test_a_float_survives_being_written(connection: duckdb.DuckDBPyConnection, value: float, mark: DecimalMark) -> None:
    text = repr(value) if mark == "point" else repr(value).replace(".", ",")

    assert read(connection, text, mark) == value


@given(st.floats(-1e9, 1e9).map(lambda value: float(f"{value:.6g}")))
@settings(max_examples=40, deadline=None)
def test_a_plain_number_has_one_reading(connection: duckdb.DuckDBPyConnection, value: float) -> None:
    text = plain_number(value)

    assert spelled(connection, text) in (None, CLEAR_POINT)
    assert read(connection, text, "point") == value
