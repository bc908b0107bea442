"""One partition of a home and the settings in force, opened: what reads and writes stored results works on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmm_pipeline.errors import SettingsError, StoredResultError
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.settings.schedule import Period
from mmm_pipeline.storage.artifacts import ArtifactStore, artifact_store
from mmm_pipeline.storage.home import Home, RefreshFolder
from mmm_pipeline.storage.settings_in_force import effective_settings

if TYPE_CHECKING:
    from mmm_pipeline.storage.warehouses import Warehouse

__all__ = ["Workspace", "newest_refresh", "seen_until", "stored_refreshes"]


@dataclass(frozen=True)
class Workspace:
    """Where everything is, by paths only, so that nothing secret can reach run config or logs.

    Attributes:
        root: home folder of the pipeline.
        config: pipeline.yaml in force; None: the defaults.
        quick: whether this process runs with fewer draws (`mmm run --quick`).
        replace: whether rows of another source may take the place of those in the home.
        problem: why no settings are in force; every use of them then fails with it.
        partition: which partition is worked on; None: the newest that is stored, or the present one.
    """

    root: str
    config: str | None = None
    quick: bool = False
    replace: bool = False
    problem: str | None = None
    partition: str | None = None

    @property
    def home(self) -> Home:
        return Home(Path(self.root))

    def settings(self) -> Settings:
        """Read anew at every call: an edit of pipeline.yaml counts from the next run on.

        In a partition that is over, no later row is seen.
        """
        full = self.full_settings()
        if self.partition is not None:
            full = seen_until(full, full.calendar.named(self.partition))
        return full.for_quick_look() if self.quick else full

    def full_settings(self) -> Settings:
        """The same without what `--quick` and the partition change: what later runs may go by."""
        if self.problem is not None:
            raise SettingsError(f"{self.problem}\nCorrect the settings, then reload the code location in the UI")
        return effective_settings(self.home, Path(self.config) if self.config else None)

    def folder(self) -> RefreshFolder:
        """Of the partition."""
        self.home.prepare()
        if self.partition is not None:
            return self.home.refresh(self.partition)
        return newest_refresh(self.home, self.full_settings())

    def period(self) -> Period:
        """The partition as a stretch of time.

        Raises:
            SettingsError: it does not fit the settings any more.
        """
        return self.full_settings().calendar.named(self.folder().key)

    def warehouse(self) -> Warehouse:
        from mmm_pipeline.storage.warehouses import open_warehouse

        return open_warehouse(self.settings(), self.folder())

    def artifacts(self) -> ArtifactStore:
        return artifact_store(self.settings(), self.folder())


def newest_refresh(home: Home, settings: Settings) -> RefreshFolder:
    """The newest partition with a champion; without one, the newest that is stored, or the present one."""
    stored = [folder for folder in stored_refreshes(home, settings) if not _lies_ahead(folder, settings)]
    for folder in reversed(stored):
        if artifact_store(settings, folder).has("champion_model"):
            return folder
    return stored[-1] if stored else home.refresh(settings.calendar.present().key)


def stored_refreshes(home: Home, settings: Settings) -> list[RefreshFolder]:
    """Partitions that something is stored of, here or where the settings keep artifacts, oldest first."""
    from mmm_pipeline.storage.places import place_of, subfolders

    found = {folder.key for folder in home.stored_refreshes()}
    if settings.storage.artifacts:
        found |= set(subfolders(place_of(settings.storage.artifacts)))
    folders = []
    for key in sorted(found):
        try:
            folders.append(home.refresh(key))
        except StoredResultError:
            continue  # a folder of somebody else
    return folders


def seen_until(settings: Settings, period: Period, today: dt.date | None = None) -> Settings:
    """The settings as of the end of a period that is over; those of the present for one that is not."""
    if not settings.calendar.is_past(period, today):
        return settings
    limit = settings.split.as_of
    return settings.as_of(period.last if limit is None else min(limit, period.last))


def _lies_ahead(folder: RefreshFolder, settings: Settings) -> bool:
    """Whether a clock that was wrong once made it."""
    return dt.date.fromisoformat(folder.key) > settings.calendar.today()
