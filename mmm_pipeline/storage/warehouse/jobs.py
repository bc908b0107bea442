"""What a job in a remote warehouse cost."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

__all__ = ["WarehouseJob"]


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
