"""One Dagster resource: the home folder, the settings in force and the stores behind the IO managers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import dagster as dg

from mmm_pipeline.orchestration.runs.coordination import DECISIONS_JOB, REFRESH_JOB, show_alive, waiting_turn
from mmm_pipeline.storage.workspace import Workspace

__all__ = ["RunWorkspace", "WorkspaceResource"]


@dataclass(frozen=True)
class RunWorkspace(Workspace):
    """The workspace within a run.

    No `ConfigurableResource`: whoever launches a run could point one of those at other folders.

    Attributes:
        instance: Dagster's, within a run.
    """

    instance: dg.DagsterInstance | None = field(default=None, repr=False, compare=False)

    @contextmanager
    def for_run(self, context: dg.InitResourceContext) -> Iterator[RunWorkspace]:
        """Dagster calls this when a run starts, in its process."""
        within = replace(self, instance=context.instance)
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


WorkspaceResource = dg.ResourceParam[RunWorkspace]
"""The type of an asset's argument `workspace`."""


def _tell(context: dg.InitResourceContext, process: str) -> None:
    if context.log is not None:
        context.log.info(f"process {process} is refreshing this home; waiting until it is done")
