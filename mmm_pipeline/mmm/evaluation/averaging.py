"""What several specs say together: stacking weights, an averaged attribution, and where they disagree.

One champion hides that another spec, which predicts as well, may lead to another decision on a channel. All of this is
by the fits on the train window, because only the champion is fitted on all days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.evaluation.ranking import Entry
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.response.attribution import contribution_totals, marginal_roi_draws

__all__ = [
    "MATERIAL_RATIO",
    "VAST_RATIO",
    "SpecReturns",
    "agreement_table",
    "averaged_attribution",
    "spec_returns",
    "stacking_weights",
]

MATERIAL_RATIO = 1.5
"""Estimates of ROI that are closer than this factor are the same for a decision, wherever they lie."""
VAST_RATIO = 3.0
"""Estimates that are further apart than this factor call for different spends even on the same side."""
CLEAR_DIRECTION = 0.1
"""A spec would change a channel's spend where its marginal ROI is so much above or below that of all media."""


def stacking_weights(entries: Sequence[Entry]) -> dict[str, float]:
    """Weights of the converged specs that together predict single days best (Yao, Vehtari, Simpson, Gelman 2018).

    From the pointwise PSIS-LOO of each spec, by ArviZ. They inherit its doubts: where `Loo.status` is `unreliable`, the
    weight is as uncertain as the estimate.

    Returns:
        Spec key -> weight, adding up to 1; empty when no converged spec has a leave-one-out estimate.
    """
    estimates: dict[str, Any] = {
        entry.spec.key: entry.loo.estimate
        for entry in entries
        if entry.converged and entry.loo is not None and entry.loo.estimate is not None
    }
    if len(estimates) < 2:
        return dict.fromkeys(estimates, 1.0)
    weights = az.compare(estimates, ic="loo", method="stacking")["weight"].clip(lower=0.0)
    return {key: float(weights[key] / weights.sum()) for key in estimates}


@dataclass(frozen=True)
class SpecReturns:
    """What one spec says of its window: S draws, C channels.

    Attributes:
        key: of the spec.
        channels: C names.
        spend: (C,) currency.
        caused: (S, C) KPI that each channel caused.
        baseline: (S,) KPI without media.
        marginal: (C,) expected KPI of the next unit of currency at the spend of the last horizon.
    """

    key: str
    channels: tuple[str, ...]
    spend: np.ndarray
    caused: np.ndarray
    baseline: np.ndarray
    marginal: np.ndarray

    @property
    def roi(self) -> np.ndarray:
        """(S, C); NaN of an organic channel"""
        return self.caused / np.where(self.spend > 0, self.spend, np.nan)

    @property
    def paid(self) -> SpecReturns:
        """The same of the channels that cost money."""
        costs = self.spend > 0
        return replace(
            self,
            channels=tuple(name for name, kept in zip(self.channels, costs, strict=True) if kept),
            spend=self.spend[costs],
            caused=self.caused[:, costs],
            marginal=self.marginal[costs],
        )


def spec_returns(fit: Fit, horizon: int = 28, *, count_after_horizon: bool = True) -> SpecReturns:
    """The draws that the tables below need, so that a fit need not stay in memory.

    Args:
        fit: of the spec, on the train window.
        horizon: days that the marginal ROI refers to.
        count_after_horizon: whether it counts effect after the horizon.
    """
    totals = contribution_totals(fit).transpose("chain", "draw", "channel").to_numpy()
    return SpecReturns(
        key=fit.spec.key,
        channels=fit.data.channels,
        spend=fit.data.total_spend.sum(axis=0),
        caused=totals.reshape(-1, totals.shape[-1]),
        baseline=fit.baseline().sum("time").to_numpy().ravel(),
        marginal=marginal_roi_draws(fit, horizon, count_after_horizon).mean(axis=0),
    )


