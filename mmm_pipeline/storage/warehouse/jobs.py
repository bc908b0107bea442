"""What a job in a remote warehouse cost, for the metadata of the asset that ran it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

__all__ = ["WarehouseJob", "job_metadata"]


@dataclass(frozen=True)
class WarehouseJob:
    """A finished job.

    Attributes:
        project: that paid for it.
        location: where it ran.
        job_id: its name there.
        purpose: what it was for.
        bytes_estimated: by the dry run before it; None where there was none.
        bytes_processed: read by the job.
        bytes_billed: what is paid for; None where the service does not say.
    """

    project: str
    location: str
    job_id: str
    purpose: str
    bytes_estimated: int | None
    bytes_processed: int
    bytes_billed: int | None

    @property
    def console_url(self) -> str:
        """The job in Google's console."""
        job = quote(f"bq:{self.location}:{self.job_id}", safe=":")
        return f"https://console.cloud.google.com/bigquery?project={quote(self.project)}&j={job}&page=queryresults"


def job_metadata(jobs: Sequence[WarehouseJob]) -> dict[str, Any]:
    """Dagster metadata of some jobs: bytes, ids, and links to the console; nothing when there are none."""
    import dagster as dg

    if not jobs:
        return {}
    dearest = max(jobs, key=lambda job: job.bytes_processed)
    lines = [f"- [{job.job_id}]({job.console_url}): {job.purpose}, {job.bytes_processed:,} bytes" for job in jobs]
    return {
        "bytes_processed": sum(job.bytes_processed for job in jobs),
        "bytes_billed": sum(job.bytes_billed or 0 for job in jobs),
        "job_id": dearest.job_id,
        "job": dg.MetadataValue.url(dearest.console_url),
        "jobs": dg.MetadataValue.md("\n".join(lines)),
    }
