"""Workbooks: which sheets are read, what is said about them, formulas, and workbooks that nobody should open."""

from __future__ import annotations

import datetime as dt
import random
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.events import load_events
from mmm_pipeline.ingestion.features import load_features
from mmm_pipeline.ingestion.sources.workbooks import limits as workbook_limits
from mmm_pipeline.ingestion.sources.workbooks import workbook
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline_tests.ingestion.conftest import HEADER, Load

COLUMNS = HEADER.split(",")
FIRST = dt.date(2025, 1, 1)
Sheets = dict[str, list[Sequence[Any]]]


def days(count: int, *, start: int = 0, channel: str = "A", kpi: float = 10.0) -> list[Sequence[Any]]:
    """A header, and a row a day: 100 media units, spend 2."""
    return [COLUMNS, *([FIRST + dt.timedelta(days=start + day), channel, 100, 2, kpi] for day in range(count))]


@pytest.fixture
def book(tmp_path: Path) -> Callable[..., Path]:
    """Write a workbook of sheets; `hidden`: title -> state."""

    def write(sheets: Sheets, name: str = "book.xlsx", hidden: dict[str, str] | None = None) -> Path:
        it = openpyxl.Workbook()
        it.remove(it["Sheet"])
        for title, lines in sheets.items():
            page = it.create_sheet(title)
            for line in lines:
                page.append(list(line))
            page.sheet_state = (hidden or {}).get(title, "visible")
        it.save(tmp_path / name)
        return tmp_path / name

    return write


Book = Callable[..., Path]


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_not_read_and_that_is_said(load: Load, book: Book, state: str) -> None:
    path = book({"Old": days(5, start=-365, kpi=99), "Data": days(3)}, hidden={"Old": state})

    loaded = load(path)

    assert loaded.accepted["kpi"].tolist() == [10.0] * 3
    assert loaded.summary.sheets == ("Data",)
    assert loaded.summary.notes == ("not read, because hidden: 'Old' (unhide, or name it in source.sheet)",)


def test_a_hidden_sheet_is_read_when_it_is_named(load: Load, book: Book) -> None:
    path = book({"Old": days(5, kpi=99), "Data": days(3)}, hidden={"Old": "hidden"})

    loaded = load(path, source={"kind": "file", "path": str(path), "sheet": "Old"})

    assert loaded.accepted["kpi"].tolist() == [99.0] * 5


def test_only_a_hidden_sheet_has_the_columns_is_said(load: Load, book: Book) -> None:
    path = book({"Notes": [["about"]], "Old": days(3)}, hidden={"Old": "hidden"})

    with pytest.raises(CampaignDataError, match=r"(?s)sheet 'Notes'.*missing.*hidden sheet 'Old' has them: unhide it"):
        load(path)


def test_sheets_with_the_same_header_are_one_table(load: Load, book: Book) -> None:
    turned = [[row[4], *row[:4]] for row in days(2, start=3)]
    path = book({"Jan": days(3), "Feb": turned, "Notes": [["remarks"], ["none"]], "Mar": [COLUMNS]})

    loaded = load(path)

    assert loaded.summary.accepted == 5
    assert loaded.accepted["date"].dt.date.tolist() == [FIRST + dt.timedelta(days=day) for day in range(5)]
    assert loaded.accepted["kpi"].sum() == 50.0
    assert loaded.summary.sheets == ("Jan", "Feb")
    assert loaded.summary.notes == (
        "sheets 'Jan', 'Feb' have the same header and are read as one table",
        "not read, because there is nothing below the header: 'Mar'",
        "not read, because they lack the columns: 'Notes'",
    )


def test_a_refused_row_is_named_by_its_sheet_and_its_row_there(load: Load, book: Book) -> None:
    path = book({"Jan": days(3), "Feb's": [*days(1, start=3), [FIRST + dt.timedelta(days=4), "A", 1, "x", 1]]})

    loaded = load(path)

    assert loaded.rejected[["sheet", "line_number", "reason"]].to_numpy().tolist() == [
        ["Feb's", 3, "unparseable_number_spend"]
    ]
    assert loaded.accepted["line_number"].tolist() == [2, 3, 4, 2]
    with pytest.raises(CampaignDataError, match="first in row 3 of sheet 'Feb's': Spend = 'x'"):
        load(path, share=0.0)


def test_a_copied_row_names_the_sheet_of_the_first(load: Load, book: Book) -> None:
    path = book({"Jan": days(2), "Feb": [*days(1, start=2), days(2)[1]]})
    named = {"kind": "file", "path": str(path), "sheet": ["Jan", "Feb"]}

    assert load(path, source=named).rejected[["sheet", "line_number", "value"]].to_numpy().tolist() == [
        ["Feb", 3, "equals row 2 of sheet 'Jan'"]
    ]


