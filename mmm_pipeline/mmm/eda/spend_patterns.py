"""How marketplace ads are bought: daily activity per channel, as multiples of the channel's usual day."""

from __future__ import annotations

import numpy as np

__all__ = ["PATTERNS", "activity"]

# In this order they are dealt out to the channels, so that a small market already shows most of them.
PATTERNS: tuple[str, ...] = (
    "always_on",
    "campaigns",
    "pulsing",
    "follower",
    "sparse",
    "ramped",
    "weekend",
    "campaigns",
)

_WEEKEND = (5, 6)


def activity(patterns: tuple[str, ...], weekdays: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Daily activity of every channel; 1 is a usual active day, 0 is off.

    A `follower` moves with the channel before it (budgets are often raised together): the two are hard to tell apart.

    Args:
        patterns: C names from `PATTERNS`.
        weekdays: (T,) 0 is Monday.
        rng: source of all randomness.

    Returns:
        (T, C), not negative; every channel is active on at least one day.
    """
    columns: list[np.ndarray] = []
    for pattern in patterns:
        leader = columns[-1] if columns else None
        columns.append(_column(pattern, weekdays, leader, rng))
    return np.stack(columns, axis=1)


def _column(pattern: str, weekdays: np.ndarray, leader: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    days = len(weekdays)
    weekend = np.isin(weekdays, _WEEKEND)
    jitter = np.exp(rng.normal(0.0, 0.25, days))
    if pattern == "follower" and leader is not None:
        level = np.where(leader > 0, leader, 0.1) * np.exp(rng.normal(0.0, 0.5, days))
    elif pattern == "campaigns":
        level = np.where(_blocks(days, on=(10, 24), off=(6, 16), rng=rng), 1.0, 0.0) * jitter
    elif pattern == "pulsing":
        level = np.where(_blocks(days, on=(3, 8), off=(6, 14), rng=rng), 2.2, 0.35) * jitter * (0.5 + _steps(days, rng))
    elif pattern == "sparse":
        level = np.where(rng.random(days) < 0.3, 1.5, 0.0) * jitter
    elif pattern == "ramped":
        level = (0.5 + _steps(days, rng)) * jitter
    elif pattern == "weekend":
        level = np.where(weekend, 2.0, 0.6) * jitter * (0.5 + _steps(days, rng))
    else:
        # Budgets of always-on search drift slowly and are lower at weekends.
        drift = np.exp(_smooth(rng.normal(0.0, 1.2, days), 7))
        level = np.where(weekend, 0.75, 1.0) * drift * jitter
    if not (level > 0).any():
        level[rng.integers(days)] = 1.0
    return level


def _blocks(days: int, *, on: tuple[int, int], off: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(T,) whether a flight is running; lengths are uniform in the given ranges, the phase is random."""
    running = np.zeros(days, dtype=bool)
    day = -int(rng.integers(0, on[1]))
    while day < days:
        length = int(rng.integers(on[0], on[1] + 1))
        running[max(day, 0) : max(day + length, 0)] = True
        day += length + int(rng.integers(off[0], off[1] + 1))
    return running


def _steps(days: int, rng: np.random.Generator) -> np.ndarray:
    """(T,) budget levels that are set anew every two to four weeks."""
    level = np.zeros(days)
    day = 0
    while day < days:
        length = int(rng.integers(14, 29))
        level[day : day + length] = rng.uniform(0.0, 1.6)
        day += length
    return level


def _smooth(values: np.ndarray, width: int) -> np.ndarray:
    """(T,) running mean over `width` days, with the ends repeated."""
    padded = np.pad(values, (width // 2, width - 1 - width // 2), mode="edge")
    return np.convolve(padded, np.full(width, 1.0 / width), mode="valid")
