"""Wide tables, with columns per channel: which columns a channel has, and the table as one row per channel."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.headers import Roles, normalised
from mmm_pipeline.settings.plain_names import plain_name
from mmm_pipeline.settings.tables import ChannelKind, ColumnSettings, WideChannel, kind_of
from mmm_pipeline.storage.warehouse.dialect import Dialect

__all__ = ["PARTS", "Melt", "WideColumns", "matched_channels", "wide_roles"]

PARTS = ("media", "spend")
_OF = " of "
_SHOWN = 5


@dataclass(frozen=True)
class WideColumns:
    """The columns of one channel.

    Attributes:
        channel: its name.
        positions: `media`, `spend` -> position of its column.
    """

    channel: str
    positions: Mapping[str, int]

    @property
    def kind(self) -> ChannelKind:
        return kind_of(media="media" in self.positions, spend="spend" in self.positions)


def wide_roles(channels: Mapping[str, WideChannel]) -> dict[str, str]:
    """Role -> header of the channels that the settings list."""
    roles = {}
    for name, columns in channels.items():
        for part in PARTS:
            header = getattr(columns, part)
            if header is not None:
                roles[f"{part}{_OF}{name}"] = header
    return roles


def matched_channels(
    columns: ColumnSettings, taken: Mapping[str, str], headers: Sequence[str], where: str
) -> dict[str, str]:
    """Role -> header of the channels that `columns.patterns` finds, beside those of `columns.wide`.

    Args:
        columns: with patterns.
        taken: headers that are no channel's, and what they are.
        headers: of the table.
        where: the source, for messages.

    Raises:
        CampaignDataError: a header fits both patterns or gives no name, a channel is found that `columns.wide` lists
            too, or there is no channel at all; or a column looks like those of the listed channels and is none.
    """
    listed = wide_roles(columns.wide)
    other = {normalised(header) for header in (*listed.values(), *taken)}
    found: dict[str, str] = {}
    for header in headers:
        if not header.strip() or normalised(header) in other:
            continue
        names = {
            part: name for part in PARTS if (name := _name_in(header, getattr(columns.patterns, part))) is not None
        }
        if len(names) > 1:
            raise CampaignDataError(
                f"{where}: the column {header!r} could be spend ({columns.patterns.spend}) or media "
                f"({columns.patterns.media}): make the patterns of columns.patterns longer, or list its channel in "
                "columns.wide"
            )
        for part, name in names.items():
            role = f"{part}{_OF}{name}"
            if role in found or role in listed:
                known = found.get(role) or listed[role]
                raise CampaignDataError(
                    f"{where}: the columns {known!r} and {header!r} are both the {part} of channel {name!r}: rename "
                    "one of them, or list the channels in columns.wide"
                )
            found[role] = header
    if not found and not listed:
        asked = ", ".join(
            f"{part}: {pattern}" for part in PARTS if (pattern := getattr(columns.patterns, part)) is not None
        )
        shown = ", ".join(repr(header) for header in headers if header.strip() and normalised(header) not in other)
        raise CampaignDataError(
            f"{where}: no column fits columns.patterns ({asked}); the columns are {shown}. Correct the patterns, or "
            "list the channels in columns.wide"
        )
    if not found and {normalised(header) for header in listed.values()} <= set(map(normalised, headers)):
        _require_all_listed(columns, listed, other, headers, where)
    return found


def _require_all_listed(
    columns: ColumnSettings, listed: Mapping[str, str], other: Collection[str], headers: Sequence[str], where: str
) -> None:
    """Refuse columns that are named like those of the listed channels, and belong to none."""
    endings: dict[tuple[str, str], list[str]] = {}
    for role, header in listed.items():
        stem, mark, ending = header.rpartition("_")
        if stem and ending:
            endings.setdefault((role.partition(_OF)[0], mark + ending.casefold()), []).append(header)
    missing = []
    for (part, ending), examples in endings.items():
        if len(examples) > 1:
            missing += [
                (part, header)
                for header in headers
                if header.casefold().endswith(ending) and normalised(header) not in other
            ]
    if missing:
        shown = ", ".join(f"{header!r} ({part})" for part, header in missing[:_SHOWN])
        example = missing[0][1].rpartition("_")[0]
        raise CampaignDataError(
            f"{where}: {len(missing)} column(s) are named like those of the channels in columns.wide and belong to "
            f"none: {shown}. Add the channel to columns.wide, e.g. {example}: {{{missing[0][0]}: {missing[0][1]}}}; to "
            "leave it out of the model, name it in channels.exclude as well"
        )


def _name_in(header: str, pattern: str | None) -> str | None:
    """What stands in the place of the star; None where the header does not fit, or nothing stands there."""
    if pattern is None:
        return None
    before, _, after = pattern.casefold().partition("*")
    folded = header.strip().casefold()
    if len(folded) != len(header.strip()) or not (folded.startswith(before) and folded.endswith(after)):
        return None
    name = plain_name(header.strip()[len(before) : len(folded) - len(after)])
    return name or None


@dataclass(frozen=True)
class Melt:
    """A wide table as one row per channel; a channel without any value in a row has none there.

    Its columns are those of the wide table that are no channel's, in their order, then the channel, its kind, media
    and spend, and the headers of the columns that these two come from.

    Attributes:
        wide: the columns of the wide table; channels have roles such as `spend of tv`.
    """

    wide: Roles

    @cached_property
    def channels(self) -> tuple[WideColumns, ...]:
        """The channels, by their first column."""
        found: dict[str, dict[str, int]] = {}
        for role, position in sorted(self.wide.positions.items(), key=lambda pair: pair[1]):
            part, of, name = role.partition(_OF)
            if of and part in PARTS:
                found.setdefault(name, {})[part] = position
        return tuple(WideColumns(name, positions) for name, positions in found.items())

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """Positions of the columns that are no channel's."""
        mapped = {position for channel in self.channels for position in channel.positions.values()}
        return tuple(position for position in range(len(self.wide.names)) if position not in mapped)

    @cached_property
    def roles(self) -> Roles:
        """The columns of the result."""
        names = [self.wide.names[position] for position in self.kept]
        at = len(names)
        positions = {role: self.kept.index(it) for role, it in self.wide.positions.items() if it in self.kept}
        positions |= {"channel": at, "kind": at + 1, "media": at + 2, "spend": at + 3}
        names += ["channel", "kind", "media", "spend", "media column", "spend column"]
        return Roles(tuple(names), positions, {"media": at + 4, "spend": at + 5})

    def sources(self, position: int) -> tuple[int, ...]:
        """Positions in the wide table that a column of the result is made of."""
        if position < len(self.kept):
            return (self.kept[position],)
        part = next((part for part in PARTS if self.roles.positions[part] == position), None)
        return tuple(it.positions[part] for it in self.channels if part in it.positions) if part else ()

    def select(
        self,
        source: str,
        dialect: Dialect,
        literal: Callable[[str], str],
        *,
        encode_lines: bool,
        cell: Callable[[int], str] = "c{}".format,
    ) -> str:
        """SELECT statement: `line_number` and the columns `c0`, `c1`, ... of the result.

        Args:
            source: what stands after FROM, with the columns of the wide table.
            dialect: of the statement.
            literal: a text as an expression.
            encode_lines: number the rows apart: `line_number` is that of the wide row times the number of channels,
                plus that of the channel.
            cell: position -> expression of a column of the wide table.
        """
        null = dialect.null("text")
        # Under other names, so that no column is taken for one of the result.
        wide = ", ".join(f"{cell(position)} AS w{position}" for position in range(len(self.wide.names)))

        def by_channel(value: Callable[[WideColumns], str]) -> str:
            cases = " ".join(f"WHEN {number} THEN {value(it)}" for number, it in enumerate(self.channels))
            return f"CASE part {cases} END"

        def cell_of(part: str) -> Callable[[WideColumns], str]:
            return lambda it: f"w{it.positions[part]}" if part in it.positions else null

        def header_of(part: str) -> Callable[[WideColumns], str]:
            return lambda it: literal(self.wide.names[it.positions[part]]) if part in it.positions else null

        columns = [f"w{position}" for position in self.kept]
        columns += [by_channel(lambda it: literal(it.channel)), by_channel(lambda it: f"'{it.kind}'")]
        columns += [by_channel(cell_of(part)) for part in PARTS] + [by_channel(header_of(part)) for part in PARTS]
        named = ", ".join(f"{column} AS c{position}" for position, column in enumerate(columns))
        line = f"line_number * {len(self.channels)} + part AS line_number" if encode_lines else "line_number"
        parts = " UNION ALL ".join(f"SELECT {number} AS part" for number in range(len(self.channels)))
        filled = by_channel(
            lambda it: f"COALESCE({', '.join(f'w{at}' for at in it.positions.values())}, NULL) IS NOT NULL"
        )
        return f"""
            SELECT {line}, {named} FROM (SELECT line_number, {wide} FROM {source}) AS wide
            CROSS JOIN ({parts}) AS parts WHERE {filled}"""
