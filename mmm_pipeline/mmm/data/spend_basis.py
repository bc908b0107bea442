"""What was spent lately: what "today" means to a plan, from the days of spend alone."""

from __future__ import annotations

import numpy as np

__all__ = ["current_spend_of", "latest_spend_of"]


def current_spend_of(spend: np.ndarray, horizon: int) -> np.ndarray:
    """(C,) currency: spend of the last `horizon` of (T, C); of a shorter window, its mean day times those."""
    return spend[-horizon:].mean(axis=0) * horizon


def latest_spend_of(spend: np.ndarray, horizon: int) -> tuple[np.ndarray, int]:
    """Spend of the `horizon` days up to the last one on which anything was spent, and that day.

    Args:
        spend: (T, C) currency; something was spent on some day.
        horizon: how many days.

    Returns:
        (C,) currency, and the position of the day.
    """
    last = int(np.flatnonzero(spend.any(axis=1)).max())
    return current_spend_of(spend[: last + 1], horizon), last
