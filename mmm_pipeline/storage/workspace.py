"""A home folder and the settings in force, opened: what everything that reads or writes stored results works on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.artifacts import ArtifactStore, artifact_store
from mmm_pipeline.storage.home import Home, load_effective_settings

if TYPE_CHECKING:
    from mmm_pipeline.storage.warehouses import Warehouse

__all__ = ["Workspace"]


@dataclass(frozen=True)
class Workspace:
    """Where everything is, by paths only, so that nothing secret can reach run config or logs.

    Attributes:
        home: home folder of the pipeline.
        config: pipeline.yaml in force; None: the defaults.
    """

    home: str
    config: str | None = None

    def settings(self) -> Settings:
        """Read anew at every call: an edit of pipeline.yaml counts from the next run on."""
        return load_effective_settings(Path(self.config) if self.config else None)

    def folder(self) -> Home:
        """The home; with `split.as_of`, the home of that day, so that the present results stay as they are."""
        home = Home(Path(self.home)).as_of(self.settings().split.as_of)
        home.prepare()
        return home

    def warehouse(self) -> Warehouse:
        from mmm_pipeline.storage.warehouses import open_warehouse

        return open_warehouse(self.settings(), self.folder())

    def artifacts(self) -> ArtifactStore:
        return artifact_store(self.settings(), self.folder())
