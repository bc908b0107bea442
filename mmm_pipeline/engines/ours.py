"""Our own fit of the train window in the terms in which engines answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmm_pipeline.engines.comparison import View
from mmm_pipeline.engines.result import ChannelResult, ForecastDay
from mmm_pipeline.tables.engines import OURS

if TYPE_CHECKING:
    from mmm_pipeline.mmm.data.model_data import Holdout
    from mmm_pipeline.mmm.fit.fit import Fit

__all__ = ["our_channels", "our_view"]


def our_view(fit: Fit, holdout: Holdout, *, credible_interval: float, counts: bool) -> View:
    """A fit of the train window as a view; `holdout` are the days that it forecasts."""
    from importlib.metadata import version

    from mmm_pipeline.mmm.fit.forecast import forecast_table

    channels = our_channels(fit, credible_interval)
    table = forecast_table(
        fit, holdout.media, holdout.kpi, holdout.features, credible_interval=credible_interval
    ).query("is_holdout")
    return View(
        engine=OURS,
        title=OURS,
        model=fit.spec.key,
        version=version("mmm_pipeline"),
        counts=counts,
        channels=channels,
        holdout=tuple(
            ForecastDay(date=f"{row.date:%Y-%m-%d}", mean=row.mean, low=row.low, high=row.high)
            for row in table[["date", "mean", "low", "high"]].itertuples(index=False, name="Day")
        ),
        seconds=float(fit.seconds),
        ess_roi_min=min((row.roi_ess for row in channels if row.roi_ess is not None), default=None),
        rhat_max=float(fit.convergence.rhat_max) if np.isfinite(fit.convergence.rhat_max) else None,
        divergences=int(fit.convergence.divergences),
    )


def our_channels(fit: Fit, credible_interval: float) -> tuple[ChannelResult, ...]:
    """Contribution and ROI of every channel over the fitted window, as `engines/exchange.py` computes them."""
    from mmm_pipeline.mmm._arviz import az
    from mmm_pipeline.mmm.response.attribution import contribution_totals

    draws = contribution_totals(fit).transpose("chain", "draw", "channel").to_numpy()
    spend = fit.data.total_spend.sum(axis=0)
    tails = [(1 - credible_interval) / 2, (1 + credible_interval) / 2]
    rows = []
    for c, name in enumerate(fit.data.channels):
        if not fit.data.is_paid[c]:
            continue
        totals = draws[:, :, c]
        low, high = np.quantile(totals, tails)
        rows.append(
            ChannelResult(
                channel=name,
                spend=spend[c],
                contribution=totals.mean(),
                contribution_low=low,
                contribution_high=high,
                roi=totals.mean() / spend[c],
                roi_low=low / spend[c],
                roi_high=high / spend[c],
                roi_sd=totals.std(ddof=1) / spend[c],
                roi_ess=float(az.ess(totals, method="mean")) if totals.std() > 0 else None,
            )
        )
    return tuple(rows)
