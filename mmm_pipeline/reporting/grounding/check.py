"""The grounding check: every figure of a text must be one of the tables, within the rounding it is written with."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mmm_pipeline.reporting.grounding.facts import Cell, Facts
from mmm_pipeline.reporting.grounding.mentions import Mention, Mentions
from mmm_pipeline.reporting.grounding.numerals import Numeral, numerals

__all__ = ["Problem", "Reference", "ungrounded_in_statement", "ungrounded_in_text"]

_CONSTANTS = "definitions"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n")


@dataclass(frozen=True)
class Problem:
    """A figure without support.

    Attributes:
        sentence: where it stands.
        figure: as it is written.
        why: what is wrong with it.
    """

    sentence: str
    figure: str
    why: str


@dataclass(frozen=True)
class Reference:
    """Where a statement says that one of its figures comes from."""

    table: str
    row: str
    column: str


def ungrounded_in_text(text: str, facts: Facts) -> list[Problem]:
    """Figures of a Markdown text that stand in none of the tables.

    A line that names channels may use the figures of these channels and those about everything; a line that names
    none, only the latter.
    """
    mentions = Mentions(facts.names)
    cells = [*facts.cells()]
    quoted = _quoted(cells, mentions)
    problems = []
    for line in text.splitlines():
        masked, named = mentions.masked(line)
        names = {mention.name for mention in named}
        near = [cell for cell in cells if not cell.owners or names & set(cell.owners)]
        for numeral in numerals(masked):
            if not any(_matches(numeral, cell) for cell in near) and not _is_quoted(numeral, quoted):
                problems.append(Problem(_sentence(line, numeral.start), numeral.text, "is in no table"))
    return problems


def ungrounded_in_statement(text: str, references: Sequence[Reference], facts: Facts) -> list[Problem]:
    """Figures of one statement that its references do not support.

    Each figure needs a reference to a cell that holds it, within rounding. A cell that is about channels counts only
    where one of them is the channel named last before the figure (or first after it, where none is named before).
    Constants of the table `definitions` need no reference.
    """
    mentions = Mentions(facts.names)
    masked, named = mentions.masked(text)
    cells = [facts.cell(*_place(reference)) for reference in references]
    problems = [
        Problem(text, " / ".join(_place(reference)), "is no cell of the tables")
        for reference, cell in zip(references, cells, strict=True)
        if cell is None
    ]
    cited = [cell for cell in cells if cell is not None]
    constants = [cell for cell in facts.cells() if cell.table == _CONSTANTS]
    for numeral in numerals(masked):
        if any(_matches(numeral, cell) for cell in constants) or _is_quoted(numeral, _quoted(cited, mentions)):
            continue
        holding = [cell for cell in cited if _matches(numeral, cell)]
        if any(_stands_beside(numeral, cell, named) for cell in holding):
            continue
        problems.append(Problem(text, numeral.text, _why(holding, cited)))
    return problems


def _why(holding: Sequence[Cell], cited: Sequence[Cell]) -> str:
    if holding:
        owners = " or ".join(holding[0].owners)
        return f"belongs to {owners} ({holding[0].where}), which must be named right before it"
    if not cited:
        return "has no reference to a table, row and column"
    held = ", ".join(f"{cell.where} = {_shown(cell)}" for cell in cited[:6])
    return f"is in none of the cells that are referred to: {held}"


def _shown(cell: Cell) -> str:
    value = cell.value
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _stands_beside(numeral: Numeral, cell: Cell, named: Sequence[Mention]) -> bool:
    if not cell.owners:
        return True
    before = [mention for mention in named if mention.start < numeral.start]
    beside = before[-1:] or list(named[:1])
    return any(mention.name in cell.owners for mention in beside)


def _matches(numeral: Numeral, cell: Cell) -> bool:
    value = cell.value
    if value is None or isinstance(value, str):
        return False
    if isinstance(value, dt.date | tuple):
        days = value if isinstance(value, tuple) else (value,)
        return _is_a_date(numeral, days)
    unit = cell.column.unit
    if numeral.kind == "percent":
        return unit in ("share", "ratio") and numeral.is_near(float(value) * 100)
    if numeral.kind == "date" or (numeral.is_money and unit not in ("money", "kpi", "ratio")):
        return False
    return numeral.is_near(float(value))


def _is_a_date(numeral: Numeral, days: Iterable[dt.date]) -> bool:
    if numeral.kind == "date":
        return any(numeral.is_day(day) for day in days)
    # How many days a list of them has, or the year alone.
    listed = list(days)
    return numeral.kind == "number" and numeral.value in {float(len(listed)), *(float(day.year) for day in listed)}


def _quoted(cells: Iterable[Cell], mentions: Mentions) -> list[Numeral]:
    """Numbers inside the texts and names of the tables, such as `R-hat is 1.043 (limit 1.01)`."""
    cells = [*cells]
    texts = {cell.value for cell in cells if isinstance(cell.value, str)}
    texts |= {owner for cell in cells for owner in cell.owners}
    return [numeral for text in sorted(texts) for numeral in numerals(mentions.masked(text)[0])]


def _is_quoted(numeral: Numeral, quoted: Sequence[Numeral]) -> bool:
    return any(numeral.text == other.text or _same(numeral, other) for other in quoted)


def _same(one: Numeral, other: Numeral) -> bool:
    if one.kind == "date":
        return (one.year, one.month, one.day) == (other.year, other.month, other.day)
    return (one.kind, one.value) == (other.kind, other.value)


def _sentence(line: str, position: int) -> str:
    """The sentence of a line around a position."""
    start = 0
    for end in _SENTENCE_END.finditer(line):
        if end.start() > position:
            return line[start : end.start()].strip()
        start = end.end()
    return line[start:].strip()


def _place(reference: Reference) -> tuple[str, str, str]:
    return reference.table, reference.row, reference.column
