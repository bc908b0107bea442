"""Which role each column of a table plays, how sure that is, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mmm_pipeline.ingestion.detection.presets import preset_of
from mmm_pipeline.ingestion.detection.profile import ColumnProfile, TableProfile
from mmm_pipeline.ingestion.detection.vocabulary import SUFFIXES, is_helper, looks_like

__all__ = ["ColumnRole", "Role", "roles_of"]

Role = Literal[
    "date", "channel", "media", "spend", "reach", "frequency", "kpi", "revenue_per_kpi", "market", "population",
    "control", "treatment", "event", "ignored",
]  # fmt: skip

_PER_KPI = re.compile(r"(revenue|value|price|umsatz|sales)[ _]per[ _]", re.IGNORECASE)
_NUMBERED_CHANNEL = re.compile(r"x\d+(?:[_-](?P<name>.+))?", re.IGNORECASE)
_NUMBERED_CONTROL = re.compile(r"(c|z|ctrl|control)_?\d+", re.IGNORECASE)
_IDENTIFIER = re.compile(r"(^|[ _-])id$", re.IGNORECASE)
_DATE_ORDER = ("date", "day", "week", "month", "time", "created", "start")
_FEW_EVENTS = 30


@dataclass(frozen=True)
class ColumnRole:
    """What a column is taken for.

    Attributes:
        header: as the source spells it.
        role: of the column.
        why: in a few words.
        channel: of a wide table, the name of the channel that the column belongs to.
        others: other roles or columns it may as well be; empty: there is no doubt.
    """

    header: str
    role: Role
    why: str
    channel: str | None = None
    others: tuple[str, ...] = ()

    @property
    def is_sure(self) -> bool:
        return not self.others


def roles_of(table: TableProfile) -> tuple[ColumnRole, ...]:
    """A role for every column, in their order."""
    known = preset_of(column.header for column in table.columns)
    if known is not None:
        preset, found = known
        credited = {header.casefold() for header in preset.credited}
        by_header = {header: role for role, header in found.items()}
        return tuple(
            ColumnRole(it.header, by_header[it.header], f"as {preset.name} calls it")  # type: ignore[arg-type]
            if it.header in by_header
            else _credited(it, preset.name)
            if it.header.casefold() in credited
            else ColumnRole(it.header, "ignored", f"not needed of an export of {preset.name}")
            for it in table.columns
        )
    roles = {it.header: _own_role(it, table) for it in table.columns}
    _choose_date(table, roles)
    _choose_channel(table, roles)
    _choose_kpi(table, roles)
    return tuple(roles[it.header] for it in table.columns)


def _credited(column: ColumnProfile, platform: str) -> ColumnRole:
    if column.holds != "number":
        return ColumnRole(column.header, "ignored", "not needed")
    return ColumnRole(column.header, "kpi", f"results that {platform} credits to its ads", others=("ignored",))


def _own_role(column: ColumnProfile, table: TableProfile) -> ColumnRole:
    """What the column says by itself; what only the others can tell is chosen afterwards."""
    header = column.header

    def role(name: Role, why: str, channel: str | None = None, others: tuple[str, ...] = ()) -> ColumnRole:
        return ColumnRole(header, name, why, channel, others)

    if column.holds == "nothing":
        return role("ignored", "has no values")
    if column.holds == "date":
        return role("date", "holds dates")
    if is_helper(header) or _IDENTIFIER.search(header) or _counts_rows(column, table):
        return role("ignored", "a row number, an identifier, or a part of the date")
    if column.holds == "text":
        return _of_text(column, table)
    if looks_like("population", header):
        return role("population", "its name")
    if _PER_KPI.search(header):
        return role("revenue_per_kpi", "its name")
    for part in ("truth", "reach", "frequency"):
        stem = _stem(header, part, table)
        if stem is not None and part == "truth":
            if any(other.header == stem for other in table.columns):
                return role("ignored", f"looks computed from {stem!r}, by its name")
        elif stem is not None:
            return role("reach" if part == "reach" else "frequency", "the end of its name", channel=stem)
    if column.is_switch and not looks_like("treatment", header):
        return role("event", "0 or 1 only")
    if _stem(header, "control", table) is not None or _NUMBERED_CONTROL.fullmatch(header):
        return role("control", "its name")
    for part in ("spend", "media"):
        stem = _stem(header, part, table)
        if stem is not None:
            return role("spend" if part == "spend" else "media", "the end of its name", channel=stem)
    numbered = _NUMBERED_CHANNEL.fullmatch(header)
    if numbered is not None and not column.negative:
        return role(
            "spend",
            "named like a numbered input, so a channel of which only spend is known",
            numbered["name"] or header,
            ("media", "control"),
        )
    return _of_name(column, table)


def _of_name(column: ColumnProfile, table: TableProfile) -> ColumnRole:
    header = column.header
    if header.strip().casefold() == "media":  # the default header; beside names of channels it can be nothing else
        has_names = any(it.holds == "text" for it in table.columns)
        return ColumnRole(header, "media", "its name", others=() if has_names else ("spend", "control", "kpi"))
    named: tuple[tuple[str, Role], ...] = (("money", "kpi"), ("spend", "spend"), ("media", "media"))
    for words, found in named:
        if looks_like(words, header):
            return ColumnRole(header, found, "its name")
    if looks_like("organic", header) and not column.negative:
        return ColumnRole(header, "media", "its name: media without spend", header)
    if looks_like("treatment", header):
        return ColumnRole(header, "treatment", "its name", others=("control",))
    if looks_like("control", header):
        return ColumnRole(header, "control", "its name")
    if looks_like("count", header):
        return ColumnRole(header, "kpi", "its name")
    return ColumnRole(header, "ignored", "numbers whose name says nothing", others=("control", "media", "spend", "kpi"))


def _of_text(column: ColumnProfile, table: TableProfile) -> ColumnRole:
    header = column.header
    if looks_like("market", header):
        if column.distinct > 1:
            return ColumnRole(header, "market", f"{column.distinct:,} different names")
        return ColumnRole(header, "ignored", "a market column with one name")
    if looks_like("channel", header):
        return ColumnRole(header, "channel", "its name")
    if "event" in header.casefold() and column.distinct <= _FEW_EVENTS and column.filled < table.rows:
        return ColumnRole(header, "event", "names on some dates only")
    return ColumnRole(header, "ignored", "text")


def _counts_rows(column: ColumnProfile, table: TableProfile) -> bool:
    """Whether the numbers are 0, 1, 2, ... over the rows."""
    return (
        column.whole
        and column.distinct == column.filled == table.rows
        and column.least in (0.0, 1.0)
        and column.most == (column.least or 0.0) + table.rows - 1
        and table.rows > 2
    )


def _stem(header: str, part: str, table: TableProfile) -> str | None:
    """The name before the ending that tells a part of a channel; None where the header has no such ending."""
    for ending in SUFFIXES[part]:
        is_letter = len(ending) == 2
        if is_letter and not any(it.header.endswith("_S") for it in table.columns):
            continue
        ends = header.endswith(ending) if is_letter else header.casefold().endswith(ending.casefold())
        if ends and len(header) > len(ending):
            return header[: -len(ending)].strip(" _-")
    return None


def _choose_date(table: TableProfile, roles: dict[str, ColumnRole]) -> None:
    """One of several columns of dates."""
    dated = [it.header for it in table.columns if roles[it.header].role == "date"]
    if len(dated) < 2:
        return

    def rank(header: str) -> int:
        return next((at for at, word in enumerate(_DATE_ORDER) if word in header.casefold()), len(_DATE_ORDER))

    best = min(dated, key=rank)
    rest = tuple(header for header in dated if header != best)
    roles[best] = replace(roles[best], why=f"of {len(dated)} columns of dates the likeliest by its name", others=rest)
    for header in rest:
        roles[header] = ColumnRole(header, "ignored", f"another column of dates; {best!r} is taken")


def _choose_channel(table: TableProfile, roles: dict[str, ColumnRole]) -> None:
    """One of several columns of names, and none where the table has columns per channel."""
    named = [it for it in table.columns if roles[it.header].role == "channel"]
    plain = [it for it in table.columns if roles[it.header].role in ("spend", "media") and not roles[it.header].channel]
    if not plain:
        for it in named:
            roles[it.header] = ColumnRole(it.header, "ignored", "names, and no columns of spend or media beside them")
        return
    if not named:
        texts = [it for it in table.columns if it.holds == "text" and roles[it.header].role == "ignored"]
        named = [it for it in texts if 1 < it.distinct < table.rows]
    if not named:
        return
    best = min(
        named, key=lambda it: (not _is_platform(it.header), not it.distinct > 1, it.header.casefold().endswith("id"))
    )
    rest = tuple(it.header for it in named if it is not best and not it.header.casefold().endswith("id"))
    roles[best.header] = ColumnRole(
        best.header, "channel", f"{best.distinct:,} different names", others=tuple(header for header in rest)
    )
    for it in named:
        if it is not best:
            roles[it.header] = ColumnRole(it.header, "ignored", f"finer or coarser names; {best.header!r} is taken")
    for part in ("spend", "media"):
        _one_of(table, roles, part, plain)


def _is_platform(header: str) -> bool:
    return any(word in header.casefold() for word in ("channel", "platform", "채널", "매체"))


def _one_of(table: TableProfile, roles: dict[str, ColumnRole], part: str, plain: Sequence[ColumnProfile]) -> None:
    """Of several columns of media units of a long table, impressions before the others."""
    found = [it for it in plain if roles[it.header].role == part]
    if len(found) < 2:
        return
    best = next((it for it in found if "impr" in it.header.casefold()), found[0])
    rest = tuple(it.header for it in found if it is not best)
    roles[best.header] = replace(roles[best.header], others=() if "impr" in best.header.casefold() else rest)
    for header in rest:
        roles[header] = ColumnRole(header, "ignored", f"{best.header!r} is taken for the {part}")


def _choose_kpi(table: TableProfile, roles: dict[str, ColumnRole]) -> None:
    """One of several columns that may be the KPI: money before counts, totals before parts."""
    found = [it for it in table.columns if roles[it.header].role == "kpi"]
    if len(found) < 2:
        return

    def rank(it: ColumnProfile) -> tuple[bool, bool, int]:
        return (not looks_like("money", it.header), "total" not in it.header.casefold(), it.position)

    best = min(found, key=rank)
    rest = tuple(it.header for it in found if it is not best)
    roles[best.header] = replace(roles[best.header], others=rest)
    for header in rest:
        roles[header] = ColumnRole(header, "ignored", f"may be the KPI; {best.header!r} is taken")
