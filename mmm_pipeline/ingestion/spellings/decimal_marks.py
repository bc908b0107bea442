"""Whether a column of text has a decimal point or a decimal comma: decided from all of it, or refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.staging import Staging
from mmm_pipeline.ingestion.spellings.currencies import require_one_currency
from mmm_pipeline.ingestion.spellings.number_formats import (
    CLEAR_COMMA,
    CLEAR_POINT,
    EITHER,
    DecimalMark,
    Readings,
    is_number,
    number,
    plain_number,
    readings,
    spelling,
)
from mmm_pipeline.ingestion.spellings.parsing import trimmed
from mmm_pipeline.ingestion.spellings.text_columns import TextColumns
from mmm_pipeline.settings.sources import DecimalSetting
from mmm_pipeline.storage.warehouse.dialect import DUCKDB

__all__ = ["DecimalMarks", "MarkSetting", "decimal_marks", "staged_decimal_marks"]

_PROBLEMS_SHOWN = 5
_LONGEST = 40
_KINDS = (CLEAR_POINT, CLEAR_COMMA, EITHER)
_NAMES: dict[DecimalMark, str] = {"point": "a decimal point", "comma": "a decimal comma"}


@dataclass(frozen=True)
class DecimalMarks:
    """What was decided.

    Attributes:
        of_column: position -> decimal mark, of the columns that need to be known.
        notes: a sentence about each decision that a reader should know of.
    """

    of_column: Mapping[int, DecimalMark]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class MarkSetting:
    """What the settings say.

    Attributes:
        value: `auto`, or the mark that all text columns have.
        key: name of the setting; None: there is none, the numbers are whole.
    """

    value: DecimalSetting
    key: str | None


@dataclass(frozen=True)
class _Evidence:
    """How the cells of a column are written.

    Attributes:
        point: cells that are a number with a decimal point only.
        comma: cells that are a number with a decimal comma only.
        either: cells that are two different numbers.
        examples: one cell of each kind, where there is one.
    """

    point: int
    comma: int
    either: int
    examples: Mapping[int, str]

    @property
    def mark(self) -> DecimalMark | None:
        """The one mark that its clear cells have."""
        if bool(self.point) == bool(self.comma):
            return None
        return "point" if self.point else "comma"

    @property
    def clear_example(self) -> str:
        return self.examples[CLEAR_POINT if self.point else CLEAR_COMMA]


def decimal_marks(
    texts: TextColumns,
    wanted: Collection[int],
    others: Collection[int],
    setting: MarkSetting,
    compared: Collection[int] = (),
) -> DecimalMarks:
    """Decide the decimal mark of every wanted column.

    A cell such as `1,234.50`, `12.5`, `0.500` or `1.234,50`, `12,5`, `1.234.567` is a number in one reading only and
    decides for its column. A column without such a cell follows the other columns of numbers, where these agree.

    Args:
        texts: the source.
        wanted: positions of the columns.
        others: positions of further text columns, which are asked when the wanted ones cannot tell: those of numbers
            only count.
        setting: what the settings say.
        compared: positions of columns that are divided by each other, which must have one currency together.

    Raises:
        CampaignDataError: a column is written in both ways, or can be read in both and nothing tells which; or it, or
            two that are compared, have amounts in two currencies.
    """
    positions = sorted(set(wanted))
    require_one_currency(texts, positions, compared)
    if setting.value != "auto":
        note = f"{_listed(texts, positions)}: read with {_NAMES[setting.value]} ({setting.key})"
        told = positions and setting.value != "point"
        return DecimalMarks(dict.fromkeys(positions, setting.value), (note,) if told else ())
    evidence = _evidence(texts, positions)
    twofold = [position for position in positions if evidence[position].point and evidence[position].comma]
    unclear = [
        position
        for position in positions
        if evidence[position].either and not evidence[position].point and not evidence[position].comma
    ]
    clear = {position: found for position, found in evidence.items() if found.mark is not None}
    if unclear and not clear:
        clear = _clear_among(texts, sorted(set(others) - set(positions)))
    followed = {found.mark for found in clear.values()}
    undecided = unclear if len(followed) != 1 else []
    if twofold or undecided:
        raise CampaignDataError("\n".join(_problems(texts, twofold, undecided, clear, setting)))
    marks: dict[int, DecimalMark] = {position: evidence[position].mark or "point" for position in positions}
    if unclear:
        [followed_mark] = followed
        marks |= dict.fromkeys(unclear, followed_mark or "point")
    return DecimalMarks(marks, tuple(_notes(texts, marks, evidence, unclear, clear)))


def staged_decimal_marks(
    staging: Staging,
    headers: Sequence[str],
    wanted: Collection[int],
    *,
    setting: MarkSetting,
    where: str,
    others: Collection[int] | None = None,
    compared: Collection[int] = (),
) -> DecimalMarks:
    """`decimal_marks` of a source in staging; columns that hold numbers rather than text need no decision.

    Args:
        staging: holds the rows. In a column of a workbook that has a decimal comma, cells that are numbers are
            rewritten with a comma, so that the whole column is written in one way.
        headers: header of every column.
        wanted: positions of the columns that are to be numbers.
        setting: what the settings say.
        where: the source, for messages.
        others: positions of further columns to ask; default: all.
        compared: as of `decimal_marks`.
    """
    texts = TextColumns(
        lambda sql: staging.connection.execute(sql).fetchall(),
        DUCKDB,
        staging.number_texts,
        headers,
        where,
        "source",
        staging.place,
    )
    further = range(len(headers)) if others is None else others
    found = decimal_marks(
        texts,
        [position for position in wanted if position not in staging.number_columns],
        [position for position in further if position not in staging.number_columns],
        setting,
        compared,
    )
    for position, mark in found.of_column.items():
        if mark == "comma":
            staging.write_numbers_with_comma(position)
    return found


def _evidence(texts: TextColumns, positions: Sequence[int]) -> dict[int, _Evidence]:
    """Count the spellings of these columns, all in one statement."""
    if not positions:
        return {}
    spelled = ", ".join(f"{spelling(texts.dialect, f'c{position}')} AS s{position}" for position in positions)
    asked = [f"COUNT(CASE WHEN s{position} = {kind} THEN 1 END)" for position in positions for kind in _KINDS]
    asked += [f"MIN(CASE WHEN s{position} = {kind} THEN c{position} END)" for position in positions for kind in _KINDS]
    columns = ", ".join(f"c{position}" for position in positions)
    [row] = texts.query(f"SELECT {', '.join(asked)} FROM (SELECT {columns}, {spelled} FROM {texts.source}) AS spelled")
    counts, examples = row[: 3 * len(positions)], row[3 * len(positions) :]
    found = {}
    for index, position in enumerate(positions):
        here = slice(3 * index, 3 * index + 3)
        point, comma, either = map(int, counts[here])
        seen = {kind: text for kind, text in zip(_KINDS, examples[here], strict=True) if text}
        found[position] = _Evidence(point, comma, either, seen)
    return found


def _clear_among(texts: TextColumns, positions: Sequence[int]) -> dict[int, _Evidence]:
    """Those of other columns that hold numbers only, all written in one clear way."""
    if not positions:
        return {}
    asked = []
    for position in positions:
        bare = trimmed(texts.dialect, f"c{position}")
        asked.append(f"COUNT(CASE WHEN {bare} <> '' AND NOT {is_number(texts.dialect, bare)} THEN 1 END)")
    [row] = texts.query(f"SELECT {', '.join(asked)} FROM {texts.source}")
    evidence = _evidence(texts, [position for position, words in zip(positions, row, strict=True) if not words])
    return {position: found for position, found in evidence.items() if found.mark is not None}


def _problems(
    texts: TextColumns,
    twofold: Sequence[int],
    undecided: Sequence[int],
    clear: Mapping[int, _Evidence],
    setting: MarkSetting,
) -> list[str]:
    lines = [f"{texts.where}: numbers can be read in two ways:"]
    for position in twofold[:_PROBLEMS_SHOWN]:
        point, comma = (_first(texts, position, kind) for kind in (CLEAR_POINT, CLEAR_COMMA))
        lines.append(
            f"  {texts.headers[position]!r} has both decimal marks: {point} is {_value(point, 'point')} with a decimal "
            f"point, and {comma} is {_value(comma, 'comma')} with a decimal comma"
        )
    both: dict[DecimalMark, list[str]] = {"point": [], "comma": []}
    for position in undecided[:_PROBLEMS_SHOWN]:
        found = _first(texts, position, EITHER)
        for mark, values in both.items():
            values.append(_value(found, mark))
        lines.append(f"  {texts.headers[position]!r}: {found} is {_both(found.text)}{_sums(texts, position)}")
    left_out = len(twofold[_PROBLEMS_SHOWN:]) + len(undecided[_PROBLEMS_SHOWN:])
    lines += [f"  and {left_out} more columns"] if left_out else []
    if undecided and clear:
        seen = "; ".join(
            f"{texts.headers[position]!r} has {_NAMES[found.mark or 'point']} ({_shown(found.clear_example)})"
            for position, found in clear.items()
        )
        lines.append(f"  The other columns do not agree: {seen}")
    if setting.key is None:
        lines.append("  Write these as whole numbers, without decimals and without marks between thousands")
        return lines
    if undecided:
        lines.append(
            f"  Say which: {setting.key}: point reads {', '.join(both['point'])}; "
            f"{setting.key}: comma reads {', '.join(both['comma'])}. Or export without marks between thousands, and "
            "with another number of decimals than three"
        )
    if twofold:
        lines.append(
            f"  Write each column in one way, or set {setting.key} to point or comma: what is written in the other way "
            "is then refused"
        )
    return lines


@dataclass(frozen=True)
class _Cell:
    """A cell to show: its text, and where it is, where lines are known."""

    text: str
    place: str | None

    def __str__(self) -> str:
        return _shown(self.text) + (f" ({self.place})" if self.place is not None else "")


def _first(texts: TextColumns, position: int, kind: int) -> _Cell:
    """The first cell of a kind; where there are no lines, the smallest text."""
    column = f"c{position}"
    query = f"""SELECT line_number, {column} FROM {texts.source}
        WHERE {spelling(texts.dialect, column)} = {kind} ORDER BY line_number, {column} LIMIT 1"""
    [(line, text)] = texts.query(query)
    return _Cell(text, None if line is None else texts.place(line))


def _sums(texts: TextColumns, position: int) -> str:
    bare = trimmed(texts.dialect, f"c{position}")
    values = ", ".join(f"{number(texts.dialect, 'bare', mark)} AS {mark}_value" for mark in _NAMES)
    sums = ", ".join(texts.dialect.exact_sum.format(f"{mark}_value") for mark in _NAMES)
    [pair] = texts.query(
        f"SELECT {sums} FROM (SELECT {values} FROM (SELECT {bare} AS bare FROM {texts.source}) AS trimmed) AS parsed"
    )
    small, large = sorted(pair, key=abs)
    return f"; the column adds up to {plain_number(large)} or {plain_number(small)}"


def _both(text: str) -> str:
    """Both readings of a text, that with thousands first."""
    name: DecimalMark = "comma" if "," in text else "point"
    thousands: DecimalMark = "point" if name == "comma" else "comma"
    values = readings(text)
    return (
        f"{_of(values, thousands)} if the {name} separates thousands, or {_of(values, name)} if it is a decimal {name}"
    )


def _value(cell: _Cell, mark: DecimalMark) -> str:
    return _of(readings(cell.text), mark)


def _of(values: Readings, mark: DecimalMark) -> str:
    value = values.point if mark == "point" else values.comma
    return "none" if value is None else plain_number(value)


def _notes(
    texts: TextColumns,
    marks: Mapping[int, DecimalMark],
    evidence: Mapping[int, _Evidence],
    unclear: Sequence[int],
    clear: Mapping[int, _Evidence],
) -> list[str]:
    notes = []
    own = [position for position, mark in marks.items() if mark == "comma" and position not in unclear]
    if own:
        text = evidence[own[0]].clear_example
        notes.append(f"{_listed(texts, own)}: read with a decimal comma, {_shown(text)} is {_value_of(text, 'comma')}")
    if unclear:
        mark, text = marks[unclear[0]], evidence[unclear[0]].examples[EITHER]
        [leader, *_] = clear
        notes.append(
            f"{_listed(texts, unclear)}: read with {_NAMES[mark]} like {texts.headers[leader]!r} "
            f"({_shown(clear[leader].clear_example)}), so that {_shown(text)} is {_value_of(text, mark)}"
        )
    return notes


def _value_of(text: str, mark: DecimalMark) -> str:
    return _of(readings(text), mark)


def _listed(texts: TextColumns, positions: Sequence[int]) -> str:
    names = [repr(texts.headers[position]) for position in positions]
    more = f" and {len(names) - _PROBLEMS_SHOWN} more" if len(names) > _PROBLEMS_SHOWN else ""
    return ", ".join(names[:_PROBLEMS_SHOWN]) + more


def _shown(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")
