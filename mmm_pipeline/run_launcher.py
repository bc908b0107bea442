"""Dagster's launcher for one machine, which also sees that a run's process is gone."""

from __future__ import annotations

import dagster as dg

# What a launcher answers about a run's health has no public name; the version of Dagster is capped for it.
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus

from mmm_pipeline.orchestration.runs.coordination import has_died

__all__ = ["WatchfulRunLauncher"]


class WatchfulRunLauncher(dg.DefaultRunLauncher):
    """After a crash of everything (power, `kill -9`, memory) a run would count as started for ever, and block its pool.

    Dagster's monitoring asks this launcher instead, marks the run as failed, and `run_retries` runs it again.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Failed when the run's process was there and is not any more."""
        if has_died(self._instance, run.run_id):
            return CheckRunHealthResult(WorkerStatus.FAILED, "the process of the run is gone")
        return CheckRunHealthResult(WorkerStatus.RUNNING)
