"""One Dagster resource: the home folder, the settings in force and the stores behind the IO managers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dagster as dg

from mmm_pipeline.orchestration.runs.coordination import DECISIONS_JOB, REFRESH_JOB, show_alive, waiting_turn
from mmm_pipeline.storage.atomic_files import remove_unfinished
from mmm_pipeline.storage.warehouses import Warehouse, open_warehouse
from mmm_pipeline.storage.workspace import Workspace

__all__ = ["RunWorkspace", "WorkspaceResource"]


@dataclass(frozen=True)
class RunWorkspace(Workspace):
    """The workspace within a run.

    No `ConfigurableResource`: whoever launches a run could point one of those at other folders.

    Attributes:
        instance: Dagster's, within a run.
        told: takes a line for the log of the run, within one.
    """

    instance: dg.DagsterInstance | None = field(default=None, repr=False, compare=False)
    told: Callable[[str], object] | None = field(default=None, repr=False, compare=False)

    @contextmanager
    def for_run(self, context: dg.InitResourceContext) -> Iterator[RunWorkspace]:
        """Dagster calls this in every process that runs steps, before the first of them."""
        told = context.log.info if context.log is not None else None
        within = dataclasses.replace(self, instance=context.instance, told=told)
        if context.run is None or context.instance is None:
            yield within
            return
        show_alive(context.instance, context.run.run_id)
        with self.turn(context.run.job_name, told or (lambda line: None)):
            yield within

    @contextmanager
    def turn(self, job: str, told: Callable[[str], object]) -> Iterator[None]:
        """Hold the home for a run of a job: two refreshes would mix their tables; a backfill writes fits only."""
        if job not in (REFRESH_JOB, DECISIONS_JOB):
            yield
            return
        with waiting_turn(
            self.folder().run_lock,
            lambda process: told(f"process {process} is refreshing this home; waiting until it is done"),
        ):
            remove_unfinished(self.folder().artifacts)
            yield

    def warehouse(self) -> Warehouse:
        return open_warehouse(self.settings(), self.folder(), self.told)

    def pool_limit(self, pool: str) -> int:
        """How many runs may be in a pool at once; 1 outside a run, and where nothing limits it."""
        if self.instance is None:
            return 1
        own = {limit.name: limit.limit for limit in self.instance.event_log_storage.get_pool_limits()}
        return own.get(pool) or self.instance.global_op_concurrency_default_limit or 1


WorkspaceResource = dg.ResourceParam[RunWorkspace]
"""The type of an asset's argument `workspace`."""
