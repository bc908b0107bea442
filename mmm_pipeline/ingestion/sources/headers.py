"""Which column of a source plays which role: header spelling does not matter, ambiguity does."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from mmm_pipeline.errors import CampaignDataError

__all__ = [
    "HEADER_ROWS",
    "OPTIONAL_ROLES",
    "HeaderRow",
    "Roles",
    "WantedColumns",
    "find_header",
    "normalised",
    "resolve_roles",
]

OPTIONAL_ROLES: Mapping[str, tuple[str, ...]] = {
    "brand": ("Brand Alias", "Brand"),
    "marketplace": ("Marketplace",),
}
HEADER_ROWS = 50
"""The header is one of the first rows, this many that are not blank: exports put a title and a period above it."""

_HEADERS_SHOWN = 30
_OF_A_CHANNEL = re.compile(r"(?i)._(s|i|p|spend|cost|impressions?|imps?|clicks?|views?|grps?)$")
_IGNORED = re.compile(r"[\s_/\-\u200b\u2060\ufeff]+")


@dataclass(frozen=True)
class Roles:
    """The columns of a source.

    Attributes:
        names: every header as the source spells it; `column N` where it has none.
        positions: role -> position of its column.
        header_positions: role -> position of a column that has, row by row, the header that its value comes from.
    """

    names: tuple[str, ...]
    positions: Mapping[str, int]
    header_positions: Mapping[str, int] = field(default_factory=dict)

    def header(self, role: str) -> str:
        """The header of a role as the source spells it."""
        return self.names[self.positions[role]]

    def has(self, header: str) -> bool:
        """Whether a column has this header."""
        return normalised(header) in map(normalised, self.names)

    def position(self, header: str, *, where: str, setting: str) -> int:
        """Position of the column with a header, whatever role it plays.

        Raises:
            CampaignDataError: there is none; the message names `where` and `setting`.
        """
        for position, name in enumerate(self.names):
            if normalised(name) == normalised(header):
                return position
        listed = ", ".join(map(repr, self.names))
        raise CampaignDataError(f"{where}: {setting} names the column {header!r}, which is not there; found: {listed}")


@dataclass(frozen=True)
class WantedColumns:
    """What the reader of a table looks for in it.

    Attributes:
        required: role -> header asked for.
        setting: section of the settings that names the headers, for messages; empty: none does.
        sheet_setting: the setting that names the sheets of a workbook.
        optional: role -> headers accepted for it; a role that is absent is left out.
        needs_all: every other column counts, too.
        matched: (headers, source) -> further required roles that the headers themselves tell, and the header of each.
    """

    required: Mapping[str, str]
    setting: str
    sheet_setting: str
    optional: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    needs_all: bool = False
    matched: Callable[[Sequence[str], str], Mapping[str, str]] | None = None

    @property
    def date(self) -> str:
        """The date's header, normalised."""
        return normalised(self.required["date"])

    def found_in(self, headers: Iterable[str]) -> int:
        """How many of the required headers are there."""
        return len({normalised(name) for name in self.required.values()} & {normalised(name) for name in headers})

    def all_in(self, headers: Iterable[str]) -> bool:
        """Whether all required headers are there."""
        return self.found_in(headers) == len({normalised(name) for name in self.required.values()})

    def resolve(self, headers: Sequence[str], where: str) -> Roles:
        """Find the column of every role; raises as `resolve_roles`."""
        required = {**self.required, **(self.matched(headers, where) if self.matched is not None else {})}
        return resolve_roles(headers, required, where=where, setting=self.setting, optional=self.optional)


@dataclass(frozen=True)
class HeaderRow:
    """The row that names the columns.

    Attributes:
        number: its line in the file, or its row in the sheet; the first is 1.
        names: its fields.
        above: rows above it that are not blank.
        is_complete: whether it holds all required headers.
    """

    number: int
    names: tuple[str, ...]
    above: int
    is_complete: bool


