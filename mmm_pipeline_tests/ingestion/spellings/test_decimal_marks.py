"""One decimal mark per column of numbers: found in all of it, or the source is refused with both readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.headers import Roles
from mmm_pipeline.ingestion.sources.layout import Layout
from mmm_pipeline.ingestion.sources.staging import NumberCell, staging_area
from mmm_pipeline.ingestion.spellings.decimal_marks import DecimalMarks, MarkSetting, staged_decimal_marks
from mmm_pipeline.ingestion.spellings.number_formats import DecimalMark, number
from mmm_pipeline.ingestion.spellings.parsing import trimmed
from mmm_pipeline.settings.sources import DecimalSetting
from mmm_pipeline.storage.warehouse.dialect import DUCKDB
from mmm_pipeline_tests.ingestion.conftest import Load, rows
from mmm_pipeline_tests.ingestion.spellings.test_number_formats import written

HEADER = "Date;Ad group alias;Impressions;Spend;Sales"
GROUPINGS = ["", ",", "\u202f", "'"]


def european(*cells: str) -> str:
    """A semicolon-delimited file; cells: `impressions;spend;sales` of one day each."""
    return rows(*(f"2025-01-{day:02};A;{line}" for day, line in enumerate(cells, 1)), header=HEADER)


def measures(loaded: object) -> list[list[float]]:
    accepted: pd.DataFrame = loaded.accepted  # type: ignore[attr-defined]
    return accepted[["media_units", "spend", "kpi"]].to_numpy().tolist()


def test_decimal_commas_are_read(load: Load) -> None:
    loaded = load(european("101273;1076,90;7469,46", "36967;442,79;0,00"))

    assert measures(loaded) == [[101273, 1076.9, 7469.46], [36967, 442.79, 0]]
    assert loaded.rejected.empty
    assert loaded.summary.notes == ("'Spend', 'Sales': read with a decimal comma, '1076,90' is 1076.9",)


def test_a_leading_zero_shows_that_three_digits_are_decimals(load: Load) -> None:
    loaded = load(european("1873;43,690;394,650", "790;5,320;0,940"))

    assert measures(loaded) == [[1873, 43.69, 394.65], [790, 5.32, 0.94]]


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u202f", "'"])
def test_thousands_by_spaces_or_apostrophes_are_read(load: Load, space: str) -> None:
    loaded = load(european(f"101{space}273;1{space}076,90;7469,46"))

    assert measures(loaded) == [[101273, 1076.9, 7469.46]]


def test_a_column_that_can_be_read_in_two_ways_follows_the_others(load: Load) -> None:
    of_comma = load(european("1.873;43,69;394,65", "443;5,32;1"))
    of_point = load(rows('2025-01-01,A,"1,873",43.69,5', '2025-01-02,A,"443",5,32'))

    assert measures(of_comma) == [[1873, 43.69, 394.65], [443, 5.32, 1]]
    assert of_comma.summary.notes[1] == (
        "'Impressions': read with a decimal comma like 'Spend' ('43,69'), so that '1.873' is 1873"
    )
    assert measures(of_point) == [[1873, 43.69, 5], [443, 5, 32]]


def test_a_column_without_a_role_can_tell_too(load: Load) -> None:
    header = f"{HEADER};CPC;Note"
    loaded = load(rows("2025-01-01;A;1.873;43;394;0,15;1.5 or so", "2025-01-02;A;443;5;32;;", header=header))

    assert measures(loaded) == [[1873, 43, 394], [443, 5, 32]]


def test_words_with_commas_tell_nothing(load: Load) -> None:
    header = f"{HEADER};Note"
    with pytest.raises(CampaignDataError, match="two ways"):
        load(rows("2025-01-01;A;1.873;43;394;0,15", "2025-01-02;A;443;5;32;none", header=header))


def test_columns_that_nothing_decides_are_refused_with_both_readings(load: Load, tmp_path: Path) -> None:
    with pytest.raises(CampaignDataError) as failure:
        load(european("443;443;0", "1.250;43,690;36"))

    assert str(failure.value).splitlines() == [
        f"{tmp_path / 'campaigns.csv'}: numbers can be read in two ways:",
        "  'Impressions': '1.250' (line 3) is 1250 if the point separates thousands, or 1.25 if it is a decimal point; "
        "the column adds up to 1693 or 444.25",
        "  'Spend': '43,690' (line 3) is 43690 if the comma separates thousands, or 43.69 if it is a decimal comma; "
        "the column adds up to 44133 or 486.69",
        "  Say which: source.decimal: point reads 1.25, 43690; source.decimal: comma reads 1250, 43.69. Or export "
        "without marks between thousands, and with another number of decimals than three",
    ]


@pytest.mark.parametrize(("decimal", "expected"), [("point", [1.25, 43690, 36]), ("comma", [1250, 43.69, 36])])
def test_the_setting_decides(load: Load, decimal: str, expected: list[float]) -> None:
    loaded = load(european("1.250;43,690;36"), decimal=decimal)

    assert measures(loaded) == [expected]
    notes = ("'Impressions', 'Spend', 'Sales': read with a decimal comma (source.decimal)",)
    assert loaded.summary.notes == (notes if decimal == "comma" else ())


def test_a_column_with_both_marks_is_refused_with_the_two_rows(load: Load) -> None:
    with pytest.raises(CampaignDataError) as failure:
        load(rows('2025-01-01,A,1,"1,234.50",1', "2025-01-02,A,1,7,1", '2025-01-03,A,1,"1.234,50",1'))

    message = str(failure.value)
    assert (
        "'Spend' has both decimal marks: '1,234.50' (line 2) is 1234.5 with a decimal point, and '1.234,50' (line 4) "
        "is 1234.5 with a decimal comma" in message
    )
    assert "set source.decimal to point or comma" in message


def test_a_forced_mark_refuses_the_rows_of_the_other(load: Load) -> None:
    loaded = load(rows('2025-01-01,A,1,"1,234.50",1', '2025-01-03,A,1,"1.234,50",1'), decimal="point")

    assert loaded.rejected[["line_number", "reason", "value"]].to_numpy().tolist() == [
        [3, "unparseable_number_spend", "1.234,50"]
    ]
    assert measures(loaded) == [[1, 1234.5, 1]]


def test_columns_may_differ_where_each_is_clear(load: Load) -> None:
    loaded = load(european("1;12.5;12,5"))

    assert measures(loaded) == [[1, 12.5, 12.5]]


def test_columns_that_differ_do_not_decide_for_a_third(load: Load) -> None:
    with pytest.raises(CampaignDataError, match=r"'Spend' has a decimal point \('12.5'\); 'Sales' has a decimal comma"):
        load(european("1.234;12.5;12,5"))


def test_columns_of_numbers_in_a_parquet_file_are_no_text(load: Load, tmp_path: Path) -> None:
    path = tmp_path / "typed.parquet"
    columns = {"Date": ["2025-01-01"], "Ad group alias": "A", "Impressions": 1.234, "Spend": 12.345, "Sales": "12,5"}
    pd.DataFrame(columns).to_parquet(path)

    assert measures(load(path)) == [[1.234, 12.345, 12.5]]


def test_columns_of_text_in_a_parquet_file_are_decided_like_those_of_a_file(load: Load, tmp_path: Path) -> None:
    path = tmp_path / "text.parquet"
    columns = {"Date": ["2025-01-01"], "Ad group alias": "A", "Impressions": "1.873", "Spend": 1.5, "Sales": 1}
    pd.DataFrame(columns).to_parquet(path)

    with pytest.raises(CampaignDataError, match=r"'1.873' \(line 2\) is 1873 if the point separates thousands"):
        load(path)


def test_cells_of_a_workbook_that_are_numbers_need_no_decision(load: Load, tmp_path: Path) -> None:
    path = tmp_path / "cells.xlsx"
    lines = [["2025-01-01", "A", 1.234, 1.234, 7], ["2025-01-02", "A", 2, "43,69", "1.873"]]
    pd.DataFrame(lines, columns=HEADER.split(";")).to_excel(path, index=False)

    loaded = load(path)

    assert measures(loaded) == [[1.234, 1.234, 7], [2, 43.69, 1873]]


def test_text_in_a_workbook_that_can_be_read_in_two_ways_is_refused(load: Load, tmp_path: Path) -> None:
    path = tmp_path / "cells.xlsx"
    lines = [["2025-01-01", "A", 1, 12.5, 7], ["2025-01-02", "A", 2, "43,690", 1]]
    pd.DataFrame(lines, columns=HEADER.split(";")).to_excel(path, index=False)

    with pytest.raises(CampaignDataError, match=r"'Spend': '43,690' \(row 3 of sheet 'Sheet1'\) is 43690 .* or 43.69"):
        load(path)


def layout_of(names: Sequence[str]) -> Layout:
    """Columns of which none has a role."""
    return Layout(tuple(names), tuple(range(len(names))), Roles(tuple(names), {}))


def decided(
    folder: Path, columns: Mapping[str, Sequence[str]], decimal: DecimalSetting = "auto"
) -> tuple[DecimalMarks, dict[str, list[float | None]]]:
    """What is decided of columns of text, and what their cells are then."""
    names = list(columns)
    with staging_area(folder) as staging:
        staging.create(layout_of(names))
        cells = list(zip(*columns.values(), strict=True))
        staging.append(range(2, len(cells) + 2), cells)
        setting = MarkSetting(decimal, "source.decimal")
        found = staged_decimal_marks(staging, names, range(len(names)), setting=setting, where="it")
        values: dict[str, list[float | None]] = {}
        for at, name in enumerate(names):
            bare = f"({trimmed(DUCKDB, f'c{at}')})"
            query = f"SELECT {number(DUCKDB, bare, found.of_column[at])} FROM source ORDER BY line_number"
            values[name] = [value for (value,) in staging.connection.execute(query).fetchall()]
    return found, values


MARKS: list[DecimalMark] = ["point", "comma"]
cents = st.decimals(min_value=Decimal(0), max_value=Decimal(10_000_000), places=2)
thousandths = st.decimals(min_value=Decimal(0), max_value=Decimal(10_000_000), places=3)
counts = st.integers(0, 10_000_000).map(Decimal)


@given(st.lists(st.tuples(cents, counts), min_size=1, max_size=8), st.sampled_from(MARKS), st.sampled_from(GROUPINGS))
@settings(max_examples=10, deadline=None)
def test_columns_written_in_one_way_are_read_as_they_were_meant(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[tuple[Decimal, Decimal]], mark: DecimalMark, grouping: str
) -> None:
    folder = tmp_path_factory.mktemp("marks")
    spend, media = zip(*numbers, strict=True)
    columns = {
        "spend": [written(it, grouping, mark) for it in spend],
        "media": [written(it, grouping, mark) for it in media],
    }

    _, values = decided(folder, columns)

    assert values == {"spend": [float(it) for it in spend], "media": [float(it) for it in media]}


@given(
    st.lists(st.one_of(cents, thousandths, counts), min_size=1, max_size=6),
    st.sampled_from(MARKS),
    st.sampled_from(GROUPINGS),
)
@settings(max_examples=15, deadline=None)
def test_a_column_is_read_as_it_was_meant_or_refused(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[Decimal], mark: DecimalMark, grouping: str
) -> None:
    folder = tmp_path_factory.mktemp("marks")
    columns = {"spend": [written(it, grouping, mark) for it in numbers]}
    meant = [float(it) for it in numbers]

    try:
        assert decided(folder, columns)[1] == {"spend": meant}
    except CampaignDataError:
        assert decided(folder, columns, mark)[1] == {"spend": meant}


@given(st.data())
@settings(max_examples=8, deadline=None)
def test_the_order_of_rows_changes_nothing(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("marks")
    cells = st.sampled_from(["1.234", "443", "12.5", "1,234", "12,5", "", "n/a", "0,500"])
    lines = data.draw(st.lists(st.tuples(cells, cells), min_size=1, max_size=5))
    other = data.draw(st.permutations(lines))

    def outcome(of: Sequence[tuple[str, str]]) -> object:
        first, second = zip(*of, strict=True)
        try:
            found, values = decided(folder, {"a": first, "b": second})
        except CampaignDataError:
            return "refused"
        return found, {name: sorted(map(repr, column)) for name, column in values.items()}

    assert outcome(lines) == outcome(other)


def test_numbers_beside_text_follow_the_texts_mark_row_by_row(tmp_path: Path) -> None:
    with staging_area(tmp_path) as staging:
        staging.create(layout_of(["a"]), typed_cells=True)
        cells = [[NumberCell(1.234)], ["1.234,5"], [NumberCell(-0.5)], ["1.000"]]
        for _ in range(3):
            # The lines of several sheets repeat.
            staging.append(range(2, 6), cells)
        marks = staged_decimal_marks(staging, ["a"], [0], setting=MarkSetting("auto", "x"), where="it").of_column
        query = f"SELECT {number(DUCKDB, 'c0', marks[0])} FROM source ORDER BY rowid"
        values = [value for (value,) in staging.connection.execute(query).fetchall()]

    assert values == [1.234, 1234.5, -0.5, 1000] * 3
