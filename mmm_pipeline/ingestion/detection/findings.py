"""Tables taken together: which has the media, which the KPI, which channels there are and of which kind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.detection.profile import TableProfile, profile_file
from mmm_pipeline.ingestion.detection.roles import ColumnRole, Role, roles_of
from mmm_pipeline.ingestion.detection.steps import FoundStep, step_of
from mmm_pipeline.ingestion.detection.weeks import FoundWeeks, weeks_of
from mmm_pipeline.settings.sources import DateOrderSetting, DecimalSetting

__all__ = ["Detection", "FoundChannel", "FoundTable", "detect", "with_answer"]

Part = Literal["media", "spend", "reach", "frequency"]
_PARTS: tuple[Part, ...] = get_args(Part)
_MEDIA_WORDS = re.compile(r"[ _-](clicks?|impressions?|impr|views?|grps?|sent|opens)$", re.IGNORECASE)


@dataclass(frozen=True)
class FoundChannel:
    """A channel of a wide table.

    Attributes:
        name: its name.
        columns: part -> header.
    """

    name: str
    columns: Mapping[Part, str]

    @property
    def kind(self) -> str:
        if "reach" in self.columns and "frequency" in self.columns:
            return "reach_frequency"
        if "spend" in self.columns:
            return "paid" if "media" in self.columns else "spend_only"
        return "organic"


@dataclass(frozen=True)
class FoundTable:
    """A table and what it is taken for.

    Attributes:
        profile: what it holds.
        roles: of its columns, in their order.
        step: of its dates; None: it has none.
    """

    profile: TableProfile
    roles: tuple[ColumnRole, ...]
    step: FoundStep | None

    def headers(self, role: Role) -> tuple[str, ...]:
        """Headers of the columns of a role."""
        return tuple(it.header for it in self.roles if it.role == role)

    def header(self, role: Role) -> str | None:
        """Header of the first column of a role."""
        return next(iter(self.headers(role)), None)

    @property
    def has_media(self) -> bool:
        return bool(self.headers("spend") or self.headers("media"))

    @property
    def is_wide(self) -> bool:
        """Whether it has columns per channel."""
        return self.has_media and self.header("channel") is None

    @property
    def channels(self) -> tuple[FoundChannel, ...]:
        """Of a wide table, by their first column."""
        if not self.is_wide:
            return ()
        owned = [it for it in self.roles if it.role in _PARTS]
        spends = {(it.channel or it.header).casefold() for it in owned if it.role == "spend"}
        found: dict[str, tuple[str, dict[Part, str]]] = {}
        for it in owned:
            name = it.channel or it.header
            bare = _MEDIA_WORDS.sub("", name)
            if it.role != "spend" and name.casefold() not in spends and bare.casefold() in spends:
                name = bare
            part: Part = it.role  # type: ignore[assignment]
            found.setdefault(name.casefold(), (name, {}))[1].setdefault(part, it.header)
        return tuple(FoundChannel(name, columns) for name, columns in found.values())

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels; of a long table, where they are few."""
        if self.is_wide:
            return tuple(channel.name for channel in self.channels)
        header = self.header("channel")
        return self.profile.column(header).texts if header is not None else ()

    @property
    def doubts(self) -> tuple[ColumnRole, ...]:
        """Columns whose role is not sure, and would change the model."""
        return tuple(it for it in self.roles if not it.is_sure)