def test_a_summary_in_front_hides_nothing(load: Load, book: Book) -> None:
    path = book({"Summary": [COLUMNS, ["", "A", 300, 6, 30], ["Total", None, 300, 6, 30]], "Data": days(3)})

    loaded = load(path, share=0.0)

    assert (loaded.summary.accepted, loaded.summary.rejected, loaded.summary.sheets) == (3, 0, ("Data",))
    assert loaded.summary.notes == ("not read, because no row of it has a date: 'Summary'",)


def test_sheets_that_tell_of_the_same_days_and_channels_are_a_choice(load: Load, book: Book) -> None:
    path = book({"Months": [COLUMNS, [FIRST, "A", 300, 6, 30]], "Days": days(3)})
    message = (
        r"(?s)2025-01-01, 'A': row 2 of sheet 'Months', row 2 of sheet 'Days'.*'Months' alone: 1 rows, spend 6.00, "
        r"KPI 30.00.*'Days' alone: 3 rows, spend 6.00, KPI 30.00.*all together: 4 rows, spend 12.00, KPI 60.00"
        r".*source\.sheet"
    )

    with pytest.raises(CampaignDataError, match=message):
        load(path)
    source = {"kind": "file", "path": str(path)}
    assert load(path, source={**source, "sheet": "Days"}).accepted["kpi"].sum() == 30.0
    assert load(path, source={**source, "sheet": ["Months", "Days"]}).accepted["kpi"].sum() == 60.0


def test_sheets_of_different_channels_are_one_table(load: Load, book: Book) -> None:
    assert load(book({"TV": days(3, channel="TV"), "Search": days(3, channel="Search")})).summary.accepted == 6


def test_sheets_whose_headers_differ_are_a_choice(load: Load, book: Book) -> None:
    more = [[*line, "x" if at else "Clicks"] for at, line in enumerate(days(2, start=3))]
    path = book({"Jan": days(3), "Feb": more})

    with pytest.raises(
        CampaignDataError, match=r"headers differ \(only 'Feb' has 'Clicks'\): name the sheet .* source"
    ):
        load(path)


@pytest.mark.parametrize("named", ["May", ["Data", "May"]])
def test_a_sheet_that_is_not_there_is_an_error_that_lists_the_others(load: Load, book: Book, named: Any) -> None:
    path = book({"Data": days(3), "Old": days(3)}, hidden={"Old": "hidden"})

    with pytest.raises(
        CampaignDataError, match=r"no sheet 'May' \(source.sheet\); its sheets are 'Data', 'Old' \(hidden"
    ):
        load(path, source={"kind": "file", "path": str(path), "sheet": named})


