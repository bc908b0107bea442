"""Names that look the same are the same, in the data and in the settings, by the same rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.ingestion.spellings.parsing import name
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline.settings.plain_names import plain_name, spelled_alike
from mmm_pipeline.storage.warehouse.dialect import DUCKDB

DECOMPOSED = "Cafe\u0301"
COMPOSED = "Caf\u00e9"
ODD = "aA bÉé\u0301_-한\u1112\u1161\u11ab\u00a0\u3000\u2009\t\n\u200b\u00ad\u202e\ufeffＡｂ－ｶﾞ🚀'\"\\"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Brand Search", "Brand Search"),
        ("Brand\u00a0Search", "Brand Search"),
        ("  Brand \u3000\t Search\n", "Brand Search"),
        (DECOMPOSED, COMPOSED),
        ("Ｂｒａｎｄ　１", "Brand 1"),
        ("ｶﾞｽ", "ガス"),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", "한글"),
        ("Br\u200band\u2060\ufeff", "Brand"),
        ("a\u202eb", "ab"),
        ("Brand_Search", "Brand_Search"),
        ("brand", "brand"),
        ("10²", "10²"),
        ("\u00a0\u200b", ""),
    ],
)
def test_only_unicode_form_width_and_blanks_are_undone(text: str, expected: str) -> None:
    assert plain_name(text) == expected


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        yield opened


@given(text=st.one_of(st.text(st.sampled_from(ODD), max_size=20), st.text(max_size=20)))
@hypothesis_settings(max_examples=300, deadline=None)
def test_sql_and_python_read_a_name_alike(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    text = text.replace("\0", "")
    [(found,)] = connection.execute(f"SELECT {name(DUCKDB, '$text')}", {"text": text}).fetchall()

    assert (found or "") == plain_name(text)


@given(st.text(st.sampled_from(ODD), max_size=20))
def test_a_plain_name_stays_as_it_is(text: str) -> None:
    assert plain_name(plain_name(text)) == plain_name(text)


def test_names_in_every_setting_are_plain() -> None:
    odd = "Ｃafe\u0301\u00a01"
    chosen = parse_settings(
        {
            "channels": {"exclude": [odd]},
            "controls": {"signs": {odd: "positive"}},
            "events": {"calendar": [{"event": odd, "dates": ["2025-01-01"]}]},
            "priors": {
                "roi": {odd: {"mean": 1, "sd": 1}},
                "lift_tests": [{"channel": odd, "spend": 1, "incremental_kpi": 1, "standard_error": 1}],
            },
            "budget": {
                "bounds": {odd: [0, 1]},
                "locked": [odd],
                "groups": {odd: {"channels": [odd], "total": 1}},
            },
        }
    )

    plain = "Caf\u00e9 1"
    found: list[Any] = [
        *chosen.channels.exclude,
        *chosen.controls.signs,
        *(event.event for event in chosen.events.calendar),
        *chosen.priors.roi,
        *(test.channel for test in chosen.priors.lift_tests),
        *chosen.budget.bounds,
        *chosen.budget.locked,
        *chosen.budget.groups,
        *chosen.budget.groups[plain].channels,
    ]
    assert found == [plain] * 9
    assert list(parse_settings({"budget": {"amounts": {odd: [0, 1]}}}).budget.amounts) == [plain]


def test_two_keys_that_are_one_name_are_refused() -> None:
    with pytest.raises(SettingsError, match="which are the same name: give one of them"):
        parse_settings({"budget": {"bounds": {COMPOSED: [0, 1], DECOMPOSED: [1, 2]}}})


def test_a_blank_name_is_refused() -> None:
    with pytest.raises(SettingsError, match="a name is blank"):
        parse_settings({"budget": {"locked": ["\u00a0"]}})


def test_names_that_differ_in_case_or_punctuation_are_named_together() -> None:
    [warning] = spelled_alike(["b", "A b", "a_B", "A-b", "C"], "channels")

    assert warning.startswith("channels 'A b', 'A-b', 'a_B' differ in case, blanks or punctuation only")


def test_many_groups_of_names_are_counted() -> None:
    warnings = spelled_alike([f"{letter}{end}" for letter in "abcdefg" for end in ("x", "X")], "markets")

    assert len(warnings) == 5
    assert warnings[-1].endswith("so do 2 more groups of markets")


def test_names_of_punctuation_only_are_no_group() -> None:
    assert spelled_alike(["-", "_", "/"], "channels") == ()