def find_header(rows: Iterable[tuple[int, Sequence[str]]], wanted: WantedColumns) -> HeaderRow | None:
    """The first of the rows that holds all required headers; failing that, the likeliest one, for the message.

    The likeliest holds most of them, and is not much narrower than the others: titles are. So is the header found where
    nothing in particular is wanted.

    Args:
        rows: number and fields of the rows that are not blank; the first `HEADER_ROWS` of them are looked at.
        wanted: what the header should hold.
    """
    seen: list[tuple[int, int, HeaderRow]] = []
    for above, (number, fields) in enumerate(islice(rows, HEADER_ROWS)):
        row = HeaderRow(number, tuple(fields), above, wanted.all_in(fields))
        if row.is_complete and wanted.required:
            return row
        seen.append((wanted.found_in(fields), sum(1 for name in fields if name.strip()), row))
    if not seen:
        return None
    most = max(found for found, _, _ in seen)
    best = [(filled, row) for found, filled, row in seen if found == most]
    widest = max(filled for filled, _ in best)
    return next(row for filled, row in best if 2 * filled > widest)


def normalised(header: str) -> str:
    """A header without what does not matter in it: case, spaces, `_`, `-`, `/`."""
    return _IGNORED.sub("", unicodedata.normalize("NFKC", header).casefold())


def resolve_roles(
    headers: Sequence[str],
    required: Mapping[str, str],
    *,
    where: str,
    setting: str,
    optional: Mapping[str, tuple[str, ...]] | None = None,
) -> Roles:
    """Find the column of every role.

    Args:
        headers: header of every column, in the source's order.
        required: role -> header asked for.
        where: the source, for messages.
        setting: section of the settings that names the headers, for messages; empty: none does.
        optional: role -> headers accepted for it; a role that is absent is left out.

    Raises:
        CampaignDataError: two headers are the same but for what does not matter, or required ones are missing; the
            message lists what was found, what is missing and the closest names.
    """
    found = _unique(headers, where)
    positions = {role: found.get(normalised(name)) for role, name in required.items()}
    missing = {role: required[role] for role, position in positions.items() if position is None}
    if missing:
        raise CampaignDataError(_missing(missing, headers, found, where, setting))
    for role, spellings in (optional or {}).items():
        positions[role] = next((found[key] for key in map(normalised, spellings) if key in found), None)
    names = tuple(header.strip() or f"column {position + 1}" for position, header in enumerate(headers))
    return Roles(names, {role: position for role, position in positions.items() if position is not None})


def _unique(headers: Sequence[str], where: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for position, header in enumerate(headers):
        key = normalised(header)
        if not key:
            continue
        if key in found:
            first = found[key]
            raise CampaignDataError(
                f"{where}: columns {first + 1} ({headers[first]!r}) and {position + 1} ({header!r}) have the same name "
                "(case, spaces, _, - and / do not count): rename or remove one of them"
            )
        found[key] = position
    return found


def _missing(
    missing: Mapping[str, str], headers: Sequence[str], found: Mapping[str, int], where: str, setting: str
) -> str:
    lines = []
    for role, name in missing.items():
        near = difflib.get_close_matches(normalised(name), found, n=3, cutoff=0.5)
        closest = ", ".join(repr(headers[found[key]]) for key in near) or "none is close"
        lines.append(f"  {role}: {name!r} is missing (closest: {closest})")
    named = [repr(header) for header in headers if header.strip()]
    more = f" and {len(named) - _HEADERS_SHOWN:,} more" if len(named) > _HEADERS_SHOWN else ""
    listed = ", ".join(named[:_HEADERS_SHOWN]) + more if named else "no header at all"
    settings = f" or set {', '.join(f'{setting}.{role}' for role in missing)} in pipeline.yaml" if setting else ""
    return (
        f"{where}: {len(missing)} required column(s) missing:\n"
        + "\n".join(lines)
        + f"\n  found: {listed}\n  Rename the column(s){settings}"
        + (_wide_hint(headers) if setting == "columns" and "channel" in missing else "")
    )


def _wide_hint(headers: Sequence[str]) -> str:
    """What to set where a table without a channel column has columns per channel; empty where none looks like one."""
    likely = [header for header in headers if _OF_A_CHANNEL.search(header.strip())]
    if not likely:
        return ""
    named = ", ".join(map(repr, likely[:_HEADERS_SHOWN]))
    return (
        f"\n  Has the table columns per channel? Then say which are spend and which media: columns.wide, e.g. "
        f"{{tv: {{spend: tv_spend, media: tv_impressions}}}}, or columns.patterns. It could be {named}"
    )
