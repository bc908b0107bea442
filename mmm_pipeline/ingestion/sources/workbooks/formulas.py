"""Formulas whose values were never calculated: what a program that only writes workbooks leaves behind."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.workbooks.sheets import Sheet

if TYPE_CHECKING:
    from openpyxl.workbook.workbook import Workbook

__all__ = ["require_stored_values"]

# So many formulas in a row without a value: nothing calculated them.
_ENOUGH = 1_000
_LONGEST_SHOWN = 60


def require_stored_values(
    path: Path, values: Workbook, sheets: Sequence[Sheet], columns: Sequence[Collection[int]] | None
) -> None:
    """Refuse sheets with formulas of which none has a value. Where some have one, a blank one is a blank result.

    Args:
        path: the workbook.
        values: the same, opened for values.
        sheets: to look at.
        columns: positions to look at, of each sheet; None: all.

    Raises:
        CampaignDataError: naming the first such cell.
    """
    import openpyxl

    formulas = openpyxl.load_workbook(path, read_only=True, data_only=False, keep_links=False)
    try:
        first: str | None = None
        for number, sheet in enumerate(sheets):
            found, calculated = _formulas(
                formulas[sheet.title], values[sheet.title], None if columns is None else columns[number]
            )
            if calculated:
                return
            if found is not None and first is None:
                first = f"sheet '{sheet.title}', cell {found}"
        if first is not None:
            raise CampaignDataError(
                f"{path}: {first}: formulas were saved without values: the program that wrote the workbook did not "
                "calculate them. Open it in a spreadsheet program and save it there, or write values, not formulas"
            )
    finally:
        formulas.close()


def _formulas(formulas: Any, values: Any, columns: Collection[int] | None) -> tuple[str | None, bool]:
    """The first cell with a formula that has no value, and whether some formula has one."""
    first, seen = None, 0
    for page in (formulas, values):
        page.reset_dimensions()
    for cells, results in zip(formulas.iter_rows(), values.iter_rows(values_only=True), strict=False):
        for position, cell in enumerate(cells):
            if cell.data_type != "f" or (columns is not None and position not in columns):
                continue
            if position < len(results) and results[position] is not None:
                return first, True
            formula = str(getattr(cell.value, "text", cell.value))[:_LONGEST_SHOWN]
            first = first or f"{cell.coordinate} ({formula})"
            seen += 1
            if seen >= _ENOUGH:
                return first, False
    return first, False