def averaged_attribution(
    specs: Sequence[SpecReturns], weights: Mapping[str, float], *, credible_interval: float = 0.9
) -> pd.DataFrame:
    """The table `averaged_attribution` of the contracts: quantities of the mixture of the specs' draws.

    Args:
        specs: on the same window; at least one has a weight, and those without do not count.
        weights: spec key -> weight.
        credible_interval: probability of the intervals.
    """
    counted = [spec for spec in specs if weights.get(spec.key, 0.0) > 0]
    spend = counted[0].spend
    costs = np.where(spend > 0, spend, np.nan)
    caused = np.concatenate([spec.caused for spec in counted])
    fitted = np.concatenate([spec.baseline + spec.caused.sum(axis=1) for spec in counted])
    weight = np.concatenate([np.full(len(spec.caused), weights[spec.key] / len(spec.caused)) for spec in counted])
    weight /= weight.sum()
    tails = np.array([(1 - credible_interval) / 2, (1 + credible_interval) / 2])
    mean = weight @ caused
    columns: dict[str, object] = {"channel": list(counted[0].channels), "spend": spend}
    for name, centre, draws in (
        ("contribution", mean, caused),
        ("share", mean / (weight @ fitted), caused / fitted[:, None]),
        ("roi", mean / costs, caused / costs),
    ):
        low, high = np.quantile(draws, tails, axis=0, weights=weight, method="inverted_cdf")
        columns |= {name: centre, f"{name}_low": low, f"{name}_high": high}
    # Rounding may carry a sum of weights a hair above 1.
    above = np.clip(weight @ (caused > spend), 0.0, 1.0)
    columns["probability_roi_above_1"] = np.where(spend > 0, above, np.nan)
    return pd.DataFrame(columns)


def agreement_table(
    specs: Sequence[SpecReturns], champion: str, *, credible_interval: float = 0.9, break_even: float | None = 1.0
) -> pd.DataFrame:
    """The table `spec_agreement` of the contracts.

    Specs *disagree* on a channel when it matters which of them is right: their estimates of ROI are at least a factor
    of `MATERIAL_RATIO` apart, and

    - `disagree_decision`: they lie on different sides of break-even, or one spec would raise the channel's spend and
      another cut it (its marginal ROI is clearly above that of all media by one spec, clearly below by another); or
    - `disagree_size`: they are a factor of `VAST_RATIO` apart, and not all specs would cut the channel.

    Estimates that are close agree even where their intervals do not touch: the decision is the same with each of them.

    Args:
        specs: on the same window; those that may be right, the champion among them.
        champion: its key.
        credible_interval: probability of the intervals.
        break_even: ROI at which the spend came back; None where the KPI is no money.
    """
    specs = [spec.paid for spec in specs]
    keys = [spec.key for spec in specs]
    tails = np.array([(1 - credible_interval) / 2, (1 + credible_interval) / 2])
    means = np.stack([spec.roi.mean(axis=0) for spec in specs])
    low, high = np.stack([np.quantile(spec.roi, tails, axis=0) for spec in specs], axis=1)
    between = means.var(axis=0)
    total = between + np.stack([spec.roi.var(axis=0) for spec in specs]).mean(axis=0)
    verdict = _verdicts(means, np.stack([_directions(spec) for spec in specs]), break_even)
    return pd.DataFrame(
        {
            "channel": list(specs[0].channels),
            "specs": len(specs),
            "roi_champion": means[keys.index(champion)],
            "roi_lowest": means.min(axis=0),
            "spec_lowest": [keys[row] for row in means.argmin(axis=0)],
            "roi_highest": means.max(axis=0),
            "spec_highest": [keys[row] for row in means.argmax(axis=0)],
            "band_low": low.min(axis=0),
            "band_high": high.max(axis=0),
            "between_share": np.divide(between, total, out=np.zeros_like(total), where=total > 0),
            "verdict": verdict if len(specs) > 1 else "single_spec",
        }
    )


def _verdicts(means: np.ndarray, directions: np.ndarray, break_even: float | None) -> np.ndarray:
    """(C,) verdict by the specs' expected ROI and directions, both (specs, C)."""
    lowest, highest = means.min(axis=0), means.max(axis=0)
    # A return at or below zero is any factor away from one above.
    ratio = np.where(lowest > 0, highest / np.where(lowest > 0, lowest, 1.0), np.where(highest > 0, np.inf, 1.0))
    opposed = (directions.max(axis=0) > 0) & (directions.min(axis=0) < 0)
    if break_even is not None:
        opposed |= (lowest < break_even) & (highest > break_even)
    vast = (ratio >= VAST_RATIO) & (directions.max(axis=0) >= 0)
    verdict = np.where(vast, "disagree_size", "agree")
    return np.where((ratio >= MATERIAL_RATIO) & opposed, "disagree_decision", verdict)


def _directions(spec: SpecReturns) -> np.ndarray:
    """(C,) 1 where the spec would raise a channel's spend, -1 where it would cut it, 0 where it would leave it."""
    average = float(spec.marginal @ spec.spend) / float(spec.spend.sum())
    if not average > 0 or len(spec.channels) == 1:
        return np.zeros(len(spec.channels), dtype=int)
    relative = spec.marginal / average
    return np.where(relative > 1 + CLEAR_DIRECTION, 1, np.where(relative < 1 - CLEAR_DIRECTION, -1, 0))
