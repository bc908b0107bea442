"""Which columns of a wide table are staged one by one: the needed ones. All others become one text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.headers import Roles, WantedColumns

__all__ = ["MOST_COLUMNS", "Layout"]

MOST_COLUMNS = 500
"""A table with more columns is wide: its rows would not fit into the memory that judging them may take."""

_OTHERS = "(other columns)"
_LONGEST_TEXT = 2_000


@dataclass(frozen=True)
class Layout:
    """How a row of the source becomes a row in staging.

    Attributes:
        headers: those of the source.
        kept: positions of the columns that are staged one by one.
        roles: the columns in staging.
    """

    headers: tuple[str, ...]
    kept: tuple[int, ...]
    roles: Roles

    @classmethod
    def of(cls, headers: Sequence[str], wanted: WantedColumns, where: str) -> Layout:
        """All columns of a table that is not wide; of a wide one those with a role.

        Raises:
            CampaignDataError: a required column is missing, or two have the same name; or the table is wide and every
                column counts.
        """
        roles = wanted.resolve(headers, where)
        if len(headers) <= MOST_COLUMNS:
            return cls(tuple(headers), tuple(range(len(headers))), roles)
        if wanted.needs_all:
            last = max((position for position, name in enumerate(headers) if name.strip()), default=0)
            raise CampaignDataError(
                f"{where}: has {len(headers):,} columns, the last one with a name is {headers[last][:100]!r} in column "
                f"{last + 1:,}; at most {MOST_COLUMNS} are read here: remove those that are not needed"
                + (", or name the needed ones in controls.columns" if wanted.setting == "controls" else "")
            )
        kept = tuple(sorted(set(roles.positions.values())))
        names = (*(roles.names[position] for position in kept), _OTHERS)
        positions = {role: kept.index(position) for role, position in roles.positions.items()}
        return cls(tuple(headers), kept, Roles(names, positions))

    @property
    def is_wide(self) -> bool:
        """Whether some columns share one text."""
        return len(self.kept) < len(self.headers)

    def position(self, role: str) -> int:
        """Position of a role's column in the source."""
        return self.kept[self.roles.positions[role]]

    def row(self, fields: Sequence[str | None]) -> list[str | None]:
        """The fields of a row, as wide as the header, for the columns in staging."""
        if not self.is_wide:
            return [*fields]
        return [*(fields[position] for position in self.kept), self._others(fields)]

    def _others(self, fields: Sequence[str | None]) -> str:
        """The other fields that are not blank; rows differ in this text if they differ in these columns."""
        text = "; ".join(self._named(fields))
        if len(text) <= _LONGEST_TEXT:
            return text
        return f"{text[:_LONGEST_TEXT]}... ({hashlib.sha256(text.encode()).hexdigest()})"

    def _named(self, fields: Sequence[str | None]) -> Iterator[str]:
        for position in self._other_positions:
            if value := fields[position]:
                yield f"{self.headers[position] or f'column {position + 1}'}={value}"

    @cached_property
    def _other_positions(self) -> tuple[int, ...]:
        kept = set(self.kept)
        return tuple(position for position in range(len(self.headers)) if position not in kept)
