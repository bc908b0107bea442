"""The allocation problem with every response replaced by a concave upper bound: solved exactly by a sort.

Its value is the Lagrangian dual bound of the problem on the same boxes: no feasible plan can have a higher KPI.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmm_pipeline.mmm.budget.envelope import Envelope

__all__ = ["Relaxation", "fill_by_slope"]


@dataclass(frozen=True)
class Relaxation:
    """Attributes: spend: (C,) allocation of the whole budget; bound: KPI that no plan in the boxes exceeds."""

    spend: np.ndarray
    bound: float


def fill_by_slope(envelopes: Sequence[Envelope], total: float) -> Relaxation:
    """Spend `total` where the envelopes rise most, steepest segment first.

    Args:
        envelopes: C concave bounds; the sum of their first spends is at most `total`, of their last at least `total`.
        total: currency to spend.
    """
    start = np.array([envelope.spend[0] for envelope in envelopes])
    owner = np.concatenate([np.full(len(envelope.lengths), c) for c, envelope in enumerate(envelopes)])
    lengths = np.concatenate([envelope.lengths for envelope in envelopes])
    slopes = np.concatenate([envelope.slopes for envelope in envelopes])

    order = np.argsort(-slopes, kind="stable")
    before = np.concatenate([[0.0], np.cumsum(lengths[order])[:-1]])
    taken = np.clip(total - start.sum() - before, 0.0, lengths[order])
    spend = start + np.bincount(owner[order], weights=taken, minlength=len(envelopes))
    bound = sum(envelope.value[0] for envelope in envelopes) + float(np.dot(taken, slopes[order]))
    return Relaxation(spend=np.minimum(spend, [envelope.spend[-1] for envelope in envelopes]), bound=float(bound))
