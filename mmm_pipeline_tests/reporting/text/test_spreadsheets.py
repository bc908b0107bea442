"""CSV files open in a spreadsheet without running anything, and come back unchanged otherwise."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm_pipeline.reporting.text.spreadsheets import escape_formula, write_csv


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "\u00a0=1",
        "\u200b=1",
        "\ufeff@x",
        "＝1+1",
        "＋1",
        "－1",
        "＠x",
        "\u22121",
        "\ttext",
        "=cmd|'/c calc'!A1",
    ],
)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert escape_formula(text) == "'" + text


@pytest.mark.parametrize("text", ["", " ", "Brand 1", "a=b", "5-3", "여름 세일", "'quoted", "(=1)"])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert escape_formula(text) == text


@given(st.text())
def test_no_text_starts_like_a_formula_after_escaping(text: str) -> None:
    visible = escape_formula(text).lstrip()
    assert visible[:1] not in tuple("=+-@＝＋－＠")


def test_numbers_dates_and_booleans_are_untouched(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "change": [-1.5, np.nan],
            "rank": pd.array([1, None], dtype="Int64"),
            "date": pd.to_datetime(["2021-10-17", "2022-01-11"]),
            "flag": [True, False],
        }
    )
    lines = write_csv(frame, tmp_path / "t.csv").read_text(encoding="utf-8-sig").split("\n")
    assert lines[1].strip() == "-1.5,1,2021-10-17,True"
    assert lines[2].strip() == ",,2022-01-11,False"


def test_text_cells_headers_and_categories_are_escaped_and_missing_ones_stay_empty(tmp_path: Path) -> None:
    frame = pd.DataFrame({"=evil": ["=1", None], "kind": pd.Categorical(["-x", "y"])})
    written = write_csv(frame, tmp_path / "t.csv").read_text(encoding="utf-8-sig")
    assert list(csv.reader(io.StringIO(written))) == [["'=evil", "kind"], ["'=1", "'-x"], ["", "y"]]


def test_excel_recognises_the_encoding_and_korean_survives(tmp_path: Path) -> None:
    path = write_csv(pd.DataFrame({"채널": ["여름 세일", 'a"b,c\nd']}), tmp_path / "t.csv")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    pd.testing.assert_frame_equal(
        pd.read_csv(path, encoding="utf-8-sig"), pd.DataFrame({"채널": ["여름 세일", 'a"b,c\nd']})
    )


def test_the_frame_itself_is_not_changed(tmp_path: Path) -> None:
    frame = pd.DataFrame({"name": ["=1"]})
    write_csv(frame, tmp_path / "t.csv")
    assert frame["name"].tolist() == ["=1"]


def test_lone_surrogates_do_not_stop_the_export(tmp_path: Path) -> None:
    path = write_csv(pd.DataFrame({"name": ["a\ud800b"]}), tmp_path / "t.csv")
    assert "a?b" in path.read_text(encoding="utf-8-sig")
