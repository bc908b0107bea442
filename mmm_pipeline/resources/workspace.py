"""One Dagster resource: the home folder, the settings in force and the stores behind the IO managers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from mmm_pipeline.home import Home, load_effective_settings
from mmm_pipeline.resources.artifacts import ArtifactStore
from mmm_pipeline.settings import Settings

if TYPE_CHECKING:
    from mmm_pipeline.resources.warehouse import Warehouse

__all__ = ["Workspace"]


class Workspace(dg.ConfigurableResource):
    """What the assets work on. Holds paths only, so nothing secret can reach run config or logs."""

    home: str = Field(description="home folder of the pipeline")
    config: str | None = Field(None, description="pipeline.yaml in force; the defaults when empty")

    def settings(self) -> Settings:
        """Read anew in every step: an edit of pipeline.yaml counts from the next run on."""
        return load_effective_settings(Path(self.config) if self.config else None)

    def folder(self) -> Home:
        home = Home(Path(self.home))
        home.prepare()
        return home

    def warehouse(self) -> Warehouse:
        from mmm_pipeline.resources.warehouse import open_warehouse

        return open_warehouse(self.settings(), self.folder())

    def artifacts(self) -> ArtifactStore:
        return ArtifactStore(Path(self.home) / "artifacts")
