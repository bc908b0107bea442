"""Numbers and dates in running text: what is read as a figure, and how far it may be rounded."""

from __future__ import annotations

import datetime as dt

import pytest

from mmm_pipeline.reporting.grounding.numerals import numerals
from mmm_pipeline.reporting.results.tables import Language
from mmm_pipeline.reporting.text.formatting import Formatter


def _values(text: str) -> list[float]:
    return [numeral.value for numeral in numerals(text)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("ROI 2.34 (1.1 to 3.5)", [2.34, 1.1, 3.5]),
        ("USD 1,234 and −USD 12.50", [1234, 12.5]),
        ("1.2M, 340k, 5 billion, 2 thousand", [1.2e6, 3.4e5, 5e9, 2e3]),
        ("1억 2,345만 원, 12.3만, 3조", [123_450_000, 123_000, 3e12]),
        ("34%, 5 percent, 7 percentage points, 12%p, 3퍼센트", [34, 5, 7, 12, 3]),
        ("3-5 days, a 28-day plan", [3, 5, 28]),
        ("twelve channels, half of them, twice", [12, 0.5, 2]),
        ("두 배, 세 개 채널, 절반이", [2, 3, 0.5]),
        ("1. first\n- 2) second", []),
        ("R-hat, ROI, one of them", []),
        ("２８일 １，２３４", [28, 1234]),
    ],
)
def test_numbers_are_read_in_full(text: str, values: list[float]) -> None:
    import unicodedata

    assert _values(unicodedata.normalize("NFKC", text)) == pytest.approx(values)


@pytest.mark.parametrize(
    "text",
    [
        "17 Oct 2021",
        "October 17, 2021",
        "Oct. 17th, 2021",
        "2021-10-17",
        "2021년 10월 17일",
        "2021. 10월 17일",
        "2021/10/17",
    ],
)
def test_a_date_is_one_figure_in_every_spelling(text: str) -> None:
    [date] = [numeral for numeral in numerals(text) if numeral.kind == "date"]
    assert date.is_day(dt.date(2021, 10, 17))
    assert not date.is_day(dt.date(2021, 10, 18))


def test_a_month_or_a_day_without_its_year_matches_what_is_written() -> None:
    month, day = numerals("In Oct 2021; on 10월 17일")
    assert month.is_day(dt.date(2021, 10, 3))
    assert not month.is_day(dt.date(2022, 10, 3))
    assert day.is_day(dt.date(2019, 10, 17))


def test_an_impossible_date_matches_no_day() -> None:
    [date] = numerals("2021-13-45")
    assert not any(date.is_day(dt.date(2021, month, 1)) for month in range(1, 13))


@pytest.mark.parametrize(
    ("text", "exact", "near"),
    [
        ("2.3", 2.349, True),
        ("2.3", 2.36, False),
        ("1,230", 1234.4, True),  # three digits were kept
        ("1,234", 1236.0, False),
        ("12,000", 12_040.0, True),
        ("12,000", 12_600.0, False),
        ("1.2M", 1_249_000, True),
        ("1.2M", 1_260_000, False),
        ("12.3만", 123_400, True),
        ("12.3만", 124_000, False),
        ("1억 2,345만", 123_454_000, True),
        ("−5%", -5.2, True),
        ("−5%", 5.2, False),
        ("+5%", -5.2, False),
        ("5%", -5.2, True),
        ("<0.1%", 0.04, True),
        ("<0.1%", 0.4, False),
        (">99%", 99.6, True),
        (">99%", 98.0, False),
    ],
)
def test_what_rounds_to_the_written_figure_is_near_it(text: str, exact: float, near: bool) -> None:
    [numeral] = numerals(text)
    assert numeral.is_near(exact) is near


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("value", [0.0421, 1.2345, 45.678, 999.6, 1234.5, 98_765.4, 1_234_567.8, 3.4567e9])
def test_everything_that_the_formatter_writes_is_near_what_it_was_given(language: Language, value: float) -> None:
    write = Formatter(language)
    forms = [write.number(value), write.figure(value), write.compact(value), write.money(value), write.change(-value)]
    assert all(numerals(form)[0].is_near(-value if form.startswith("\u2212") else value) for form in forms)
    assert numerals(write.percent(value / 100, 1))[0].is_near(value)
    [date] = numerals(write.date("2021-10-17"))
    assert date.is_day(dt.date(2021, 10, 17))
