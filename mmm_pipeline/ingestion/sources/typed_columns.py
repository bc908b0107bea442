"""Columns that have types already, as text like every other source: what Parquet, Arrow and DuckDB share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.layout import Layout

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["UnknownZone", "as_text", "column", "first_line", "number_positions", "zones_of"]

_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})")
_ZONE_NAME = re.compile(r"[A-Za-z0-9_+/-]{1,64}")


def number_positions(schema: pa.Schema) -> list[int]:
    """Positions of the columns of numbers."""
    import pyarrow as pa

    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return [at for at, field in enumerate(schema) if any(test(field.type) for test in tests)]


def zones_of(schema: pa.Schema) -> dict[int, str]:
    """Position -> time zone of every column of timestamps that has one."""
    return {at: field.type.tz for at, field in enumerate(schema) if getattr(field.type, "tz", None) is not None}


def first_line(error: Exception) -> str:
    """What an error of a library says, without its hints."""
    return str(error).strip().splitlines()[0]


def column(position: int) -> str:
    """What a column of the source is called while it is read."""
    return f"c{position}"


def as_text(layout: Layout, zones: Mapping[int, str]) -> str:
    """The columns of staging as expressions over those of the source, which are called c0, c1, ...

    Args:
        layout: which ones.
        zones: position -> time zone of a column of timestamps.

    Raises:
        UnknownZone: there is no such zone.
    """
    texts = []
    for position in layout.kept:
        value = _in_zone(position, zones[position]) if position in zones else column(position)
        texts.append(f"NULLIF(CAST({value} AS VARCHAR), '')")
    if layout.is_wide:
        others = [column(position) for position in range(len(layout.headers)) if position not in layout.kept]
        nothing = ", ".join(["NULL"] * len(others))
        texts.append(f"CAST(NULLIF(hash({', '.join(others)}), hash({nothing})) AS VARCHAR)")
    return ", ".join(texts)


def _in_zone(position: int, zone: str) -> str:
    """The local time of a timestamp; DuckDB knows zones by name only, Arrow also by offset."""
    if offset := _OFFSET.fullmatch(zone):
        minutes = int(offset[2]) * 60 + int(offset[3])
        return f"timezone('UTC', {column(position)}) {offset[1]} INTERVAL {minutes} MINUTE"
    if not _ZONE_NAME.fullmatch(zone) or not _is_zone(zone):
        raise UnknownZone(position, zone)
    return f"timezone('{zone}', {column(position)})"


def _is_zone(name: str) -> bool:
    import duckdb

    query = "SELECT COUNT(*) FROM pg_timezone_names() WHERE lower(name) = lower($name)"
    [(found,)] = duckdb.execute(query, {"name": name}).fetchall()
    return bool(found)


class UnknownZone(Exception):
    """A time zone that DuckDB does not know.

    Attributes:
        position: of the column.
        zone: its text.
    """

    def __init__(self, position: int, zone: str) -> None:
        super().__init__(zone)
        self.position = position
        self.zone = zone

    def refusal(self, path: Path, names: Sequence[str]) -> CampaignDataError:
        """What to tell of it; `names`: those of the columns."""
        return CampaignDataError(
            f"{path}: column {names[self.position]!r} has the time zone {self.zone!r}, which is not known: accepted "
            "are an offset such as +09:00 and a name such as Asia/Seoul. Write it as dates, or in one of these zones"
        )
