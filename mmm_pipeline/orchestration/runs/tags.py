"""What the list of runs shows of a run."""

from __future__ import annotations

import hashlib

from mmm_pipeline.settings.pipeline import Settings

__all__ = ["run_tags", "settings_hash"]

_LONGEST = 120


def run_tags(settings: Settings, *, quick: bool = False) -> dict[str, str]:
    """Tags of a run: its source, and a short hash that tells runs of equal settings from others."""
    tags = {"source": settings.source.described[-_LONGEST:], "settings": settings_hash(settings)}
    return {**tags, "quick": "true"} if quick else tags


def settings_hash(settings: Settings) -> str:
    """Eight letters that change with any setting."""
    return hashlib.sha256(settings.model_dump_json().encode()).hexdigest()[:8]
