"""The grid of model specs: one Dagster partition each."""

from __future__ import annotations

import dagster as dg

from mmm_pipeline.settings.pipeline import ModelSettings

__all__ = ["ADSTOCK_DIMENSION", "DEGREES_DIMENSION", "grid_of", "grid_range", "range_of", "spec_keys"]

ADSTOCK_DIMENSION = "adstock"
DEGREES_DIMENSION = "degrees"


def grid_of(model: ModelSettings) -> dg.MultiPartitionsDefinition:
    """Adstock × seasonality degrees; keys read `carryover|2`."""
    return dg.MultiPartitionsDefinition(
        {
            ADSTOCK_DIMENSION: dg.StaticPartitionsDefinition(list(model.adstocks)),
            DEGREES_DIMENSION: dg.StaticPartitionsDefinition([str(degrees) for degrees in model.degrees]),
        }
    )


def spec_keys(model: ModelSettings) -> list[tuple[str, int]]:
    """All (adstock, degrees) of the grid, in its order."""
    return [(adstock, degrees) for adstock in model.adstocks for degrees in model.degrees]


def range_of(key: str) -> dict[str, str]:
    """Run tags that make one run cover a single spec and assets without partitions beside it."""
    return {"dagster/asset_partition_range_start": key, "dagster/asset_partition_range_end": key}


def grid_range(model: ModelSettings) -> dict[str, str]:
    """Run tags that make one run cover the whole grid (a range is the product of the dimensions)."""
    return {
        "dagster/asset_partition_range_start": f"{model.adstocks[0]}|{model.degrees[0]}",
        "dagster/asset_partition_range_end": f"{model.adstocks[-1]}|{model.degrees[-1]}",
    }
