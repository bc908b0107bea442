"""Response curves: expected KPI per day of a channel held at a constant daily spend, with bands and today's point."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.fit import Fit
from mmm_pipeline.mmm.response import current_spend, media_prices
from mmm_pipeline.mmm.saturation import saturate

__all__ = ["response_curves"]


def response_curves(
    fit: Fit, *, horizon_days: int = 28, credible_interval: float = 0.9, points: int = 61
) -> pd.DataFrame:
    """The table `response_curves` of the contracts.

    At a constant daily spend carry-over settles: effective media equals media, and the KPI per day is the coefficient
    times the saturation of that media. Spend runs from 0 to twice the largest spend observed on a day, or further if
    today's point lies beyond; today's point (the mean daily spend of the last `horizon_days` days) and the largest
    observed spend are rows of their own.

    Args:
        fit: the posterior.
        horizon_days: days whose mean spend is "today".
        credible_interval: probability of the band.
        points: number of evenly spaced spends.
    """
    parameters = fit.media_parameters()
    coefficient = parameters.pop("media_coefficient") * fit.data.kpi_scale
    prices = media_prices(fit)
    today = current_spend(fit, horizon_days) / horizon_days
    largest = fit.data.spend.max(axis=0)
    tails = [(1 - credible_interval) / 2, (1 + credible_interval) / 2]
    tables = []
    for c, channel in enumerate(fit.data.channels):
        spend = np.linspace(0.0, 2 * max(largest[c], today[c]), points)
        spend = np.unique(np.concatenate([spend, [today[c], largest[c]]]))
        media_units = spend / prices[c]
        media = np.broadcast_to(media_units / fit.data.media_scale[c], (len(coefficient), len(spend)))
        own = {name: values[:, c] for name, values in parameters.items()}
        kpi = saturate(fit.spec.adstock, media, own) * coefficient[:, c, None]
        low, high = np.quantile(kpi, tails, axis=0)
        tables.append(
            pd.DataFrame(
                {
                    "channel": channel,
                    "spend": spend,
                    "media_units": media_units,
                    "kpi": kpi.mean(axis=0),
                    "low": low,
                    "high": high,
                    "is_current": spend == today[c],
                    "is_extrapolated": spend > largest[c],
                }
            )
        )
    return pd.concat(tables, ignore_index=True)
