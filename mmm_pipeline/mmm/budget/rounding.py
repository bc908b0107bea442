"""Money comes in cents: plans that add up to the cent and stay inside their bounds."""

from __future__ import annotations

import numpy as np

__all__ = ["CENTS", "round_to_total", "to_cents"]

CENTS = 100


def to_cents(amount: float | np.ndarray) -> np.ndarray:
    """Currency to whole cents, as int64."""
    return np.rint(np.asarray(amount, float) * CENTS).astype(np.int64)


def round_to_total(spend: np.ndarray, low: np.ndarray, high: np.ndarray, total: int) -> np.ndarray:
    """The whole-cent plan nearest to `spend` that adds up to `total` and stays within the bounds.

    Args:
        spend: (C,) currency, in or near the bounds and the total.
        low: (C,) lower bounds, int64 cents.
        high: (C,) upper bounds, int64 cents; low.sum() <= total <= high.sum().
        total: cents.

    Returns:
        (C,) int64 cents.
    """
    exact = np.asarray(spend, float) * CENTS
    cents = np.clip(np.floor(exact).astype(np.int64), low, high)
    missing = int(total - cents.sum())
    while missing > 0:
        # Those whose rounding took most away come first; one cent each, or an even share of a large residual.
        order = np.argsort(cents - exact, kind="stable")
        order = order[cents[order] < high[order]][:missing]
        cents[order] += np.minimum((high - cents)[order], max(missing // len(order), 1))
        missing = int(total - cents.sum())
    while missing < 0:
        richest = int(np.argmax(cents - low))
        cents[richest] -= min(-missing, int((cents - low)[richest]))
        missing = int(total - cents.sum())
    return cents
