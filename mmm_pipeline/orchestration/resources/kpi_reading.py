"""What the KPI of a run is measured in, for the assets that compare returns with break-even."""

from __future__ import annotations

from mmm_pipeline.settings.kpi import KpiReading, read_kpi
from mmm_pipeline.storage.workspace import Workspace

__all__ = ["kpi_reading"]


def kpi_reading(workspace: Workspace) -> KpiReading:
    """By the settings, the name of the column and the sums of KPI and spend."""
    settings, warehouse = workspace.settings(), workspace.warehouse()
    kpi, spend = (
        float(warehouse.read_table(name)[it].sum()) for name, it in (("kpi_series", "kpi"), ("media_matrix", "spend"))
    )
    return read_kpi(settings.columns.kpi, settings.kpi.kind, kpi, spend)
