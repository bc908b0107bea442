"""Posterior draws in portions that fit the memory of a laptop."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["chunks"]

_CHUNK_ELEMENTS = 4_000_000
"""Elements of the largest temporary array, 32 MB in double precision."""


def chunks(draws: int, elements_per_draw: int) -> Iterator[slice]:
    """Slices of the draws that keep temporaries small enough for the memory of a laptop."""
    size = max(1, _CHUNK_ELEMENTS // max(1, elements_per_draw))
    return (slice(first, min(first + size, draws)) for first in range(0, draws, size))
