"""What several specs say together: stacking weights, an averaged attribution, and where they disagree.

One champion hides that another spec, which predicts as well, may tell another story of a channel. All of this is by the
fits on the train window, because only the champion is fitted on all days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.evaluation.ranking import Entry
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.fit.panel_fit import PanelFit
from mmm_pipeline.mmm.response.attribution import contribution_totals

__all__ = [
    "MATERIAL_BETWEEN_SHARE",
    "SpecReturns",
    "agreement_table",
    "averaged_attribution",
    "spec_returns",
    "stacking_weights",
]

MATERIAL_BETWEEN_SHARE = 0.5
"""From here on the choice of spec moves a channel's ROI more than everything that is unknown within a spec."""


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
    """

    key: str
    channels: tuple[str, ...]
    spend: np.ndarray
    caused: np.ndarray
    baseline: np.ndarray

    @property
    def roi(self) -> np.ndarray:
        """(S, C)"""
        return self.caused / self.spend


def spec_returns(fit: Fit | PanelFit) -> SpecReturns:
    """The draws that the tables below need, so that a fit need not stay in memory."""
    totals = contribution_totals(fit).transpose("chain", "draw", "channel").to_numpy()
    return SpecReturns(
        key=fit.spec.key,
        channels=fit.data.channels,
        spend=fit.data.spend.sum(axis=0),
        caused=totals.reshape(-1, totals.shape[-1]),
        baseline=fit.baseline().sum("time").to_numpy().ravel(),
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
        ("roi", mean / spend, caused / spend),
    ):
        low, high = np.quantile(draws, tails, axis=0, weights=weight, method="inverted_cdf")
        columns |= {name: centre, f"{name}_low": low, f"{name}_high": high}
    # Rounding may carry a sum of weights a hair above 1.
    columns["probability_roi_above_1"] = np.clip(weight @ (caused > spend), 0.0, 1.0)
    return pd.DataFrame(columns)


def agreement_table(specs: Sequence[SpecReturns], champion: str, *, credible_interval: float = 0.9) -> pd.DataFrame:
    """The table `spec_agreement` of the contracts.

    Specs *disagree* on a channel when two of their credible intervals of ROI do not touch, or when the variance of the
    specs' means is at least as large as the mean variance within a spec.

    Args:
        specs: on the same window; those that may be right, the champion among them.
        champion: its key.
        credible_interval: probability of the intervals.
    """
    keys = [spec.key for spec in specs]
    tails = np.array([(1 - credible_interval) / 2, (1 + credible_interval) / 2])
    means = np.stack([spec.roi.mean(axis=0) for spec in specs])
    low, high = np.stack([np.quantile(spec.roi, tails, axis=0) for spec in specs], axis=1)
    between = means.var(axis=0)
    total = between + np.stack([spec.roi.var(axis=0) for spec in specs]).mean(axis=0)
    share = np.divide(between, total, out=np.zeros_like(total), where=total > 0)
    verdict = np.where(share >= MATERIAL_BETWEEN_SHARE, "disagree_means", "agree")
    verdict = np.where(low.max(axis=0) > high.min(axis=0), "disagree_intervals", verdict)
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
            "between_share": share,
            "verdict": verdict if len(specs) > 1 else "single_spec",
        }
    )
