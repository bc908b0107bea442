"""Answers that were accepted, by the hash of what was asked: a re-run does not pay again."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from mmm_pipeline.reporting.gemini.client import Answer
from mmm_pipeline.storage.atomic_files import write_text

__all__ = ["AnswerCache"]

KEPT_ANSWERS = 200
_HASH = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class AnswerCache:
    """One JSON file per answer; the oldest go. What is read is checked again as if it had just come."""

    folder: Path

    def get(self, sha256: str) -> Answer | None:
        """The kept answer; a missing or damaged one is None."""
        try:
            return Answer(**json.loads(self._path(sha256).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def put(self, sha256: str, answer: Answer) -> None:
        write_text(self._path(sha256), json.dumps(asdict(answer), ensure_ascii=False, indent=1) + "\n")
        files = sorted(self.folder.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in files[KEPT_ANSWERS:]:
            file.unlink(missing_ok=True)

    def _path(self, sha256: str) -> Path:
        if not _HASH.match(sha256):
            raise ValueError(f"not a hash: {sha256!r}")
        return self.folder / f"{sha256}.json"
