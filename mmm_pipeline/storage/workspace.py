"""A home folder and the settings in force, opened: what everything that reads or writes stored results works on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.artifacts import ArtifactStore, artifact_store
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.settings_in_force import effective_settings

if TYPE_CHECKING:
    from mmm_pipeline.storage.warehouses import Warehouse

__all__ = ["Workspace"]


@dataclass(frozen=True)
class Workspace:
    """Where everything is, by paths only, so that nothing secret can reach run config or logs.

    Attributes:
        home: home folder of the pipeline.
        config: pipeline.yaml in force; None: the defaults.
        quick: whether this process runs with fewer draws (`mmm run --quick`).
        replace: whether rows of another source may take the place of those in the home.
        problem: why no settings are in force; every use of them then fails with it.
    """

    home: str
    config: str | None = None
    quick: bool = False
    replace: bool = False
    problem: str | None = None

    def settings(self) -> Settings:
        """Read anew at every call: an edit of pipeline.yaml counts from the next run on."""
        full = self.full_settings()
        return full.for_quick_look() if self.quick else full

    def full_settings(self) -> Settings:
        """The same without what `--quick` changes: what later runs may go by."""
        if self.problem is not None:
            raise SettingsError(f"{self.problem}\nCorrect the settings, then reload the code location in the UI")
        return effective_settings(Home(Path(self.home)), Path(self.config) if self.config else None)

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
