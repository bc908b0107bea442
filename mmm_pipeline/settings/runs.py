"""pipeline.yaml: the section `runs`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mmm_pipeline.settings.section import Section

__all__ = ["RunSettings"]


class RunSettings(Section):
    """How runs and fits are run, and what happens when one fails."""

    executor: Literal["in_process", "multiprocess"] = Field(
        "in_process",
        description="steps of a run from the UI, the schedule or `dg launch`: one after the other in one process, or "
        "each in a process of its own, several at once; `mmm run` is one process always",
    )
    processes: int | None = Field(
        None, ge=1, le=1024, description="steps at once of `executor: multiprocess`; empty: as many as there are cores"
    )
    warehouse_wait_minutes: float = Field(
        30.0,
        ge=0,
        le=1440,
        description="how long a step of a run waits for another process that holds warehouse.duckdb open",
    )
    fit_retries: int = Field(
        2, ge=0, le=10, description="further tries of a fit that failed for want of memory, disk or the like"
    )
    retry_wait_seconds: float = Field(
        30.0, ge=0, le=3600, description="pause before the first further try; doubled before each one after it"
    )
    threads_per_fit: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="chains drawn at once; empty: the cores, shared by as many fits as the pool `fits` admits",
    )
