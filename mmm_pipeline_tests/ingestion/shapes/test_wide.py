"""Wide tables, with columns per channel: what is read of them, and what is refused with the candidates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from mmm_pipeline.errors import CampaignDataError, SettingsError
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline_tests.ingestion.conftest import Load, rows

HEADER = "day,tv_S,search_S,search_clicks,newsletter,sales"
WIDE = {"tv": {"spend": "tv_S"}, "search": {"spend": "search_S", "media": "search_clicks"}}
COLUMNS = {"date": "day", "kpi": "sales", "wide": {**WIDE, "letters": {"media": "newsletter"}}}
KEPT = ["line_number", "channel", "kind", "media_units", "spend"]


def test_every_channel_of_a_line_is_a_row_of_its_kind(load: Load) -> None:
    loaded = load(rows("2025-01-01,7.5,2,30,4,100", header=HEADER), columns=COLUMNS)

    assert sorted(loaded.accepted[KEPT].to_numpy().tolist()) == [
        [2, "letters", "organic", 4.0, 0.0],
        [2, "search", "paid", 30.0, 2.0],
        [2, "tv", "spend_only", 7.5, 7.5],
    ]
    assert loaded.summary.kpi is not None
    assert loaded.summary.kpi.accepted == 1


def test_a_blank_cell_is_a_day_without_the_channel(load: Load) -> None:
    loaded = load(rows("2025-01-01,,2,30,,100", "2025-01-02,1,,,1,100", header=HEADER), columns=COLUMNS)

    found = sorted(loaded.accepted[["line_number", "channel"]].to_numpy().tolist())
    assert found == [[2, "search"], [3, "letters"], [3, "tv"]]
    assert loaded.summary.rejected == 0


def test_a_refused_cell_is_named_by_its_line_and_header(load: Load) -> None:
    lines = ["2025-01-01,1,2,30,1,100", "2025-01-02,-3,2,,1,100", "never,1,1,1,1,1"]
    loaded = load(rows(*lines, header=HEADER), columns=COLUMNS)

    of_cells = loaded.rejected[["table_name", "line_number", "reason", "column", "value"]].to_numpy().tolist()
    assert ["media", 3, "negative_spend", "tv_S", "-3"] in of_cells
    assert ["media", 3, "missing_media", "search_clicks", None] in of_cells
    assert ["kpi", 4, "unparseable_date", "day", "never"] in of_cells
    assert len(of_cells) == 6  # the date of line 4 takes every channel with it


def test_channels_are_found_by_the_headers(load: Load) -> None:
    header = "day,Channel0_spend,Channel0_views,Organic_views,sales"
    columns = {"date": "day", "kpi": "sales", "patterns": {"spend": "*_spend", "media": "*_views"}}
    loaded = load(rows("2025-01-01,1,2,3,100", header=header), columns=columns)

    found = sorted(loaded.accepted[["channel", "kind"]].to_numpy().tolist())
    assert found == [["Channel0", "paid"], ["Organic", "organic"]]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (
            {"patterns": {"spend": "*_S", "media": "search*"}},
            r"'search_S' could be spend \(\*_S\) or media \(search\*\)",
        ),
        ({"patterns": {"spend": "*_cost"}}, r"no column fits columns.patterns \(spend: \*_cost\).*'tv_S', 'search_S'"),
        ({"patterns": {"spend": "*_S"}, "wide": {"tv": {"spend": "newsletter"}}}, r"'newsletter' and 'tv_S' are both"),
        ({"wide": {"a": {"spend": "x_S"}, "b": {"spend": "y_S"}}}, r"spend of a: 'x_S' is missing"),
    ],
)
def test_headers_that_can_be_read_in_two_ways_are_refused(load: Load, columns: dict[str, Any], told: str) -> None:
    with pytest.raises(CampaignDataError, match=told):
        load(rows("2025-01-01,1,2,3,4,5", header=HEADER), columns={"date": "day", "kpi": "sales", **columns})


def test_a_channel_that_the_mapping_leaves_out_is_named(load: Load) -> None:
    columns = {"date": "day", "kpi": "sales", "wide": {"tv": {"spend": "tv_S"}, "search": {"spend": "search_S"}}}
    with pytest.raises(CampaignDataError, match=r"1 column\(s\) are named like those .*: 'ooh_S' \(spend\)\. Add"):
        load(rows("2025-01-01,1,2,3,4", header="day,tv_S,search_S,ooh_S,sales"), columns=columns)


def test_a_wide_table_without_a_mapping_is_told_from_the_headers(load: Load) -> None:
    with pytest.raises(
        CampaignDataError, match=r"columns.wide, e.g. .*It could be 'tv_S', 'search_S', 'search_clicks'"
    ):
        load(rows("2025-01-01,1,2,3,4,5", header=HEADER), columns={"date": "day", "kpi": "sales"})


def test_numbers_with_a_decimal_comma_are_read_in_every_column(load: Load, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    # Cells of text with a comma beside cells of numbers, in one column and across columns.
    for row in (HEADER.split(","), ["2025-01-01", "1,5", 2.25, 3, "4", 10], ["2025-01-02", 2.5, "1,25", 3, "4", 20]):
        page.append(row)
    book.save(tmp_path / "wide.xlsx")

    loaded = load(tmp_path / "wide.xlsx", columns=COLUMNS)

    assert loaded.summary.rejected == 0
    assert loaded.accepted.groupby("channel")["spend"].sum().to_dict() == {"letters": 0.0, "search": 3.5, "tv": 4.0}


def test_names_of_columns_cannot_break_out_of_the_statement(load: Load) -> None:
    header = "day,a'); DROP TABLE x;--,sales"
    wide = {"it's": {"spend": "a'); DROP TABLE x;--"}}
    loaded = load(rows("2025-01-01,1,5", header=header), columns={"date": "day", "kpi": "sales", "wide": wide})

    assert loaded.accepted["channel"].tolist() == ["it's"]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"wide": {"tv": {}}}, "columns.wide.tv.*needs a column: spend, media, or both"),
        ({"wide": {"tv": {"spend": "A"}, "radio": {"spend": "a"}}}, "'tv' and 'radio' both have 'a'"),
        ({"patterns": {"spend": "spend"}}, r"accepted is a header with one \* for the name"),
        ({"media": None, "spend": None}, "columns.media and columns.spend are both empty"),
    ],
)
def test_an_impossible_mapping_is_refused(columns: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        parse_settings({"columns": columns})
