"""XLSX into staging: true dates and numbers become the text that the campaign contract reads."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.file_format import FileFormat
from mmm_pipeline.ingestion.sources.headers import WantedColumns, normalised
from mmm_pipeline.ingestion.sources.layout import Layout
from mmm_pipeline.ingestion.sources.staging import (
    LONGEST_FIELD,
    SHEET_STRIDE,
    NumberCell,
    RowBuffer,
    StagedTable,
    Staging,
)
from mmm_pipeline.ingestion.sources.workbooks.formulas import require_stored_values
from mmm_pipeline.ingestion.sources.workbooks.limits import look_at_workbook
from mmm_pipeline.ingestion.sources.workbooks.sheets import Sheet, choose_sheets, listed, sheet_rows

if TYPE_CHECKING:
    from openpyxl.workbook.workbook import Workbook

__all__ = ["XLSX", "stage_xlsx", "visible_sheets"]

# Years 1990 to 2100, as days since 1900.
_SERIALS = (32_874, 73_415)
# Shared texts let a small file repeat a long text in every cell.
_MOST_CHARACTERS = 1 << 32


def stage_xlsx(staging: Staging, path: Path, wanted: WantedColumns, sheets: Sequence[str] = ()) -> StagedTable:
    """Stage the sheets that hold the table; of several visible ones with the same header, all, in their order.

    `line_number` is the row of the sheet, and `SHEET_STRIDE` more for every sheet before. Cells beyond the header's
    columns are no part of the table. A bare number in the date column is a date whose cell format was lost: the
    workbook knows its own epoch, so it is read as the date it is.

    Args:
        staging: where the rows go.
        path: the workbook.
        wanted: the columns to look for.
        sheets: titles of the sheets to read; none: those that have the columns.

    Raises:
        CampaignDataError: the file is not a readable workbook of reasonable size, no sheet or no single table has the
            columns, or its formulas were saved without values.
    """
    import duckdb
    import openpyxl

    lacks_values = look_at_workbook(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of cell formats and extensions that do not matter to values
            workbook = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
            try:
                return _stage(staging, path, workbook, wanted, sheets, lacks_values)
            finally:
                workbook.close()
    except (CampaignDataError, duckdb.Error):
        raise
    except Exception as error:  # openpyxl raises whatever its ZIP and XML readers meet
        raise _unreadable(path, error) from error


def visible_sheets(path: Path) -> tuple[str, ...]:
    """Titles of the sheets that are not hidden and not empty, in order.

    Raises:
        CampaignDataError: the file is not a readable workbook of reasonable size.
    """
    import openpyxl

    look_at_workbook(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            workbook = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
            try:
                pages = [page for page in workbook.worksheets if page.sheet_state == "visible"]
                return tuple(str(page.title) for page in pages if next(sheet_rows(page), None) is not None)
            finally:
                workbook.close()
    except CampaignDataError:
        raise
    except Exception as error:  # openpyxl raises whatever its ZIP and XML readers meet
        raise _unreadable(path, error) from error


def _stage(
    staging: Staging,
    path: Path,
    workbook: Workbook,
    wanted: WantedColumns,
    named: Sequence[str],
    lacks_values: bool,
) -> StagedTable:
    try:
        chosen, notes = choose_sheets(workbook, path, wanted, named)
    except CampaignDataError:
        if lacks_values:  # the header may be made of formulas
            pages = [page for page in workbook.worksheets if page.title in named or page.sheet_state == "visible"]
            require_stored_values(path, workbook, [Sheet(page, None, False) for page in pages], None)
        raise
    first = chosen[0]
    layout = Layout.of(first.names, wanted, first.where(path))
    orders = [_order(first, sheet) for sheet in chosen]
    if lacks_values:
        needed = (
            None
            if wanted.needs_all
            else [{order[layout.position(it)] for it in layout.roles.positions} for order in orders]
        )
        require_stored_values(path, workbook, chosen, needed)
    staging.create(layout, [sheet.title for sheet in chosen], typed_cells=True)
    rows = RowBuffer(staging, layout)
    date = layout.position("date") if "date" in layout.roles.positions else None
    for number, (sheet, order) in enumerate(zip(chosen, orders, strict=True)):
        for row, cells in sheet_rows(sheet.page):
            if sheet.header is None or row <= sheet.header.number:
                continue
            fields = [_text(cells[at] if at < len(cells) else None) for at in order]
            if date is not None:
                cell = cells[order[date]] if order[date] < len(cells) else None
                fields[date] = _date_text(cell, workbook.epoch) or fields[date]
            _stage_row(staging, rows, path, number * SHEET_STRIDE + row, fields)
    rows.flush()
    staging.flush()
    return _told(staging, path, layout, chosen, notes, chose=not named)


def _stage_row(staging: Staging, rows: RowBuffer, path: Path, line: int, fields: list[str | None]) -> None:
    longest = max((len(text) for text in fields if text), default=0)
    if longest > LONGEST_FIELD:
        staging.refuse(line, "field_too_long", f"{longest:,} characters in a cell", [text or "" for text in fields])
        return
    rows.add(line, fields)
    if rows.characters > _MOST_CHARACTERS:
        raise CampaignDataError(
            f"{path}: the cells up to {staging.place(line)} hold more than {_MOST_CHARACTERS / 2**30:.0f} billion "
            "characters: export the needed columns as CSV"
        )


def _order(first: Sheet, sheet: Sheet) -> tuple[int, ...]:
    """For every column of the first sheet, its position in this one; a column without a header stays where it is."""
    positions = {normalised(name): position for position, name in enumerate(sheet.names) if normalised(name)}
    return tuple(positions.get(normalised(name), at) for at, name in enumerate(first.names))


def _told(
    staging: Staging, path: Path, layout: Layout, chosen: Sequence[Sheet], notes: Sequence[str], *, chose: bool
) -> StagedTable:
    """What was read; a sheet without any date is taken out again if another one has dates: it is a summary."""
    dated: set[str] = set()
    if "date" in layout.roles.positions:
        date = f"c{layout.roles.positions['date']}"
        query = f"""SELECT line_number // {SHEET_STRIDE} AS sheet, COUNT(*) FILTER (regexp_matches({date}, '\\d'))
            FROM source GROUP BY 1"""
        dated = {chosen[number].title for number, count in staging.connection.execute(query).fetchall() if count}
    read = [sheet for sheet in chosen if not chose or not dated or sheet.title in dated]
    for number, sheet in enumerate(chosen):
        if sheet not in read:
            staging.drop(f"line_number // {SHEET_STRIDE} = {number}")
    said = [*notes]
    left = [sheet.title for sheet in chosen if sheet not in read]
    if left:
        said.append(f"not read, because no row of it has a date: {listed(left)}")
    if chose and len(read) > 1:
        said.insert(
            0, f"sheets {listed([sheet.title for sheet in read])} have the same header and are read as one table"
        )
    for sheet in read:
        if sheet.header is not None and sheet.header.above:
            said.append(f"the header of sheet '{sheet.title}' is row {sheet.header.number}; the text above is not read")
    where = read[0].where(path) if len(read) == 1 else f"{path}, sheets {listed([sheet.title for sheet in read])}"
    return StagedTable(layout, where, tuple(said), tuple(sheet.title for sheet in read), chose)


def _text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    return cell.isoformat() if isinstance(cell, dt.datetime | dt.date) else NumberCell(cell)


def _date_text(cell: Any, epoch: dt.datetime) -> str | None:
    """The date that a bare number stands for; None when it is no such number."""
    from openpyxl.utils.datetime import from_excel

    if isinstance(cell, int | float) and _SERIALS[0] <= cell <= _SERIALS[1]:
        return str(from_excel(cell, epoch).isoformat())
    return None


def _unreadable(path: Path, error: Exception) -> CampaignDataError:
    return CampaignDataError(
        f"{path}: is not a readable XLSX workbook ({type(error).__name__}: {error}): it may be truncated or damaged; "
        "open it in a spreadsheet program and save it again, or export it as CSV"
    )


XLSX = FileFormat("XLSX", (".xlsx", ".xlsm"), b"PK\x03\x04", stage_xlsx, stage_xlsx)
