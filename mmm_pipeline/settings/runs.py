"""pipeline.yaml: the section `runs`."""

from __future__ import annotations

from pydantic import Field

from mmm_pipeline.settings.section import Section

__all__ = ["RunSettings"]


class RunSettings(Section):
    """How fits are run and backfilled, and what happens when one fails."""

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
