"""Expected KPI per day of a channel held at a constant daily spend, once carry-over has settled.

Effective media then equals media, so that the KPI per day is the coefficient times the saturation of that media, which
is bought at the channel's mean price over the window. Each market gets its share of the channel's spend.
"""

from __future__ import annotations

import numpy as np

from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY

__all__ = ["largest_spend", "market_mix", "steady_ceiling", "steady_kpi"]


def steady_kpi(fit: Fit, channel: str, spend: np.ndarray, *, horizon: int = 28) -> np.ndarray:
    """(S, P) KPI units per day at (P,) constant spends, currency per day.

    Args:
        fit: the posterior.
        channel: its name.
        spend: constant daily spends of the channel, over all markets.
        horizon: last days whose spend says how the markets share the channel's.
    """
    spend = np.asarray(spend, dtype=float)
    c, mix = fit.data.channels.index(channel), market_mix(fit, horizon)
    total = np.zeros((fit.posterior.sizes["chain"] * fit.posterior.sizes["draw"], len(spend)))
    for market, share in zip(fit.markets(), mix[:, c], strict=True):
        if channel in market.data.channels:
            total += _of_market(market, market.data.channels.index(channel), share * spend)
    return total


def steady_ceiling(fit: Fit, channel: str, *, horizon: int = 28) -> float:
    """Expected KPI per day that no spend exceeds; NaN for saturations without a ceiling, such as powers."""
    ceiling = fit.spec.transform.saturation.ceiling
    if ceiling is None:
        return float("nan")
    total, mix = 0.0, market_mix(fit, horizon)[:, fit.data.channels.index(channel)]
    for market, share in zip(fit.markets(), mix, strict=True):
        if channel in market.data.channels and share > 0:
            coefficient = market.media_coefficients()[:, 0, market.data.channels.index(channel)]
            total += ceiling * float(coefficient.mean()) * float(market.data.kpi_scale[0])
    return total


def market_mix(fit: Fit, horizon: int) -> np.ndarray:
    """(G, C) share of every market in a channel's spend of the last `horizon` days; of one market, 1.

    A channel that is off everywhere in those days is shared as over the whole window.
    """
    today, always = fit.data.spend[:, -horizon:].sum(axis=1), fit.data.spend.sum(axis=1)
    spend = np.where(today.sum(axis=0) > 0, today, always)
    return spend / spend.sum(axis=0)


def largest_spend(fit: Fit) -> np.ndarray:
    """(C,) largest spend observed on a day, currency, over all markets together."""
    return fit.data.total_spend.max(axis=0)


def _of_market(fit: Fit, c: int, spend: np.ndarray) -> np.ndarray:
    coefficient = fit.media_coefficients()[:, 0, c, None] * fit.data.kpi_scale
    scaled_units = fit.data.media[0, :, c].sum() / fit.data.spend[0, :, c].sum()
    media = np.broadcast_to(spend * scaled_units, (len(coefficient), len(spend)))
    own = {name: values[:, c, None] for name, values in fit.transform_parameters().items()}
    return fit.spec.transform.saturation.value(media, own, NUMPY) * coefficient
