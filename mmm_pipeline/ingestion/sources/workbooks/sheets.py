"""Which sheets of a workbook hold the table: one, several of the same header, or a choice that the settings make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.headers import HEADER_ROWS, HeaderRow, WantedColumns, find_header, normalised
from mmm_pipeline.ingestion.sources.workbooks.limits import LAST_ROW

if TYPE_CHECKING:
    from openpyxl.workbook.workbook import Workbook

__all__ = ["Sheet", "choose_sheets", "listed", "sheet_rows", "titles_of"]


@dataclass(frozen=True)
class Sheet:
    """A sheet that may hold the table.

    Attributes:
        page: openpyxl's worksheet.
        header: its row of headers; None when the sheet is empty.
        has_rows: something stands below the header.
    """

    page: Any
    header: HeaderRow | None
    has_rows: bool

    @property
    def title(self) -> str:
        return str(self.page.title)

    @property
    def is_hidden(self) -> bool:
        return bool(self.page.sheet_state != "visible")

    @property
    def is_complete(self) -> bool:
        """Whether its header has all required columns."""
        return self.header is not None and self.header.is_complete

    @property
    def names(self) -> tuple[str, ...]:
        """Its headers."""
        return self.header.names if self.header is not None else ()

    @property
    def keys(self) -> frozenset[str]:
        """Its headers, normalised; a column without one does not count."""
        return frozenset(normalised(name) for name in self.names) - {""}

    def where(self, path: Path) -> str:
        """What to call it in messages."""
        return f"{path}, sheet '{self.title}'"


def sheet_rows(page: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Rows with any value and their numbers.

    Raises:
        ValueError: a row has a number that no spreadsheet program gives.
    """
    # Some writers store a wrong size of the sheet, which would hide cells.
    page.reset_dimensions()
    for number, cells in enumerate(page.iter_rows(values_only=True), 1):
        if number > LAST_ROW:
            raise ValueError(f"sheet '{page.title}' has a row beyond {LAST_ROW:,}, the last one of every sheet")
        if any(cell is not None and str(cell).strip() for cell in cells):
            yield number, cells


def titles_of(named: str | Sequence[str] | None) -> tuple[str, ...]:
    """The sheets that a setting names."""
    return (named,) if isinstance(named, str) else tuple(named or ())


def listed(titles: Sequence[str]) -> str:
    """`'a', 'b'`."""
    return ", ".join(f"'{title}'" for title in titles)


def choose_sheets(
    workbook: Workbook, path: Path, wanted: WantedColumns, named: Sequence[str]
) -> tuple[tuple[Sheet, ...], tuple[str, ...]]:
    """The sheets to read as one table, and notes on the others.

    Hidden sheets are read only when they are named.

    Args:
        workbook: opened for reading.
        path: the workbook, for messages.
        wanted: the columns to look for.
        named: titles that the settings name; none: the sheets that have the columns.

    Raises:
        CampaignDataError: a named sheet is not there, no sheet has the columns, or several have but differ in others.
    """
    sheets = [_looked_at(page, wanted) for page in workbook.worksheets]
    setting = wanted.sheet_setting
    if named:
        chosen = [_named(sheets, title, path, setting) for title in named]
        for sheet in chosen:
            wanted.resolve(sheet.names, sheet.where(path))
        _require_same_header(chosen, path, setting)
        return tuple(chosen), ()
    visible = [sheet for sheet in sheets if not sheet.is_hidden]
    complete = [sheet for sheet in visible if sheet.is_complete]
    if not complete:
        raise _not_found(sheets, visible, path, wanted)
    chosen = [sheet for sheet in complete if sheet.has_rows] or complete[:1]
    _require_same_header(chosen, path, setting)
    return tuple(chosen), tuple(_notes(sheets, chosen, setting))


