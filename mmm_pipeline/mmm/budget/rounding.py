"""Money comes in cents: plans that add up to the cent and stay inside their bounds.

A cent is a hundredth of the unit of account: the currency itself for ordinary budgets, a power of ten of it where the
amounts are so small (spend in millions) or so large that a hundredth of the currency would be too coarse or too fine.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["CENTS", "amount_text", "round_to_total", "to_cents", "unit_of_account"]

CENTS = 100
_ORDINARY = range(2, 11)
"""Orders of magnitude of budgets that have ordinary cents: a ten-thousandth of them at most."""
_CENT_OF_SMALL, _CENT_OF_LARGE = -6, -12
"""Powers of ten: what a cent is of the order of magnitude of a smaller and of a larger budget."""


def unit_of_account(budget: float) -> float:
    """Currency in the unit whose hundredths plans are counted in: 1 for budgets from a hundred to a hundred thousand
    million.

    Args:
        budget: its size in currency; 0 where nothing is spent and nothing may be.
    """
    if not (math.isfinite(budget) and budget > 0):
        return 1.0
    magnitude = math.floor(math.log10(budget))
    if magnitude in _ORDINARY:
        return 1.0
    return 10.0 ** (magnitude + (_CENT_OF_SMALL if magnitude < _ORDINARY.start else _CENT_OF_LARGE) + 2)


def amount_text(currency: float) -> str:
    """An amount for a message: with cents, or six significant digits where cents would not show it."""
    return f"{currency:,.2f}" if currency == 0 or abs(currency) >= 1 else f"{currency:.6g}"


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
