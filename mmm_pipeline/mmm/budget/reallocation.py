"""Whose money goes where: the changes of a plan as moves from one channel to another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.budget.rounding import CENTS, to_cents

__all__ = ["reallocation"]


def reallocation(plan: pd.DataFrame, blocks: Sequence[np.ndarray], unit: float = 1.0) -> pd.DataFrame:
    """The contract `reallocation`.

    The pairing is a convention: within the channels that share a total, money goes from the lowest to the highest
    return of the next unit, both at the current spend. The amounts given and taken by a channel add up to its change
    in the plan to the cent.

    Args:
        plan: the contract `budget_plan`.
        blocks: positions of the channels that share a total.
        unit: of account, whose cents the plan is counted in.

    Returns:
        Largest amount first.
    """
    change = to_cents(plan["change"].to_numpy() / unit)
    worth = plan["marginal_roi_current"].to_numpy()
    moves = [move for block in blocks for move in _paired(change, worth, block)]
    moves.sort(key=lambda move: -move[2])
    giver, taker, cents = (np.array([move[i] for move in moves], dtype=np.int64) for i in range(3))
    columns = {"from_channel": plan["channel"].to_numpy()[giver], "to_channel": plan["channel"].to_numpy()[taker]}
    rois = {
        f"{side}_marginal_roi_{when}": plan[f"marginal_roi_{when}"].to_numpy()[who]
        for side, who in (("from", giver), ("to", taker))
        for when in ("current", "optimal")
    }
    return pd.DataFrame({**columns, "amount": cents / (CENTS / unit), **rois})


def _paired(change: np.ndarray, worth: np.ndarray, block: np.ndarray) -> list[tuple[int, int, int]]:
    """(from, to, cents) within one block."""
    givers = sorted((int(c) for c in block if change[c] < 0), key=lambda c: (worth[c], c))
    takers = sorted((int(c) for c in block if change[c] > 0), key=lambda c: (-worth[c], c))
    left = {c: abs(int(change[c])) for c in (*givers, *takers)}
    moves = []
    while givers and takers:
        giver, taker = givers[0], takers[0]
        cents = min(left[giver], left[taker])
        moves.append((giver, taker, cents))
        for channel, queue in ((giver, givers), (taker, takers)):
            left[channel] -= cents
            if not left[channel]:
                queue.pop(0)
    return moves
