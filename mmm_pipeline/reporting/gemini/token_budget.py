"""What one run may spend at Gemini, counted over all its narratives."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mmm_pipeline.reporting.gemini.faults import GeminiFault, Reason
from mmm_pipeline.storage.atomic_files import write_text

__all__ = ["TokenBudget"]

_RUNS_KEPT = 20


@dataclass(frozen=True)
class TokenBudget:
    """Tokens of one run; kept in a file, because each narrative is a step of its own.

    Attributes:
        file: tokens by run, the last runs only.
        run: Dagster's id of the run.
        limit: tokens per run, input, thinking and output together.
    """

    file: Path
    run: str
    limit: int

    def spent(self) -> int:
        return int(self._read().get(self.run, 0))

    def require(self, tokens: int) -> None:
        """Raise GeminiFault when so many more would be too many."""
        if self.spent() + tokens > self.limit:
            raise GeminiFault(Reason("budget", f"{self.limit:,}"))

    def add(self, tokens: int) -> None:
        runs = self._read()
        runs[self.run] = runs.pop(self.run, 0) + tokens
        kept = dict(list(runs.items())[-_RUNS_KEPT:])
        write_text(self.file, json.dumps(kept, indent=1) + "\n")

    def _read(self) -> dict[str, int]:
        try:
            content = json.loads(self.file.read_text(encoding="utf-8"))
            return {str(run): int(tokens) for run, tokens in content.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}
