"""Gemini as a Dagster resource. It holds nothing secret: the key is read from the environment when it is used."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass

import dagster as dg

from mmm_pipeline.reporting.gemini.faults import Reason
from mmm_pipeline.reporting.gemini.writer import GeminiWriter
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.workspace import Workspace

__all__ = [
    "KEY_VARIABLE",
    "URL_VARIABLE",
    "Gemini",
    "GeminiResource",
    "gemini_is_installed",
    "gemini_key",
    "what_leaves_the_machine",
]

KEY_VARIABLE = "GEMINI_API_KEY"
URL_VARIABLE = "MMM_GEMINI_BASE_URL"


@dataclass(frozen=True)
class Gemini:
    """Who writes the narratives, by the settings and the environment."""

    workspace: Workspace

    def writer(self, run_id: str) -> GeminiWriter | Reason:
        """A writer that asks Gemini, or the reason why the template writes.

        Raises:
            SettingsError: the base URL for tests is not this machine's.
        """
        settings = self.workspace.settings()
        if settings.report.writer == "template":
            return Reason("off")
        key = gemini_key()
        if key is None:
            return Reason("no_key")
        if not gemini_is_installed():
            return Reason("not_installed")
        if not key.isascii() or not key.isprintable() or " " in key:
            return Reason("refused_key", "malformed")
        from mmm_pipeline.reporting.gemini.answer_cache import AnswerCache
        from mmm_pipeline.reporting.gemini.client import GeminiClient, Limits, local_url
        from mmm_pipeline.reporting.gemini.token_budget import TokenBudget

        url = os.environ.get(URL_VARIABLE)
        # In the home, also where artifacts are in a bucket: neither is worth a call over the network.
        folder = self.workspace.home.gemini_cache
        return GeminiWriter(
            GeminiClient(
                key,
                Limits(settings.gemini.timeout_seconds, settings.gemini.deadline_seconds, settings.gemini.attempts),
                local_url(url) if url else None,
            ),
            AnswerCache(folder / "answers"),
            TokenBudget(folder / "tokens.json", run_id, settings.gemini.token_budget),
        )


GeminiResource = dg.ResourceParam[Gemini]
"""The type of an asset's argument `gemini`."""


def gemini_key() -> str | None:
    """The key of the environment; a blank one is none."""
    return os.environ.get(KEY_VARIABLE, "").strip() or None


def gemini_is_installed() -> bool:
    """Whether google-genai can be imported, without importing it."""
    try:
        return importlib.util.find_spec("google.genai") is not None
    except ModuleNotFoundError:
        return False


def what_leaves_the_machine(settings: Settings) -> list[str]:
    """What a user is told before a run: whether anything will leave the machine."""
    if settings.report.writer == "template" or gemini_key() is None or not gemini_is_installed():
        return []
    return [
        f"reports: written by {settings.gemini.model}; totals per channel and charts are sent to Google "
        "(`mmm preview-prompt` shows them; report.writer: template keeps everything here)"
    ]
