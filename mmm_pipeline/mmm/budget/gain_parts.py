"""How much of a plan's gain rests on channels that the data measured, and how much on others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

__all__ = ["GAIN_PARTS", "gain_parts"]

GAIN_PARTS = ("data", "both", "prior")
"""Kinds of evidence."""


def gain_parts(table: pd.DataFrame, evidence: Mapping[str, str]) -> dict[str, float]:
    """The expected gain by the evidence on the channels that money leaves and goes to; the parts add up to it.

    Money that moves loses what it brought where it was and gains what it brings where it goes: each side of a move
    counts half of its gain. So a channel's part is its change of KPI less its change of spend at the rate halfway
    between what the moved money loses and what it gains per unit.

    Args:
        table: the contract `budget_plan`.
        evidence: channel -> one of `GAIN_PARTS`.
    """
    spend = (table["optimal_spend"] - table["current_spend"]).to_numpy()
    kpi = (table["optimal_kpi"] - table["current_kpi"]).to_numpy()
    sides = [kpi[side].sum() / spend[side].sum() for side in (spend > 0, spend < 0) if spend[side].any()]
    part = kpi - (np.mean(sides) if sides else 0.0) * spend
    kinds = np.array([evidence[channel] for channel in table["channel"]], dtype=object)
    return {kind: float(part[kinds == kind].sum()) for kind in GAIN_PARTS}
