"""How Dagster stores what assets return: tables in the warehouse, arrays as netCDF. No pickles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dagster as dg
import pandas as pd

from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.orchestration.metadata.table_preview import preview
from mmm_pipeline.orchestration.resources.workspace import RunWorkspace
from mmm_pipeline.storage.generations import version_of

__all__ = ["NetcdfIOManager", "NoIOManager", "TableIOManager"]

_FIRST_ROWS = 10


@dataclass(frozen=True)
class TableIOManager(dg.IOManager):
    """A DataFrame as the warehouse table of the asset's name, replaced as a whole."""

    workspace: RunWorkspace

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame) -> None:
        warehouse, name = self.workspace.warehouse(), context.asset_key.path[-1]
        warehouse.write_table(name, obj)
        self.workspace.made(name, version_of(obj))
        context.add_output_metadata({"dagster/row_count": len(obj), "rows_are_in": warehouse.place})
        # What an asset says of its own is not said twice.
        if not any(isinstance(value, dg.TableMetadataValue) for value in context.output_metadata.values()):
            context.add_output_metadata({"first_rows": preview(obj, rows=_FIRST_ROWS)})
        for job in warehouse.take_jobs():
            context.add_output_metadata({"load_job": dg.MetadataValue.url(job.console_url)})

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        return self.workspace.warehouse().read_table(context.asset_key.path[-1])


@dataclass(frozen=True)
class NetcdfIOManager(dg.IOManager):
    """An xarray Dataset as one netCDF file, written to a temporary file and renamed."""

    workspace: RunWorkspace

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        import xarray as xr

        if not isinstance(obj, xr.Dataset):
            raise StoredResultError(f"{context.asset_key}: only xarray Datasets are stored, got {type(obj).__name__}")
        name = context.asset_key.path[-1]
        path = self.workspace.artifacts().write_dataset(name, obj)
        self.workspace.made(name, version_of(obj))
        context.add_output_metadata({"path": dg.MetadataValue.path(str(path))})

    def load_input(self, context: dg.InputContext) -> Any:
        return self.workspace.artifacts().read_dataset(context.asset_key.path[-1])


class NoIOManager(dg.IOManager):
    """Stands where Dagster would put its own default, which pickles and lets run config choose its folder."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        if obj is not None:
            raise StoredResultError(f"{context.step_key}: only `tables` and `arrays` store values: name one of them")

    def load_input(self, context: dg.InputContext) -> Any:
        raise StoredResultError(f"{context.name}: only `tables` and `arrays` have stored values: name one of them")
