"""Where an estimate comes from: the data, the prior, or both."""

from __future__ import annotations

from typing import Literal

__all__ = ["NO_VARIATION", "OPINION", "PROOF", "Evidence", "evidence_of"]

Evidence = Literal["data", "both", "prior"]

OPINION = 0.6
"""From this share of the prior on, an estimate is the prior's opinion."""
PROOF = 1 / 3
"""Up to this share of the prior, an estimate is the data's."""
NO_VARIATION = 0.1
"""Media that vary less, relative to their mean, cannot be told from the baseline, whatever the posterior says."""


def evidence_of(opinion: float, variation: float = float("inf")) -> Evidence:
    """The verdict on one estimate.

    Args:
        opinion: share of the prior in its sensitivity to prior and likelihood.
        variation: of a channel, standard deviation of its media over their mean.
    """
    if variation < NO_VARIATION or opinion >= OPINION:
        return "prior"
    return "data" if opinion <= PROOF else "both"
