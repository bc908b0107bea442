"""Why Gemini did not write a narrative: codes for the reader's language, never the text of a server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["GeminiFault", "Reason", "ReasonCode"]

ReasonCode = Literal[
    "not_configured", "no_key", "off", "not_installed",
    "refused_key", "unknown_model", "refused", "quota", "overloaded", "timeout", "unreachable", "not_json",
    "blocked", "truncated", "empty", "schema", "ungrounded", "budget",
]  # fmt: skip


@dataclass(frozen=True)
class Reason:
    """Why the template wrote a narrative.

    Attributes:
        code: key of the phrase `narrative.reason.<code>`.
        detail: a status, a count or a limit; safe to show.
    """

    code: ReasonCode
    detail: str = ""

    @property
    def is_failure(self) -> bool:
        """Whether Gemini was to write and could not."""
        return self.code not in ("not_configured", "no_key", "off", "not_installed")

    def __str__(self) -> str:
        return f"{self.code} ({self.detail})" if self.detail else self.code


class GeminiFault(Exception):
    """A question that did not bring a usable answer.

    Attributes:
        reason: why.
        retry_after_seconds: what the server asked to wait, if it did.
        is_passing: whether another try may succeed.
        tokens: billed all the same.
        attempts: calls that were made.
    """

    def __init__(
        self,
        reason: Reason,
        *,
        retry_after_seconds: float | None = None,
        is_passing: bool = False,
        tokens: int = 0,
        attempts: int = 0,
    ) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds
        self.is_passing = is_passing
        self.tokens = tokens
        self.attempts = attempts