def test_a_sheet_named_for_a_file_that_has_none_is_an_error(load: Load, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{HEADER}\n2025-01-01,A,1,1,1\n")

    with pytest.raises(CampaignDataError, match=r"a\.csv: is no workbook, and source\.sheet names a sheet"):
        load(tmp_path / "a.csv", source={"kind": "file", "path": str(tmp_path / "a.csv"), "sheet": "Data"})


def test_a_sheet_may_be_called_like_a_number(load: Load, book: Book) -> None:
    path = book({"2024": days(2, kpi=1), "2025": days(3)})

    assert load(path, source={"kind": "file", "path": str(path), "sheet": 2025}).summary.sheets == ("2025",)


def test_columns_that_lie_in_two_sheets_are_told(load: Load, book: Book) -> None:
    path = book({"Media": [COLUMNS[:4], [FIRST, "A", 1, 1]], "KPI": [["Date", "Sales"], [FIRST, 1]]})

    with pytest.raises(CampaignDataError, match=r"(?s)sheet 'Media': 1 required.*Sheet 'KPI' has 'Sales': bring"):
        load(path)


def test_a_title_above_the_header_is_skipped_and_told(load: Load, book: Book) -> None:
    loaded = load(book({"R": [["Campaign performance Q1"], [], *days(3)]}))

    assert loaded.accepted["line_number"].tolist() == [4, 5, 6]
    assert loaded.summary.notes == ("the header of sheet 'R' is row 3; the text above is not read",)


def test_features_and_events_follow_the_same_rules(book: Book) -> None:
    prices = [["Date", "Price"], [FIRST, 1.5]]
    more = [["Date", "Price"], [FIRST + dt.timedelta(days=1), 2.5]]
    features = book({"Old": [["Date", "Price"], [FIRST, 9]], "H1": prices, "H2": more}, "f.xlsx", {"Old": "hidden"})
    events = book({"Read me": [["text"]], "Promo": [["event", "date"], ["Sale", FIRST]]}, "e.xlsx")
    settings = parse_settings({"controls": {"source": str(features)}, "events": {"path": str(events)}})
    said: list[str] = []

    table = load_features(settings, said.append)

    assert table is not None
    assert table["Price"].tolist() == [1.5, 2.5]
    assert [(it.event, it.dates) for it in load_events(settings, said.append)] == [("Sale", (FIRST,))]
    assert said == [
        f"controls: read from {features}, sheets 'H1', 'H2'",
        "controls: sheets 'H1', 'H2' have the same header and are read as one table",
        "controls: not read, because hidden: 'Old' (unhide, or name it in controls.source.sheet)",
        f"events: read from {events}, sheet 'Promo'",
        "events: not read, because they lack the columns: 'Read me'",
    ]
    one = parse_settings({"controls": {"source": {"kind": "file", "path": str(features), "sheet": "Old"}}})
    hidden = load_features(one)
    assert hidden is not None
    assert hidden["Price"].tolist() == [9.0]


def test_a_day_in_two_sheets_of_features_is_an_error_that_names_them(book: Book) -> None:
    lines = [["Date", "Price"], [FIRST, 1.5]]
    settings = parse_settings({"controls": {"source": str(book({"A": lines, "B": lines}))}})

    with pytest.raises(
        CampaignDataError,
        match=r"2025-01-01 appears more than once \(row 2 of sheet 'A' and row 2 of sheet 'B'\).*sheet",
    ):
        load_features(settings)


@pytest.mark.parametrize("column", ["A", "D", "ABCDE"])
def test_formulas_without_values_are_called_that(load: Load, tmp_path: Path, column: str) -> None:
    it = openpyxl.Workbook()
    page = it["Sheet"]
    for line in days(4):
        page.append(list(line))
    for row in range(2, 6):
        for letter in column:
            page[f"{letter}{row}"] = "=Z1+1"
    it.save(tmp_path / "a.xlsx")

    with pytest.raises(
        CampaignDataError, match=rf"sheet 'Sheet', cell {column[0]}2 \(=Z1\+1\): formulas were saved without values"
    ):
        load(tmp_path / "a.xlsx")


def test_formulas_in_columns_that_are_not_read_do_not_matter(load: Load, book: Book) -> None:
    assert (
        load(book({"R": [[*line, f"=A{at}" if at else "Note"] for at, line in enumerate(days(3))]})).summary.accepted
        == 3
    )


def test_a_header_of_formulas_without_values_is_called_that(load: Load, book: Book) -> None:
    with pytest.raises(CampaignDataError, match=r"cell E1 \(=Names!A1\): formulas were saved without values"):
        load(book({"R": [[*COLUMNS[:4], "=Names!A1"], *days(3)[1:]]}))


def test_a_blank_result_of_a_calculated_formula_is_a_blank_cell(load: Load, book: Book, tmp_path: Path) -> None:
    """As a spreadsheet program stores `=IF(...)`: with a value in one row, blank in the next."""
    path = book({"R": [COLUMNS, [FIRST, "A", 1, 777, 1], [FIRST, "A", 1, 888, 1]]})
    stored = tmp_path / "stored.xlsx"
    with zipfile.ZipFile(path) as original, zipfile.ZipFile(stored, "w") as copy:
        for part in original.namelist():
            content = original.read(part)
            content = content.replace(b"<v>777</v>", b"<f>1+1</f><v>2</v>").replace(b"<v>888</v>", b"<f>Z1</f><v></v>")
            copy.writestr(part, content)

    loaded = load(stored)

    assert loaded.accepted["spend"].tolist() == [2.0]
    assert loaded.rejected[["line_number", "reason"]].to_numpy().tolist() == [[3, "missing_spend"]]


def test_a_stray_cell_in_the_last_column_does_no_harm(load: Load, book: Book) -> None:
    header = [*COLUMNS, *[None] * (16_384 - len(COLUMNS) - 1), "note"]
    same = [FIRST, "A", 1, 1, 1]
    apart = [[*same, *[None] * (16_384 - 6), remark] for remark in ("x", "y", "x")]

    loaded = load(book({"R": [header, *apart]}))

    # Rows that differ in a column without a role are no duplicates; equal ones are.
    assert loaded.accepted["line_number"].tolist() == [2, 3]
    assert loaded.rejected[["line_number", "reason"]].to_numpy().tolist() == [[4, "exact_duplicate"]]


# Workbooks that nobody should open.

_NAMESPACE = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_SHEET = "xl/worksheets/sheet1.xml"


def with_part(path: Path, part: str, content: bytes) -> Path:
    """A copy of the workbook with another part."""
    changed = path.with_name("changed.xlsx")
    with zipfile.ZipFile(path) as original, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in original.namelist():
            if name != part:
                copy.writestr(name, original.read(name))
        copy.writestr(part, content)
    return changed


def sheet_of(rows: bytes, prefix: bytes = b"") -> bytes:
    tag = b"<%bworksheet " % prefix + (b"xmlns:" + prefix[:-1] + _NAMESPACE[5:] if prefix else _NAMESPACE) + b">"
    return b"%b<%bsheetData>%b</%bsheetData></%bworksheet>" % (tag, prefix, rows, prefix, prefix)


def test_texts_that_unpack_to_far_more_than_they_are_refused(load: Load, book: Book) -> None:
    content = b"<sst " + _NAMESPACE + b"><si><t>" + b"a" * 80_000_000 + b"</t></si></sst>"
    path = with_part(book({"Data": days(3)}), "xl/sharedStrings.xml", content)

    assert path.stat().st_size < 200_000
    with pytest.raises(
        CampaignDataError, match=r"texts of its cells would unpack from .* KiB to 76 MiB; accepted are up to"
    ):
        load(path)


@pytest.mark.parametrize("prefix", [b"", b"x:"])
def test_a_sheet_with_more_rows_than_any_program_writes_is_refused(
    load: Load, book: Book, monkeypatch: pytest.MonkeyPatch, prefix: bytes
) -> None:
    monkeypatch.setattr(workbook_limits, "_HIGHEST_RATIO", 10_000)
    path = with_part(book({"Data": days(3)}), _SHEET, sheet_of(b"<%brow/>" % prefix * 1_100_000, prefix))

    with pytest.raises(CampaignDataError, match="more than 1,048,576 rows, which no spreadsheet program writes"):
        load(path)


def test_a_row_of_millions_of_cells_is_refused(load: Load, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_limits, "_HIGHEST_RATIO", 10_000)
    path = with_part(book({"Data": days(3)}), _SHEET, sheet_of(b'<row r="1">' + b"<c/>" * 2_000_000 + b"</row>"))

    with pytest.raises(CampaignDataError, match="the start of row 1 takes more than 4 MiB"):
        load(path)


def test_a_row_number_beyond_the_last_one_is_refused(load: Load, book: Book) -> None:
    path = with_part(book({"Data": days(3)}), _SHEET, sheet_of(b'<row r="2000000000"><c r="A1"><v>1</v></c></row>'))

    with pytest.raises(CampaignDataError, match="has a row beyond 1,048,576"):
        load(path)


def test_much_below_the_rows_is_refused(load: Load, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_limits, "_LARGEST_OTHER", 3 << 20)
    noise = random.Random(1).randbytes(2_000_000).hex().encode()
    path = with_part(book({"Data": days(3)}), _SHEET, sheet_of(b"<row/>") + b"<mergeCells>" + noise)

    with pytest.raises(CampaignDataError, match="which no row of a table does"):
        load(path)


def test_entities_and_other_tricks_of_xml_are_refused(load: Load, book: Book) -> None:
    path = with_part(book({"Data": days(3)}), _SHEET, b'<!DOCTYPE a [<!ENTITY b "c">]>' + sheet_of(b"<row/>"))

    with pytest.raises(CampaignDataError, match="XML that no spreadsheet program writes"):
        load(path)


def test_a_part_that_is_larger_than_it_declares_is_refused(load: Load, book: Book, tmp_path: Path) -> None:
    """The declared sizes bound what is read, whatever is packed."""
    path = with_part(book({"Data": days(3)}), _SHEET, sheet_of(b"<row/>" * 1_000_000))
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(_SHEET).file_size.to_bytes(4, "little")
    assert content.count(size) == 2
    (tmp_path / "lying.xlsx").write_bytes(bytes(content).replace(size, (5_000).to_bytes(4, "little")))

    with pytest.raises(CampaignDataError, match="is not a readable XLSX workbook"):
        load(tmp_path / "lying.xlsx")


def test_a_long_text_repeated_in_every_cell_is_refused(load: Load, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "_MOST_CHARACTERS", 10_000)
    path = book({"Data": [COLUMNS, *([FIRST, "A" * 5_000, 1, 1, day] for day in range(4))]})

    with pytest.raises(CampaignDataError, match=r"the cells up to row 3 of sheet 'Data' hold more than"):
        load(path)


def test_a_cell_longer_than_any_is_a_refused_row(load: Load, book: Book) -> None:
    path = book({"Data": [*days(2), [FIRST, "x" * 200_000, 1, 1, 1]]})
    with zipfile.ZipFile(path) as archive:
        content = archive.read(_SHEET)
    path = with_part(path, _SHEET, content.replace(b"x" * 30_000, b"x" * 200_000, 1))

    loaded = load(path)

    assert loaded.rejected[["line_number", "reason"]].to_numpy().tolist() == [[4, "field_too_long"]]
    assert len(loaded.rejected["row"][0]) < 30_000
