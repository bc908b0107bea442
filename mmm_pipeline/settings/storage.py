"""pipeline.yaml: the section `storage`."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from mmm_pipeline.settings.section import Section

__all__ = ["StorageSettings", "is_url"]

_URL = re.compile(r"(gs|s3|memory)://[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9._=-]+)*/?\Z")
_ACCEPTED = "a folder, or gs://bucket/folder, s3://bucket/folder (memory://folder lasts as long as the process)"


class StorageSettings(Section):
    """Where files go that must outlive this machine (docs/deployment.md). Credentials come from the environment."""

    artifacts: str | None = Field(
        None, description="folder or gs:// URL of fits, arrays, charts and texts; empty: `artifacts` in the home"
    )
    results: str | None = Field(
        None, description="folder or gs:// URL that gets a copy of every results folder; empty: only the home has them"
    )

    @field_validator("artifacts", "results")
    @classmethod
    def _is_a_place(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.strip() or "\0" in value:
            raise ValueError(f"is not a place: accepted is {_ACCEPTED}")
        if is_url(value) and (not _URL.match(value) or "/../" in f"{value}/"):
            raise ValueError(
                f"is not a place: accepted is {_ACCEPTED}; no user, key, port, query or `..` stands in a URL"
            )
        return value.rstrip("/") if is_url(value) else value


def is_url(location: str) -> bool:
    """Whether a setting names a bucket rather than a folder of this machine."""
    return "://" in location
