"""What a fit of several markets says market by market: the tables of all markets together, once per market."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.inference.prior import prior_contributions
from mmm_pipeline.mmm.priors.media import SPEND_SHARE
from mmm_pipeline.mmm.response.attribution import Attribution, attribution, interval_widths
from mmm_pipeline.mmm.response.response_curves import response_curves

__all__ = ["attribution_by_market", "response_curves_by_market"]


def attribution_by_market(
    fit: Fit,
    *,
    horizon: int = 28,
    count_after_horizon: bool = True,
    credible_interval: float = 0.9,
    prior_draws: int = 2000,
    seed: int = 0,
) -> Attribution:
    """The tables `attribution_by_market` and `contribution_over_time_by_market`; arguments are those of `attribution`.

    A channel has a row in the markets where it was on. The prior of `prior_width_ratio` is that of all markets, in
    which a market's coefficients hang together with those of the others.
    """
    believed = prior_contributions(fit.spec, fit.data, prior_draws, seed)
    # Beliefs are on the ROI of all markets together, so that no market has one of its own.
    plain = replace(fit.spec, media_prior=SPEND_SHARE, roi_priors=())
    tables, over_time, totals = [], [], []
    for name, market in zip(fit.data.markets, fit.markets(), strict=True):
        found = attribution(
            replace(market, spec=plain),
            horizon=horizon,
            count_after_horizon=count_after_horizon,
            credible_interval=credible_interval,
            prior_draws=10,
            seed=seed,
        )
        prior = believed.sel(market=name, channel=list(market.data.channels)).to_numpy()
        width = found.table["contribution_high"] - found.table["contribution_low"]
        found.table["prior_width_ratio"] = width / interval_widths(np.asarray(prior), credible_interval)
        tables.append(found.table.assign(market=name))
        over_time.append(found.over_time.assign(market=name))
        totals.append(found.total.assign(market=name))
    return Attribution(_market_first(tables), _market_first(over_time), _market_first(totals))


def response_curves_by_market(
    fit: Fit, *, horizon: int = 28, credible_interval: float = 0.9, points: int = 61
) -> pd.DataFrame:
    """The table `response_curves_by_market`; arguments are those of `response_curves`."""

    def of_market(market: Fit) -> pd.DataFrame:
        return response_curves(market, horizon=horizon, credible_interval=credible_interval, points=points)

    return _each(fit, of_market)


def _each(fit: Fit, table: Callable[[Fit], pd.DataFrame]) -> pd.DataFrame:
    markets = zip(fit.data.markets, fit.markets(), strict=True)
    return _market_first([table(market).assign(market=name) for name, market in markets])


def _market_first(tables: list[pd.DataFrame]) -> pd.DataFrame:
    joined = pd.concat(tables, ignore_index=True)
    return joined[["market", *(column for column in joined.columns if column != "market")]]
