"""A parameter of a media transform: one value per channel."""

from __future__ import annotations

from dataclasses import dataclass

from mmm_pipeline.mmm.priors.families import Prior

__all__ = ["Parameter"]


@dataclass(frozen=True)
class Parameter:
    """What belongs to one parameter; its support is its prior's.

    Attributes:
        name: in stored posteriors and tables.
        symbol: in formulas.
        meaning: what it is, with its unit, in a few words.
        prior: its prior, the same for every channel.
    """

    name: str
    symbol: str
    meaning: str
    prior: Prior
