"""Numbers on the command line."""

from __future__ import annotations

import pytest

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.operations.amounts import amount, amount_if_given


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3500", 3500.0),
        ("3500.5", 3500.5),
        ("3500,50", 3500.5),
        ("3,500.50", 3500.5),
        ("3.500,50", 3500.5),
        ("3 500,50", 3500.5),
        ("1'234'567.5", 1234567.5),
        ("1,234,567", 1234567.0),
        ("1.234.567", 1234567.0),
        ("3\u202f500,50\u00a0€", 3500.5),
        ("KRW 5", 5.0),
        ("0.125", 0.125),
        ("-2", -2.0),
    ],
)
def test_an_amount_of_one_reading_is_read(text: str, expected: float) -> None:
    assert amount(text, "--budget") == expected


@pytest.mark.parametrize(("text", "readings"), [("3,500", "as 3500 or as 3.5"), ("$1.125", "as 1125 or as 1.1250")])
def test_an_amount_of_two_readings_is_refused_with_both(text: str, readings: str) -> None:
    with pytest.raises(SettingsError) as failure:
        amount(text, "--budget")

    assert f"--budget {text!r} can be read in two ways: {readings}" in str(failure.value)


@pytest.mark.parametrize("text", ["", "lots", "nan", "inf", "1e999", "5%", "1,23.4"])
def test_other_text_is_no_amount(text: str) -> None:
    assert amount(text, "--budget") is None


def test_an_option_that_is_left_out_has_no_amount() -> None:
    assert amount_if_given(" ", "--target-kpi") is None
    with pytest.raises(SettingsError, match="--target-kpi 'x' is not a number"):
        amount_if_given("x", "--target-kpi")
