"""What the jobs of a remote warehouse cost, as metadata of the asset that ran them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dagster as dg

from mmm_pipeline.storage.warehouse.jobs import WarehouseJob

__all__ = ["job_metadata"]


def job_metadata(jobs: Sequence[WarehouseJob]) -> dict[str, Any]:
    """Dagster metadata of some jobs: bytes, ids, and links to the console; nothing when there are none."""
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
