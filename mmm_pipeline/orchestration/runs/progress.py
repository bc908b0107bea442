"""Where a long fit reports how far it is: to the terminal of `mmm run`, or to Dagster's log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["FitProgress", "listening", "report"]


@dataclass(frozen=True)
class FitProgress:
    """State of one chain of one fit.

    Attributes:
        fit: what is being fitted, e.g. `carryover|2`.
        chain: number of the chain, from 0.
        phase: `warmup` or `draws`.
        done: iterations of the phase done so far.
        total: iterations of the phase.
        attempt: 1 for the first try, more after an escalation.
    """

    fit: str
    chain: int
    phase: str
    done: int
    total: int
    attempt: int = 1


_listener: Callable[[FitProgress], None] | None = None


@contextmanager
def listening(listener: Callable[[FitProgress], None]) -> Iterator[None]:
    """Send the reports of this process to `listener` while the block runs; it must be safe to call from any thread."""
    global _listener
    previous, _listener = _listener, listener
    try:
        yield
    finally:
        _listener = previous


def report(progress: FitProgress) -> bool:
    """Hand a report to the listener; False when nobody listens."""
    if _listener is None:
        return False
    _listener(progress)
    return True
