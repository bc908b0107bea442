"""One question to Gemini: all that is sent, and the hash by which its answer is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["MARKER", "Image", "Request"]

MARKER = "\0MARKER\0"
"""Stands in the text where the random marker of a sending goes; no name can hold it, because JSON escapes NUL."""

_BYTES_PER_TOKEN = 3
_TOKENS_PER_IMAGE = 1500


@dataclass(frozen=True)
class Image:
    """A PNG that goes with the question, and what it shows."""

    name: str
    caption: str
    png: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.png).hexdigest()


@dataclass(frozen=True)
class Request:
    """What is sent; the same request gives the same hash, whatever random marker it is sent with.

    Attributes:
        system: the rules, as system instruction.
        text: the task and the data, with `MARKER` where the marker goes.
        images: PNGs.
        schema: JSON schema of the answer.
    """

    model: str
    system: str
    text: str
    schema: Mapping[str, Any]
    images: Sequence[Image]
    max_output_tokens: int

    @property
    def sha256(self) -> str:
        content = [self.model, self.system, self.text, self.schema, self.max_output_tokens]
        content.append([image.sha256 for image in self.images])
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    @property
    def estimated_tokens(self) -> int:
        """At most about so many tokens go in; an image of a few megapixels counts in tiles."""
        size = len((self.system + self.text + json.dumps(self.schema)).encode())
        return size // _BYTES_PER_TOKEN + _TOKENS_PER_IMAGE * len(self.images)

    def sealed(self, marker: str) -> tuple[str, str]:
        """System instruction and text with the marker in place."""
        return self.system.replace(MARKER, marker), self.text.replace(MARKER, marker)
