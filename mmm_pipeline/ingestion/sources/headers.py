"""Which column of a source plays which role: header spelling does not matter, ambiguity does."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.settings.pipeline import ColumnSettings

__all__ = ["OPTIONAL_ROLES", "REQUIRED_ROLES", "Roles", "campaign_columns", "normalised", "resolve_roles"]

REQUIRED_ROLES = ("date", "channel", "media", "spend", "kpi")
OPTIONAL_ROLES: Mapping[str, tuple[str, ...]] = {
    "brand": ("Brand Alias", "Brand"),
    "marketplace": ("Marketplace",),
}
_IGNORED = re.compile(r"[\s_/\-\u200b\u2060\ufeff]+")


@dataclass(frozen=True)
class Roles:
    """The columns of a source.

    Attributes:
        names: every header as the source spells it; `column N` where it has none.
        positions: role -> position of its column.
    """

    names: tuple[str, ...]
    positions: Mapping[str, int]

    def header(self, role: str) -> str:
        """The header of a role as the source spells it."""
        return self.names[self.positions[role]]


def normalised(header: str) -> str:
    """A header without what does not matter in it: case, spaces, `_`, `-`, `/`."""
    return _IGNORED.sub("", unicodedata.normalize("NFKC", header).casefold())


def campaign_columns(columns: ColumnSettings) -> dict[str, str]:
    """Role -> header asked for, of the required roles and, where markets are to be told apart, of `market`."""
    roles = REQUIRED_ROLES if columns.market is None else (*REQUIRED_ROLES, "market")
    return {role: getattr(columns, role) for role in roles}


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
        setting: section of the settings that names the headers, for messages.
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
    listed = ", ".join(repr(header) for header in headers if header.strip()) or "no header at all"
    wanted = ", ".join(f"{setting}.{role}" for role in missing)
    return (
        f"{where}: {len(missing)} required column(s) missing:\n"
        + "\n".join(lines)
        + f"\n  found: {listed}\n  Rename the column(s) or set {wanted} in pipeline.yaml"
    )
