"""How dates, weeks and months in text are understood, and what a column decides for its cells."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.spellings.date_columns import DateColumn, OrderSetting, date_column
from mmm_pipeline.ingestion.spellings.dates import DateReading, day
from mmm_pipeline.ingestion.spellings.parsing import trimmed
from mmm_pipeline.ingestion.spellings.text_columns import TextColumns
from mmm_pipeline.settings.sources import DateOrderSetting
from mmm_pipeline.storage.warehouse.dialect import DUCKDB

NOVEMBER_8 = dt.date(2021, 11, 8)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        yield opened


def read(connection: duckdb.DuckDBPyConnection, text: str, reading: DateReading | None = None) -> object:
    query = f"SELECT {day(DUCKDB, 'bare', reading)} FROM (SELECT {trimmed(DUCKDB, '$text')} AS bare)"
    [(value,)] = connection.execute(query, {"text": text}).fetchall()
    return value


@pytest.mark.parametrize(
    "text",
    [
        "Nov 08, 2021",
        "Nov 8, 2021",
        "nov 08, 2021",
        "Nov 08 2021",
        "Nov. 8, 2021",
        "November 8, 2021",
        "8 Nov 2021",
        "8. November 2021",
        "08-Nov-2021",
        "11/08/2021",
        "11/8/2021",
        "11-8-2021",
        "11/08/2021 0:00:00",
        "11/8/2021 12:00:00 AM",
        "2021-11-08",
        "2021-11-8",
        "2021/11/08",
        "2021. 11. 8.",
        "2021.11.08",
        "2021년 11월 8일",
        "20211108",
        "20211108.0",
        "2021-11-08T23:59:59.123456",
        "2021-11-08T00:00:00Z",
        "2021-11-08 00:00:00+00",
        "2021-11-08T23:30:00+09:00",
        "  2021-11-08\u00a0",
        "\ufeff2021-11-08",
        "2021-W45",
        "2021W45",
        "KW 45 2021",
        "W45/2021",
        "2021-11-08 - 2021-11-14",
        "2021-11-08~2021-11-14",
        "Nov 8, 2021 – Nov 14, 2021",
        "11/08/2021 to 11/14/2021",
        "2021-11-08 - 2021-11-08",
    ],
)
def test_a_day_or_week_is_read_in_every_accepted_spelling(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert read(connection, text) == NOVEMBER_8


@pytest.mark.parametrize(
    "text",
    [
        "2021-11",
        "2021/11",
        "2021년 11월",
        "11/2021",
        "Nov 2021",
        "November 2021",
        "Nov-2021",
        "2021-11-01 - 2021-11-30",
    ],
)
def test_a_month_is_its_first_day(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert read(connection, text) == dt.date(2021, 11, 1)


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
        "20211317",
        "44486",
        "202110",
        "2021-W53",
        "2021-W00",
        "2021-10-17 24:00:00",
        "2021-10-17x",
        "x2021-10-17",
        "2021-10-17 2021-10-18",
        "2021-10-17 - 2021-10-20",
        "2021-10-24 - 2021-10-18",
        "2021-10-02 - 2021-10-31",
        "Okt 17, 2021",
        "Maybe 2021",
        "today",
        "2021-10-17; DROP TABLE source",
        "٢٠٢١-١٠-١٧",
        "infinity",
    ],
)
def test_other_text_is_no_date(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert read(connection, text) is None


@given(st.dates(dt.date(1000, 1, 1), dt.date(9999, 12, 31)), st.sampled_from(["%Y-%m-%d", "%m/%d/%Y", "%B %d, %Y"]))
@settings(max_examples=50, deadline=None)
def test_a_day_survives_being_written(connection: duckdb.DuckDBPyConnection, date: dt.date, spelling: str) -> None:
    assert read(connection, date.strftime(spelling)) == date


@given(st.dates(dt.date(1990, 1, 1), dt.date(2100, 12, 31)))
@settings(max_examples=50, deadline=None)
def test_an_iso_week_is_its_monday(connection: duckdb.DuckDBPyConnection, date: dt.date) -> None:
    year, week, weekday = date.isocalendar()

    assert read(connection, f"{year}-W{week:02}") == date - dt.timedelta(days=weekday - 1)


def decided(cells: list[str], setting: DateOrderSetting = "auto") -> DateColumn:
    with duckdb.connect(":memory:") as opened:
        opened.execute("CREATE TABLE source (line_number BIGINT, c0 VARCHAR)")
        opened.executemany("INSERT INTO source VALUES (?, ?)", list(enumerate(cells, 2)))
        texts = TextColumns(lambda sql: opened.execute(sql).fetchall(), DUCKDB, "source", ["Day"], "rows.csv", "source")
        return date_column(texts, 0, OrderSetting(setting, "source.date_order"))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["01/02/2024", "13/02/2024"], DateReading("day_first")),
        (["1/2/2024 - 7/2/2024", "8/2/2024 - 14/2/2024"], DateReading("day_first")),
        (["01/02/2024", "02/13/2024"], DateReading("month_first")),
        (["01.02.2024", "02.02.2024"], DateReading("day_first")),
        (["2024-01-02", "05/05/2024", "nonsense"], DateReading("month_first")),
        (["45292", "45293"], DateReading(serials=True)),
        (["45292", "2024-01-02"], DateReading()),
        (["202401", "202352"], DateReading(sixes="week")),
        (["202401", "202312"], DateReading(sixes="month")),
    ],
)
def test_a_column_decides_for_its_cells(cells: list[str], expected: DateReading) -> None:
    assert decided(cells).reading == expected


def test_what_was_decided_is_said() -> None:
    assert decided(["01/02/2024", "13/02/2024"]).notes == (
        "'Day': read with the day first, because '13/02/2024' can be read so only",
    )
    [note] = decided(["45292", "45293"]).notes
    assert note.endswith("'45292' is 2024-01-01")
    [note] = decided(["2024-W05"]).notes
    assert note.endswith("'2024-W05' begins on 2024-01-29")
    assert decided(["02/13/2024"]).notes == ()


def test_both_readings_of_an_ambiguous_column_are_shown() -> None:
    with pytest.raises(CampaignDataError) as error:
        decided(["03/04/2024", "04/04/2024", "05/04/2024"])

    message = str(error.value)
    assert "'03/04/2024' (line 2)" in message
    assert (
        "source.date_order: day_first): 3 April 2024; the column has 3 date(s) from 2024-04-03 to 2024-04-05" in message
    )
    assert (
        "source.date_order: month_first): 4 March 2024; the column has 3 date(s) from 2024-03-04 to 2024-05-04"
        in message
    )


def test_a_setting_decides_an_ambiguous_column() -> None:
    assert decided(["03/04/2024"], "day_first").reading == DateReading("day_first")
    assert decided(["13/04/2024", "04/13/2024"], "month_first").reading == DateReading("month_first")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["13/04/2024", "04/14/2024"], ["both orders", "'13/04/2024' (line 2)", "'04/14/2024' (line 3)"]),
        (["2024-03-01", "2024-04"], ["mixes days", "'2024-03-01' (line 2)", "months ('2024-04' (line 3))"]),
        (["2024-W05", "2024-02-05"], ["mixes", "weeks ('2024-W05' (line 2))"]),
        (["202403", "202404"], ["two ways", "2024-03-01", "2024-01-15", "2024-W03"]),
    ],
)
def test_a_column_that_contradicts_itself_is_refused(cells: list[str], words: list[str]) -> None:
    with pytest.raises(CampaignDataError) as error:
        decided(cells)

    assert all(word in str(error.value) for word in words), str(error.value)
