"""What the KPI of a run is measured in, for the assets that compare returns with break-even."""

from __future__ import annotations

from mmm_pipeline.settings.kpi import KpiReading, read_kpi
from mmm_pipeline.storage.workspace import Workspace

__all__ = ["kpi_reading"]


def kpi_reading(workspace: Workspace) -> KpiReading:
    """By the settings, the name of the column and the sums of the media matrix."""
    settings, matrix = workspace.settings(), workspace.warehouse().read_table("media_matrix")
    return read_kpi(settings.columns.kpi, settings.kpi.kind, float(matrix["kpi"].sum()), float(matrix["spend"].sum()))
