"""Response curves: expected KPI per day of a channel held at a constant daily spend, with bands and today's point."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.optimize import brentq

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

    A Hill curve has a ceiling, the expected coefficient: `ceiling_share` says how much of it a spend reaches, and the
    spend that reaches half is a row of its own where it lies in the range. Power curves have no ceiling and never
    saturate: their share is missing, and no row is flagged.

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
        own = {name: values[:, c] for name, values in parameters.items()}
        media_per_currency = 1 / (prices[c] * fit.data.media_scale[c])

        def kpi_draws(
            at: np.ndarray, own: dict[str, np.ndarray] = own, rate: float = media_per_currency, channel: int = c
        ) -> np.ndarray:
            """(S, m) KPI per day."""
            media = np.broadcast_to(at * rate, (len(coefficient), len(at)))
            return saturate(fit.spec.adstock, media, own) * coefficient[:, channel, None]

        ceiling = float(coefficient[:, c].mean()) if fit.spec.adstock == "hill_adstock" else np.nan
        half = _spend_that_brings(0.5 * ceiling, kpi_draws, spend[-1])
        spend = np.unique(np.concatenate([spend, [today[c], largest[c]], half]))
        media_units = spend / prices[c]
        kpi = kpi_draws(spend)
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
                    "ceiling_share": kpi.mean(axis=0) / ceiling,
                    "is_current": spend == today[c],
                    "is_half_saturation": np.isin(spend, half),
                    "is_extrapolated": spend > largest[c],
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _spend_that_brings(target: float, kpi_draws: Callable[[np.ndarray], np.ndarray], most: float) -> np.ndarray:
    """The spend up to `most` whose expected KPI is the target, as an array of one; empty when there is none."""

    def excess(spend: float) -> float:
        return float(kpi_draws(np.array([spend])).mean()) - target

    if not (most > 0 and excess(most) >= 0 > excess(0.0)):
        return np.empty(0)
    return np.array([brentq(excess, 0.0, most, rtol=1e-9)])