def _looked_at(page: Any, wanted: WantedColumns) -> Sheet:
    rows = [(number, _names(cells)) for number, cells in islice(sheet_rows(page), HEADER_ROWS + 1)]
    header = find_header(rows, wanted)
    return Sheet(page, header, header is not None and rows[-1][0] > header.number)


def _names(cells: Sequence[Any]) -> tuple[str, ...]:
    names = ["" if cell is None else str(cell) for cell in cells]
    while names and not names[-1].strip():
        names.pop()
    return tuple(names)


def _named(sheets: Sequence[Sheet], title: str, path: Path, setting: str) -> Sheet:
    for same in (lambda name: name == title, lambda name: name.strip().casefold() == title.strip().casefold()):
        for sheet in sheets:
            if same(sheet.title):
                return sheet
    there = ", ".join(f"'{sheet.title}'{' (hidden)' if sheet.is_hidden else ''}" for sheet in sheets)
    raise CampaignDataError(f"{path}: has no sheet '{title}' ({setting}); its sheets are {there or 'none'}")


def _require_same_header(chosen: Sequence[Sheet], path: Path, setting: str) -> None:
    """Raises CampaignDataError: the headers of two sheets differ, so that they are not parts of one table."""
    first = chosen[0]
    for other in chosen[1:]:
        if other.keys == first.keys:
            continue
        differing = [
            f"only '{sheet.title}' has {listed([name for name in sheet.names if normalised(name) in only])}"
            for sheet, only in ((first, first.keys - other.keys), (other, other.keys - first.keys))
            if only
        ]
        raise CampaignDataError(
            f"{path}: sheets '{first.title}' and '{other.title}' both have the required columns, but their headers "
            f"differ ({'; '.join(differing)}): name the sheet to read in {setting}, or give both the same header to "
            "read them together"
        )


def _not_found(
    sheets: Sequence[Sheet], visible: Sequence[Sheet], path: Path, wanted: WantedColumns
) -> CampaignDataError:
    """Why no visible sheet holds the table; of the one that comes closest."""
    hidden = [sheet.title for sheet in sheets if sheet.is_hidden and sheet.is_complete]
    hints = (
        [f"The hidden sheet {listed(hidden[:1])} has them: unhide it, or set {wanted.sheet_setting}"] if hidden else []
    )
    filled = [sheet for sheet in visible if sheet.header is not None]
    if not filled:
        return CampaignDataError("\n  ".join([f"{path}: is empty: expected a header row and rows", *hints]))
    best = max(filled, key=lambda sheet: wanted.found_in(sheet.names))
    missing = {normalised(name): name for name in wanted.required.values() if normalised(name) not in best.keys}
    for sheet in filled:
        elsewhere = [name for key, name in missing.items() if sheet is not best and key in sheet.keys]
        if elsewhere:
            hints.append(f"Sheet '{sheet.title}' has {listed(elsewhere)}: bring the columns into one table, row by row")
        elif sheet is not best:
            hints.append(f"Sheet '{sheet.title}' was looked at, too")
    try:
        wanted.resolve(best.names, best.where(path))
    except CampaignDataError as error:
        return CampaignDataError("\n  ".join([str(error), *hints]))
    raise AssertionError("a sheet with all required columns is complete")


def _notes(sheets: Sequence[Sheet], chosen: Sequence[Sheet], setting: str) -> Iterator[str]:
    left = [sheet for sheet in sheets if sheet not in chosen]
    hidden = [sheet.title for sheet in left if sheet.is_hidden]
    empty = [sheet.title for sheet in left if not sheet.is_hidden and sheet.is_complete]
    others = [sheet.title for sheet in left if not sheet.is_hidden and not sheet.is_complete]
    if hidden:
        yield f"not read, because hidden: {listed(hidden)} (unhide, or name it in {setting})"
    if empty:
        yield f"not read, because there is nothing below the header: {listed(empty)}"
    if others:
        yield f"not read, because they lack the columns: {listed(others)}"