@dataclass(frozen=True)
class Detection:
    """What was found in all files.

    Attributes:
        tables: every table.
        media: the one with the media.
        kpi: the one with the KPI, which may be the same.
        controls: one with controls only; None: there is none of its own.
    """

    tables: tuple[FoundTable, ...]
    media: FoundTable
    kpi: FoundTable
    controls: FoundTable | None = None

    @property
    def used(self) -> tuple[FoundTable, ...]:
        """The tables that the settings name, each once."""
        named = (self.media, self.kpi, *((self.controls,) if self.controls is not None else ()))
        return tuple(table for at, table in enumerate(named) if not any(table is other for other in named[:at]))

    @property
    def doubts(self) -> tuple[tuple[FoundTable, ColumnRole], ...]:
        """What is not sure, table by table: of a table with media only, not what may be its KPI."""
        return tuple(
            (table, role)
            for table in self.used
            for role in table.doubts
            if (role.role != "kpi" or table is self.kpi)
            and (table.has_media or table is self.controls or role.role in ("date", "kpi"))
        )

    @property
    def weeks(self) -> FoundWeeks | None:
        """Which day of its week the dates of weekly tables are; None: there is no question about it."""
        return weeks_of([table.step for table in self.used if table.step is not None])

    @property
    def unsure_lines(self) -> int:
        """How many of the lines about what was found say "not sure": of any table, and of the weeks."""
        weeks = self.weeks
        return sum(len(table.doubts) for table in self.tables) + (weeks is not None and not weeks.is_sure)

    @property
    def is_sure(self) -> bool:
        """Whether there is nothing to ask; weeks without a hint are told, and taken to start on their date."""
        return not self.doubts


def detect(paths: Sequence[Path], date_order: DateOrderSetting = "auto", decimal: DecimalSetting = "auto") -> Detection:
    """Look at files and decide what they are.

    Args:
        paths: one or more.
        date_order: of day and month, where a column can be read in two ways.
        decimal: decimal mark of numbers that are text, where a column can be read in two ways.

    Raises:
        CampaignDataError: a file cannot be read, can be read in two ways, or no table has media, or no table a KPI.
    """
    return _joined(tuple(_found(table) for path in paths for table in profile_file(path, date_order, decimal)))


def with_answer(detection: Detection, table: FoundTable, role: ColumnRole, answer: str) -> Detection:
    """The same with one doubt answered.

    Args:
        detection: what was found.
        table: the table that the doubt is about.
        role: the doubt.
        answer: the role itself to keep it; else one of its `others`, a role or another column for this one.

    Raises:
        CampaignDataError: no table has media or a KPI any more.
    """
    roles = []
    for it in table.roles:
        if it.header == role.header:
            sure = replace(it, others=())
            if answer not in (role.role, role.header):
                new: Role = next((known for known in get_args(Role) if known == answer), "ignored")
                sure = ColumnRole(it.header, new, "as you said", it.channel)
            roles.append(sure)
        elif it.header == answer:
            roles.append(ColumnRole(it.header, role.role, "as you said"))
        else:
            roles.append(it)
    changed = replace(table, roles=tuple(roles), step=_step(table.profile, roles))
    return _joined(tuple(changed if it is table else it for it in detection.tables))


def _found(profile: TableProfile) -> FoundTable:
    roles = roles_of(profile)
    return FoundTable(profile, roles, _step(profile, roles))


def _step(profile: TableProfile, roles: Sequence[ColumnRole]) -> FoundStep | None:
    date = next((it.header for it in roles if it.role == "date"), None)
    dates = profile.dates.get(date or "", ())
    return step_of(dates) if dates else None


def _joined(tables: tuple[FoundTable, ...]) -> Detection:
    dated = [table for table in tables if table.header("date") is not None]
    media = [table for table in dated if table.has_media]
    if not media:
        raise CampaignDataError(_lacks(tables, "dates and spend or media"))
    chosen = media[0]
    own = [table for table in dated if table.header("kpi") is not None and not table.has_media]
    kpi = own[0] if own else next((table for table in media if table.header("kpi") is not None), None)
    if kpi is None:
        raise CampaignDataError(
            _lacks(tables, "a KPI")
            + ". The exports of advertising platforms have none: add the file of your sales, `mmm init ADS SALES`"
        )
    controls = next((it for it in dated if it is not chosen and it is not kpi and it.headers("control")), None)
    return Detection(tables, chosen, kpi, controls)


def _lacks(tables: Sequence[FoundTable], what: str) -> str:
    seen = "; ".join(
        f"{table.profile.where} has " + ", ".join(f"{it.header!r} ({it.role})" for it in table.roles)
        for table in tables
    )
    return f"no table with {what} was found: {seen}"
