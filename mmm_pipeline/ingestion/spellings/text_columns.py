"""Columns of a source whose cells are text, as something that questions can be put to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mmm_pipeline.storage.warehouse.dialect import Dialect

__all__ = ["TextColumns"]

Query = Callable[[str], Sequence[tuple[Any, ...]]]
"""Runs a SELECT statement; its rows."""


@dataclass(frozen=True)
class TextColumns:
    """Columns of one source that hold dates or numbers as text.

    Attributes:
        query: runs SELECT statements.
        dialect: of these statements.
        source: what stands after FROM: columns `line_number` and `c0`, `c1`, ..., of cells with marks.
        headers: header of every column, by position.
        where: the source, for messages.
        all_cells: as `source`, of all cells.
        place: a `line_number` in words.
    """

    query: Query
    dialect: Dialect
    source: str
    headers: Sequence[str]
    where: str
    all_cells: str
    place: Callable[[int], str] = "line {}".format
