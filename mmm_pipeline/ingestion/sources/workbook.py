"""XLSX into staging: true dates and numbers become the text that the campaign contract reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.headers import normalised
from mmm_pipeline.ingestion.sources.staging import Staging

if TYPE_CHECKING:
    from openpyxl.workbook.workbook import Workbook

__all__ = ["stage_xlsx"]

_BATCH_ROWS = 20_000
# Years 1990 to 2100, as days since 1900.
_SERIALS = (32_874, 73_415)


def stage_xlsx(staging: Staging, path: Path, wanted: Collection[str], date: str) -> tuple[str, ...]:
    """Stage the first sheet whose header has most of the wanted columns.

    `line_number` is the row of the sheet. The header is the first row that is not blank; cells beyond its columns
    are no part of the table. A bare number in the date column is a date whose cell format was lost: the workbook knows
    its own epoch, so it is read as the date it is.

    Args:
        staging: where the rows go.
        path: the workbook.
        wanted: normalised headers.
        date: normalised header of the date column.

    Raises:
        CampaignDataError: the file is not a readable workbook, or it has no cells.
    """
    import openpyxl

    try:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises whatever its ZIP and XML readers meet
        raise _unreadable(path, error) from error
    try:
        return _stage(staging, path, workbook, wanted, date)
    except CampaignDataError:
        raise
    except Exception as error:
        raise _unreadable(path, error) from error
    finally:
        workbook.close()


def _stage(staging: Staging, path: Path, workbook: Workbook, wanted: Collection[str], date: str) -> tuple[str, ...]:
    best: tuple[int, Any, tuple[str, ...]] | None = None
    for sheet in workbook.worksheets:
        found = next(_rows(sheet), None)
        if found is None:
            continue
        names = _header(found[1])
        score = len({normalised(name) for name in names} & set(wanted))
        if best is None or score > best[0]:
            best = score, sheet, names
    if best is None:
        raise CampaignDataError(f"{path}: is empty: expected a header row and rows")
    _, sheet, names = best
    staging.create(names)
    keys = [normalised(name) for name in names]
    date_column = keys.index(date) if date in keys else -1
    lines: list[int] = []
    rows: list[list[str | None]] = []
    body = _rows(sheet)
    next(body)
    for number, cells in body:
        lines.append(number)
        rows.append(
            [
                _text(cells[column] if column < len(cells) else None, workbook.epoch, column == date_column)
                for column in range(len(names))
            ]
        )
        if len(rows) >= _BATCH_ROWS:
            staging.append(lines, rows)
            lines, rows = [], []
    staging.append(lines, rows)
    return names


def _rows(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Rows with any value and their numbers."""
    # Some writers store a wrong size of the sheet, which would hide cells.
    sheet.reset_dimensions()
    for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
        if any(cell is not None and str(cell).strip() for cell in cells):
            yield number, cells


def _header(cells: tuple[Any, ...]) -> tuple[str, ...]:
    names = ["" if cell is None else str(cell) for cell in cells]
    while not names[-1].strip():
        names.pop()
    return tuple(names)


def _text(cell: Any, epoch: dt.datetime, is_date: bool) -> str | None:
    from openpyxl.utils.datetime import from_excel

    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, dt.datetime | dt.date):
        return cell.isoformat()
    if is_date and isinstance(cell, int | float) and _SERIALS[0] <= cell <= _SERIALS[1]:
        return str(from_excel(cell, epoch).isoformat())
    return str(cell)


def _unreadable(path: Path, error: Exception) -> CampaignDataError:
    return CampaignDataError(
        f"{path}: is not a readable XLSX workbook ({type(error).__name__}: {error}): it may be truncated or damaged; "
        "open it in a spreadsheet program and save it again, or export it as CSV"
    )
