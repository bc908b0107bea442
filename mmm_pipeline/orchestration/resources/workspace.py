"""One Dagster resource: the home folder, the settings in force and the stores behind the IO managers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.definitions.resource_annotation import TreatAsResourceParam

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.orchestration.runs.coordination import DECISIONS_JOB, REFRESH_JOB, show_alive, waiting_turn
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.artifacts import ArtifactStore, artifact_store
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.settings_in_force import effective_settings

if TYPE_CHECKING:
    from mmm_pipeline.storage.warehouse.opening import Warehouse

__all__ = ["Workspace"]


@dataclass(frozen=True)
class Workspace(TreatAsResourceParam):
    """What the assets work on. Holds paths only, so nothing secret can reach run config or logs.

    No `ConfigurableResource`: whoever launches a run could point one of those at other folders.

    Attributes:
        home: home folder of the pipeline.
        config: pipeline.yaml in force; None: the defaults.
        quick: whether this process runs with fewer draws (`mmm run --quick`).
        replace: whether rows of another source may take the place of those in the home.
        problem: why no settings are in force; every use of them then fails with it.
        instance: Dagster's, within a run.
    """

    home: str
    config: str | None = None
    quick: bool = False
    replace: bool = False
    problem: str | None = None
    instance: dg.DagsterInstance | None = field(default=None, repr=False, compare=False)

    @contextmanager
    def for_run(self, context: dg.InitResourceContext) -> Iterator[Workspace]:
        """Dagster calls this when a run starts, in its process."""
        within = dataclasses.replace(self, instance=context.instance)
        if context.run is not None and context.instance is not None:
            show_alive(context.instance, context.run.run_id)
        if context.run is None or context.run.job_name not in (REFRESH_JOB, DECISIONS_JOB):
            yield within
            return
        # Two refreshes would mix their tables; a backfill writes fits only.
        with waiting_turn(self.folder().run_lock, partial(_tell, context)):
            yield within

    def pool_limit(self, pool: str) -> int:
        """How many runs may be in a pool at once; 1 outside a run, and where nothing limits it."""
        if self.instance is None:
            return 1
        own = {limit.name: limit.limit for limit in self.instance.event_log_storage.get_pool_limits()}
        return own.get(pool) or self.instance.global_op_concurrency_default_limit or 1

    def settings(self) -> Settings:
        """Read anew in every step: an edit of pipeline.yaml counts from the next run on."""
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
        from mmm_pipeline.storage.warehouse.opening import open_warehouse

        return open_warehouse(self.settings(), self.folder())

    def artifacts(self) -> ArtifactStore:
        return artifact_store(self.settings(), self.folder())


def _tell(context: dg.InitResourceContext, process: str) -> None:
    if context.log is not None:
        context.log.info(f"process {process} is refreshing this home; waiting until it is done")
