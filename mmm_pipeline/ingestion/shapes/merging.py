"""Channels that the settings add up to one."""

from __future__ import annotations

import difflib

import pandas as pd

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings.tables import ChannelSettings

__all__ = ["merged_channels"]


def merged_channels(sums: pd.DataFrame, rules: ChannelSettings) -> pd.DataFrame:
    """The daily sums with the channels of `channels.merge` added up.

    Args:
        sums: `date`, `channel`, `kind`, perhaps `market`, sums, `row_count` and `first_line`.
        rules: the section `channels`.

    Raises:
        SettingsError: a channel is not there, the new name is that of another channel, or their kinds differ.
    """
    if not rules.merge:
        return sums
    kinds = sums.groupby("channel")["kind"].min()
    new_names: dict[str, str] = {}
    for name, parts in rules.merge.items():
        for part in parts:
            if part not in kinds.index:
                near = difflib.get_close_matches(part, list(kinds.index), n=3, cutoff=0.4)
                listed = ", ".join(map(repr, near or list(kinds.index)))
                raise SettingsError(
                    f"channels.merge.{name} names {part!r}, which is no channel of the data; "
                    + (f"closest: {listed}" if near else f"channels: {listed}")
                )
            new_names[part] = name
        if name in kinds.index and name not in parts:
            raise SettingsError(
                f"channels.merge.{name}: the data has a channel of that name: choose another, or list it"
            )
        found = {str(kinds[part]) for part in parts}
        if len(found) > 1:
            told = ", ".join(f"{part!r} is {kinds[part]}" for part in parts)
            raise SettingsError(f"channels.merge.{name} adds up channels of several kinds ({told}): merge those of one")
    sums = sums.assign(channel=sums["channel"].replace(new_names))
    by = [column for column in ("date", "market", "channel") if column in sums]
    measures = dict.fromkeys(("media_units", "spend", "kpi", "row_count"), "sum")
    merged = sums.groupby(by, as_index=False).agg({"kind": "min", **measures, "first_line": "min"})
    return merged[list(sums.columns)]
