"""One Dagster partition per week or month, over everything; and the grid of model specs, one asset each.

A run has one partition, so a refresh can only be one run when all of its assets share one partitions definition. The
specs are therefore assets of their own (`fitted_model/carryover_2`), each partitioned by time like all others.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

import dagster as dg

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings.pipeline import ModelSettings, Settings

__all__ = ["FITTED_MODEL", "is_of_specs_only", "partition_of_run", "partitions_of", "spec_asset", "spec_assets"]
__all__ += ["spec_keys"]

FITTED_MODEL = "fitted_model"
_PARTITION = "dagster/partition"
_RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def partitions_of(settings: Settings, known: dt.date | None) -> dg.TimeWindowPartitionsDefinition:
    """The weeks or months that can be filled: from the first that is worth it to the one that is going on.

    Args:
        settings: in force.
        known: first day that is worth a partition, by the data; None: not known yet.
    """
    calendar = settings.calendar
    return dg.TimeWindowPartitionsDefinition(
        start=calendar.first_offered(settings.refreshes.first, known).isoformat(),
        fmt="%Y-%m-%d",
        cron_schedule=calendar.cron,
        timezone=calendar.timezone,
        end_offset=1,
    )


def partition_of_run(tags: Mapping[str, str]) -> str | None:
    """The partition that a run is for, by its tags; None for a run of assets without partitions.

    Raises:
        SettingsError: the run is to cover several, which would share one set of tables.
    """
    if _PARTITION in tags:
        return tags[_PARTITION]
    first, last = (tags.get(name) for name in _RANGE)
    if first != last:
        raise SettingsError(f"the run is for the partitions {first} to {last}: launch one run for each of them")
    return first


def spec_keys(model: ModelSettings) -> list[str]:
    """Keys of all specs of the grid, in its order: `carryover|2`."""
    return [f"{adstock}|{degrees}" for adstock in model.adstocks for degrees in model.degrees]


def spec_asset(key: str) -> dg.AssetKey:
    """The asset that is the fit of a spec: `fitted_model/carryover_2` for `carryover|2`."""
    return dg.AssetKey([FITTED_MODEL, key.replace("|", "_")])


def spec_assets(model: ModelSettings) -> Sequence[dg.AssetKey]:
    """Those of the whole grid, in its order."""
    return [spec_asset(key) for key in spec_keys(model)]


def is_of_specs_only(assets: Collection[dg.AssetKey] | None) -> bool:
    """Whether a run was launched for nothing but fits of single specs."""
    return bool(assets) and all(len(key.path) > 1 and key.path[0] == FITTED_MODEL for key in assets or ())
