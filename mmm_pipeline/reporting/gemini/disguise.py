"""The tables under the names that leave the machine: cleaned, and replaced by codes where that is wanted."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mmm_pipeline.reporting.advice.rules import all_channels
from mmm_pipeline.reporting.findings.findings import findings
from mmm_pipeline.reporting.results.tables import ResultTables
from mmm_pipeline.reporting.text.names import clean, distinct
from mmm_pipeline.settings.pipeline import Settings

__all__ = ["Disguise", "disguised"]

_LABEL_LENGTH = 60


@dataclass(frozen=True)
class Disguise:
    """Tables that may be sent.

    Attributes:
        tables: the same results under the names that are sent.
        sent: name in the data -> name that is sent; channels, brands, marketplaces.
        shown: name that is sent -> name that a reader is shown, where the two differ.
        channel_of: name that is sent -> the channel's name in the data.
    """

    tables: ResultTables
    sent: Mapping[str, str]
    shown: Mapping[str, str]
    channel_of: Mapping[str, str]


def disguised(tables: ResultTables, *, codes: bool) -> Disguise:
    """Rename every channel, brand and marketplace in every table.

    Names are normalised (NFKC), freed of control and bidirectional characters and cut; with `codes`, channels become
    `CH-01` in order of contribution and the values of breakdowns `GROUP-01`, wherever they stand.

    Raises:
        StoredResultError: a table has no rows, or there is no champion.
    """
    labels = findings(tables).labels
    channels = [*labels, *(name for name in all_channels(tables) if name not in labels)]
    groups = dict.fromkeys(str(part["value"]) for part in tables.eda_profile.get("breakdown", ()) if part["value"])
    others = [name for name in groups if name not in channels]
    shown_names = {name: labels.get(name, clean(name)) for name in [*channels, *others]}
    if codes:
        sent = {name: f"CH-{number:02d}" for number, name in enumerate(channels, start=1)}
        sent |= {name: f"GROUP-{number:02d}" for number, name in enumerate(others, start=1)}
    else:
        names = [*channels, *others]
        sent = dict(zip(names, distinct(_cleaned(shown_names[name]) for name in names), strict=True))
    rename = _Renaming(sent)
    frames: dict[str, Any] = {
        field.name: rename.frame(getattr(tables, field.name))
        for field in dataclasses.fields(tables)
        if isinstance(getattr(tables, field.name), pd.DataFrame)
    }
    renamed = dataclasses.replace(
        tables, settings=_settings(tables.settings, rename), eda_profile=rename.value(tables.eda_profile), **frames
    )
    return Disguise(
        renamed,
        sent,
        {sent[name]: shown for name, shown in shown_names.items() if sent[name] != shown},
        {sent[name]: name for name in channels},
    )


class _Renaming:
    """Replaces names: a whole value by its new name, and names inside longer text."""

    def __init__(self, sent: Mapping[str, str]) -> None:
        self._sent = sent
        ordered = sorted((name for name in sent if name.strip()), key=len, reverse=True)
        self._inside = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        if text in self._sent:
            return self._sent[text]
        replaced = self._inside.sub(lambda match: self._sent[match[0]], text) if self._inside else text
        return unicodedata.normalize("NFKC", replaced)

    def value(self, value: Any) -> Any:
        """Every string of a JSON-like value but the keys and the codes of findings."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: item if key in ("code", "severity") else self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value

    def frame(self, frame: pd.DataFrame) -> pd.DataFrame:
        changed = {
            name: frame[name].map(lambda value: self.text(value) if isinstance(value, str) else value)
            for name in frame.columns
            if frame[name].dtype == object or isinstance(frame[name].dtype, pd.StringDtype)
        }
        return frame.assign(**changed)


def _settings(settings: Settings, rename: _Renaming) -> Settings:
    budget = settings.budget.model_copy(
        update={
            "locked": tuple(map(rename.text, settings.budget.locked)),
            "bounds": {rename.text(name): bounds for name, bounds in settings.budget.bounds.items()},
        }
    )
    channels = settings.channels.model_copy(update={"exclude": tuple(map(rename.text, settings.channels.exclude))})
    columns = settings.columns.model_copy(update={"kpi": _cleaned(settings.columns.kpi)})
    return settings.model_copy(update={"budget": budget, "channels": channels, "columns": columns})


def _cleaned(name: str) -> str:
    return clean(unicodedata.normalize("NFKC", name), limit=_LABEL_LENGTH)
