"""Numbers read as a reader of the language writes them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm_pipeline.reporting.text.formatting import MISSING, Formatter

EN, KO = Formatter("en"), Formatter("ko", "₩")


@pytest.mark.parametrize(
    ("value", "english", "korean"),
    [
        (0, "0", "0"),
        (7.5, "7.5", "7.5"),
        (999.4, "999", "999"),
        (1234, "1.2k", "1,234"),
        (9_999.9, "10k", "1만"),
        (34_500, "34.5k", "3.5만"),
        (1_234_567, "1.2M", "123만"),
        (250_000_000, "250M", "2.5억"),
        (-34_500, "−34.5k", "−3.5만"),
        (3e12, "3T", "3조"),
    ],
)
def test_large_numbers_are_shortened_by_thousands_or_by_man(value: float, english: str, korean: str) -> None:
    assert (EN.compact(value), KO.compact(value)) == (english, korean)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.04237, "0.0424"),
        (1.234, "1.23"),
        (45.61, "45.6"),
        (1234.4, "1,230"),
        (-0.5, "−0.500"),
        (0.0000123, "0.0000123"),
        (0.000001118, "0.00000112"),
    ],
)
def test_ratios_have_three_significant_digits(value: float, text: str) -> None:
    assert EN.figure(value) == text


def test_codes_are_spaced_from_amounts_and_symbols_are_not() -> None:
    assert EN.money(1234.4) == "USD 1,234"
    assert KO.money(-12.5) == "−₩12.50"
    assert EN.change(99.5) == "+USD 99.50"
    assert Formatter("en", "<b>").money(1000) == "<b>1,000"


@pytest.mark.parametrize(
    ("amount", "text"), [(0.5, "USD 0.50"), (0.0424, "USD 0.0424"), (0.0000531, "USD 0.0000531"), (0, "USD 0")]
)
def test_small_amounts_never_vanish(amount: float, text: str) -> None:
    assert EN.money(amount) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.34, "34%"), (0.0424, "4.2%"), (0, "0%"), (0.0003, "<0.1%"), (-0.2, "−20%"), (1.5, "150%")]
)
def test_shares_are_percentages_and_small_ones_never_vanish(share: float, text: str) -> None:
    assert EN.percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, ">99%"), (0.0, "<1%"), (0.03, "3.0%"), (0.956, "96%"), (None, MISSING)]
)
def test_a_probability_never_claims_certainty(value: float | None, text: str) -> None:
    assert EN.probability(value) == text


def test_dates_follow_the_language() -> None:
    day = dt.date(2021, 10, 7)
    assert (EN.date(day), KO.date(pd.Timestamp(day))) == ("7 Oct 2021", "2021년 10월 7일")
    assert (EN.short_date(np.datetime64("2021-10-07")), KO.short_date("2021-10-07")) == ("7 Oct", "10.7")


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf"), pd.NA, pd.NaT, ""])
def test_what_is_missing_is_a_dash(missing: object) -> None:
    shown = [EN.number(missing), EN.figure(missing), EN.compact(missing), EN.money(missing), EN.percent(missing)]
    assert shown == [MISSING] * 5
    assert EN.span(EN.money(missing), "1") == MISSING


def test_lists_are_counted_beyond_their_limit() -> None:
    assert EN.names(["a", "b", "c"]) == "a, b and c"
    assert EN.names(["a", "b", "c", "d"], 2) == "a, b and others (4 in all)"
    assert KO.names(["a", "b", "c", "d"], 2) == "a, b 등 4개"
    assert (EN.names([*"abcd"], 2, counted=False), KO.names([*"abcd"], 2, counted=False)) == (
        "a, b and others",
        "a, b 등",
    )


def test_a_list_that_is_one_too_long_is_shown_whole() -> None:
    assert EN.names(["a", "b", "c"], 2) == "a, b and c"
    assert KO.names(["a", "b", "c"], 2) == "a, b, c"


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_no_number_reads_as_minus_zero_or_in_exponents(value: float) -> None:
    for text in (EN.number(value), EN.percent(value), EN.compact(value), EN.tick(value), KO.compact(value)):
        assert "e" not in text
        assert not (text.startswith("−") and not any(digit in text for digit in "123456789"))
