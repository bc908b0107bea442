"""Charts as an earlier step drew them."""

from __future__ import annotations

from pathlib import Path

from mmm_pipeline.reporting.charts.catalog import Chart
from mmm_pipeline.reporting.results.tables import Language
from mmm_pipeline.storage.artifacts import ArtifactStore

__all__ = ["stored_charts"]


def stored_charts(artifacts: ArtifactStore, language: Language, folder: Path) -> list[Chart]:
    """The charts of a language as they were drawn, their pictures copied into a folder of this machine.

    Raises:
        StoredResultError: the charts have not been materialized.
    """
    charts = []
    for words in artifacts.read_json(f"charts.{language}"):
        path = folder / f"{words['name']}.png"
        path.write_bytes(artifacts.read_picture(f"charts/{language}", words["name"]))
        charts.append(Chart(**{**words, "path": path}))
    return charts
