"""The data that benchmarks run on: the train window of the real export where there is one, else one of its size."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

    from mmm_pipeline.mmm.data.model_data import ModelData

__all__ = [
    "benchmark_inputs",
    "benchmark_window",
    "demo_window",
    "export_inputs",
    "export_window",
    "simulated_window",
    "store_window",
    "stored_window",
]

EXPORT_DAYS, EXPORT_CHANNELS = 87, 19


def benchmark_window(export: Path | None = None) -> tuple[str, ModelData]:
    """What the data is, and the train window.

    Args:
        export: campaign file; default: the environment variable MMM_CAMPAIGN_DATA, or the file beside the checkout.
    """
    path = export or Path(os.environ.get("MMM_CAMPAIGN_DATA", "../shared/data/campaign_data.xlsx"))
    if path.is_file():
        return "train window of the real export", export_window(path)
    if export is not None:
        raise FileNotFoundError(f"{export}: no such campaign file")
    return "train window of a simulated market of the export's size", simulated_window()


def benchmark_inputs(export: Path | None = None) -> tuple[str, xr.Dataset]:
    """What the data is, and the model inputs, holdout included; found as by `benchmark_window`."""
    path = export or Path(os.environ.get("MMM_CAMPAIGN_DATA", "../shared/data/campaign_data.xlsx"))
    if path.is_file():
        return "the real export", export_inputs(path)
    from mmm_pipeline.mmm.simulation.simulate import simulate_market

    market = simulate_market(days=EXPORT_DAYS, channels=EXPORT_CHANNELS, seed=7)
    return "a simulated market of the export's size", market.dataset()


def export_window(path: Path) -> ModelData:
    """The train window of a campaign file, through the pipeline's own stages."""
    from mmm_pipeline.mmm import train_data

    return train_data(export_inputs(path))


def export_inputs(path: Path) -> xr.Dataset:
    """The model inputs of a campaign file, through the pipeline's own stages."""
    from mmm_pipeline.ingestion.matrix import build_media_matrix
    from mmm_pipeline.ingestion.model_inputs import build_model_inputs
    from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
    from mmm_pipeline.settings.pipeline import parse_settings
    from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse

    settings = parse_settings({"source": {"kind": "file", "path": str(path.resolve())}})
    with tempfile.TemporaryDirectory() as folder:
        warehouse = DuckDBWarehouse(Path(folder) / "warehouse.duckdb")
        load_campaigns(warehouse, settings)
        dataset, _ = build_model_inputs(build_media_matrix(warehouse, settings), settings)
    return dataset


def simulated_window(days: int = EXPORT_DAYS, channels: int = EXPORT_CHANNELS, seed: int = 7) -> ModelData:
    """The train window, all but 28 days, of a simulated market."""
    from mmm_pipeline.mmm import train_data
    from mmm_pipeline.mmm.simulation.simulate import simulate_market

    return train_data(simulate_market(days=days, channels=channels, seed=seed).dataset())


def demo_window() -> tuple[str, ModelData]:
    """What the data is, and the train window of the embedded demo market."""
    from mmm_pipeline.ingestion.sources.demo import write_demo_data

    with tempfile.TemporaryDirectory() as folder:
        path, _ = write_demo_data(Path(folder) / "demo.csv")
        return "train window of the demo market", export_window(path)


def store_window(data: ModelData, path: Path) -> None:
    """Write a window as an .npz file, for another process."""
    import numpy as np

    fields = {field.name: getattr(data, field.name) for field in dataclasses.fields(data) if field.name != "grid"}
    np.savez(path, allow_pickle=False, dates=data.dates, **fields)


def stored_window(path: Path) -> ModelData:
    """Read what `store_window` wrote."""
    import numpy as np

    from mmm_pipeline.mmm.data.model_data import ModelData
    from mmm_pipeline.mmm.data.time_grid import TimeGrid

    with np.load(path, allow_pickle=False) as stored:
        values = {name: stored[name] for name in stored.files}
    names = {name: tuple(map(str, values.pop(name))) for name in ("markets", "channels", "features", "events")}
    grid = TimeGrid.of_dates(values.pop("dates"))
    return ModelData(grid=grid, **names, **values)
