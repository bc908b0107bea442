"""Versions that let the UI show what a change of settings or of the model made out of date."""

from __future__ import annotations

import hashlib

from mmm_pipeline.orchestration.assets.fits.specs import MODEL_VERSION
from mmm_pipeline.settings.pipeline import Settings

__all__ = ["code_version"]

_MODELLING = {"model", "sampler", "convergence", "priors", "budget", "engines", "ranking"}
_NO_RESULT = {"warehouse", "storage", "runs", "refreshes", "schedule", "quick", "report", "gemini"}
_REPORTS = {"reports"}


def code_version(settings: Settings, group: str | None, *, quick: bool = False) -> str:
    """Model version and a hash of the settings that the assets of a group depend on: `3-1f0c9a2b`.

    Settings about where, when and by how much at once things run make nothing out of date.
    """
    if group in ("ingestion", "inputs"):
        text = settings.model_dump_json(exclude=_NO_RESULT | _MODELLING)
    else:
        left_out = _NO_RESULT - ({"report", "gemini"} if group in _REPORTS else set())
        text = settings.model_dump_json(exclude=left_out) + ("quick" if quick else "")
    return f"{MODEL_VERSION}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
