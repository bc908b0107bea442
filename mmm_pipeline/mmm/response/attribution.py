"""What each channel was worth: contribution, share, ROI and marginal ROI, with what the data can and cannot tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.inference.prior import prior_contributions
from mmm_pipeline.mmm.media.draws import chunks
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.response.channel_responses import channel_responses
from mmm_pipeline.mmm.response.response import current_spend

__all__ = [
    "Attribution",
    "attribution",
    "contribution_totals",
    "interval_widths",
    "marginal_roi_draws",
    "media_total",
    "media_variation",
]

_BASELINE = "baseline"


@dataclass(frozen=True)
class Attribution:
    """Attributes: table, over_time, total: the contracts `attribution`, `contribution_over_time`, `media_total`."""

    table: pd.DataFrame
    over_time: pd.DataFrame
    total: pd.DataFrame


def attribution(
    fit: Fit,
    *,
    horizon: int = 28,
    count_after_horizon: bool = True,
    credible_interval: float = 0.9,
    prior_draws: int = 2000,
    seed: int = 0,
) -> Attribution:
    """Attribute the window's KPI to channels and baseline.

    - contribution: KPI caused inside the window by the window's media; effect carried over beyond its end does not
      count, and effect of media before its start, which the model does not see, neither. With the baseline, the
      contributions add up to the fitted mean on every day and in every draw.
    - share: expected contribution over the expected KPI of the window.
    - roi: contribution over the spend of the window. An organic channel has none, and no marginal ROI and no cost.
    - marginal_roi: KPI of the next unit of currency over a horizon of `horizon` days at the spend of the last
      `horizon` days, evenly paced: the derivative of the curve that the budget plan maximises.
    - cost_per_kpi: spend over contribution, the inverse of ROI; its interval is that of the draws' inverses.
    - prior_width_ratio: width of the contribution's credible interval over that of its prior with the same media.
      Near 1 the data say nothing about the channel; more variation in its spend, or a lift test, is needed.
    - media_variation: standard deviation of the channel's media over its mean. Near 0 its contribution cannot be told
      from the intercept, however narrow its interval: what narrows it is that a baseline must remain.

    Args:
        fit: the posterior; the quantities are those of all markets together.
        horizon: days that "today's spend" and the marginal ROI refer to.
        count_after_horizon: whether the marginal ROI counts effect after the horizon.
        credible_interval: probability of the intervals.
        prior_draws: draws of the prior that `prior_width_ratio` is computed from.
        seed: of those draws.
    """
    tails = np.array([(1 - credible_interval) / 2, (1 + credible_interval) / 2])
    components = _Components(fit)
    totals = np.empty((components.draws, len(fit.data.channels)))
    over_time = []
    for c, channel in enumerate(fit.data.channels):
        daily = components.channel(channel)
        totals[:, c] = daily.sum(axis=1)
        over_time.append(_component_table(fit, channel, daily, tails, is_baseline=False))
    baseline = components.baseline()
    name = _BASELINE if _BASELINE not in fit.data.channels else f"{_BASELINE} (all but media)"
    over_time.insert(0, _component_table(fit, name, baseline, tails, is_baseline=True))
    fitted = baseline.sum(axis=1) + totals.sum(axis=1)

    table = _table(fit, totals, fitted, marginal_roi_draws(fit, horizon, count_after_horizon), tails)
    table["prior_width_ratio"] = _prior_width_ratio(fit, totals, credible_interval, prior_draws, seed)
    table["media_variation"] = media_variation(fit)
    total = _total(fit, totals, baseline, tails)
    return Attribution(table=table, over_time=pd.concat(over_time, ignore_index=True), total=total)


def media_total(fit: Fit, *, credible_interval: float = 0.9) -> pd.DataFrame:
    """The contract `media_total` of a posterior: all media together, and what is left for the baseline."""
    tails = np.array([(1 - credible_interval) / 2, (1 + credible_interval) / 2])
    components = _Components(fit)
    caused = np.stack([components.channel(channel).sum(axis=1) for channel in fit.data.channels], axis=1)
    return _total(fit, caused, components.baseline(), tails)


def _prior_width_ratio(
    fit: Fit, totals: np.ndarray, credible_interval: float, prior_draws: int, seed: int
) -> np.ndarray:
    """(C,) width of the credible intervals of the contributions (S, C) over those of their prior."""
    prior = prior_contributions(fit.spec, fit.data, prior_draws, seed).sum("market").to_numpy()
    widths: np.ndarray = interval_widths(totals, credible_interval) / interval_widths(prior, credible_interval)
    return widths


def media_variation(fit: Fit) -> np.ndarray:
    """(C,) standard deviation of each channel's media over its mean; within markets, because each has its own level."""
    units = fit.data.media_units
    mean = units.mean(axis=1).sum(axis=0)
    spread = np.sqrt(units.var(axis=1).sum(axis=0) * len(units))
    return np.divide(spread, mean, out=np.zeros_like(mean), where=mean > 0)


def contribution_totals(fit: Fit) -> xr.DataArray:
    """KPI that each channel caused over the window: (chain, draw, channel)."""
    components = _Components(fit)
    totals = np.stack([components.channel(name).sum(axis=1) for name in fit.data.channels], axis=1)
    index = {name: fit.posterior[name].to_numpy() for name in ("chain", "draw")}
    coords = {**index, "channel": np.asarray(fit.data.channels, dtype=object)}
    shape = tuple(len(labels) for labels in coords.values())
    return xr.DataArray(totals.reshape(shape), dims=tuple(coords), coords=coords)


def marginal_roi_draws(fit: Fit, horizon: int, count_after_horizon: bool) -> np.ndarray:
    """(S, C) KPI of the next unit of currency at today's spend, which markets share as they share today's.

    An organic channel has none: NaN. A channel that is off everywhere today is shared as over the whole window.
    """
    responses = channel_responses(fit.paid, horizon, count_after_horizon=count_after_horizon)
    today = current_spend(fit.paid, horizon)
    slopes = [response.slope_draws(spend) for response, spend in zip(responses, today, strict=True)]
    of_all = np.full((len(slopes[0]), len(fit.data.channels)), np.nan)
    of_all[:, fit.data.is_paid] = np.stack(slopes, axis=1)
    return of_all


class _Components:
    """Daily KPI of one component at a time, over all markets: all at once would not fit the memory of a laptop."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit
        self._markets = [(market.data, _parameters(market)) for market in fit.markets()]
        self.draws = fit.posterior.sizes["chain"] * fit.posterior.sizes["draw"]

    def channel(self, channel: str) -> np.ndarray:
        """(S, T)"""
        daily = np.zeros((self.draws, self._fit.data.days))
        for data, parameters in self._markets:
            if channel not in data.channels:
                continue
            c = data.channels.index(channel)
            for part in chunks(self.draws, data.days):
                own = {name: values[part, c : c + 1] for name, values in parameters.items()}
                transformed = self._fit.spec.transform.value(data.media[0, :, c : c + 1], own, NUMPY)
                daily[part] += transformed[:, :, 0] * (own["media_coefficient"] * data.kpi_scale)
        return daily

    def baseline(self) -> np.ndarray:
        """(S, T)"""
        return self._fit.baseline().to_numpy().reshape(self.draws, -1)


def _parameters(market: Fit) -> dict[str, np.ndarray]:
    """(S, C) each, of one market."""
    return market.transform_parameters() | {"media_coefficient": market.media_coefficients()[:, 0]}


def _component_table(
    fit: Fit, component: str, daily: np.ndarray, tails: np.ndarray, *, is_baseline: bool
) -> pd.DataFrame:
    low, high = _quantiles(daily, tails)
    return pd.DataFrame(
        {
            "date": fit.data.dates.astype("datetime64[ns]"),
            "component": component,
            "is_baseline": is_baseline,
            "mean": daily.mean(axis=0),
            "low": low,
            "high": high,
        }
    )


def _table(
    fit: Fit, totals: np.ndarray, fitted: np.ndarray, marginal_roi: np.ndarray, tails: np.ndarray
) -> pd.DataFrame:
    costs = fit.data.total_spend.sum(axis=0)
    spend = np.where(fit.data.is_paid, costs, np.nan)
    contribution = totals.mean(axis=0)
    columns: dict[str, object] = {
        "channel": list(fit.data.channels),
        "spend": costs,
        "media_units": fit.data.media_units.sum(axis=(0, 1)),
    }
    quantities = {
        "contribution": (contribution, totals),
        "share": (contribution / fitted.mean(), totals / fitted[:, None]),
        "roi": (contribution / spend, totals / spend),
    }
    for name, (mean, draws) in quantities.items():
        columns |= _with_interval(name, mean, draws, tails)
    columns["probability_roi_above_1"] = np.where(np.isnan(spend), np.nan, (totals > spend).mean(axis=0))
    columns |= _with_interval("marginal_roi", marginal_roi.mean(axis=0), marginal_roi, tails)
    # Costs fall where contributions rise, so that their interval is that of the contributions turned round.
    for name, caused in (("", "contribution"), ("_low", "contribution_high"), ("_high", "contribution_low")):
        columns[f"cost_per_kpi{name}"] = _cost(spend, np.asarray(columns[caused]))
    return pd.DataFrame(columns)


def _total(fit: Fit, totals: np.ndarray, baseline: np.ndarray, tails: np.ndarray) -> pd.DataFrame:
    """All media together; totals: (S, C) over the window, baseline: (S, T). ROI is that of the paid channels."""
    spend, rest = float(fit.data.spend.sum()), baseline.sum(axis=1)
    caused, bought = totals.sum(axis=1), totals[:, fit.data.is_paid].sum(axis=1)
    row: dict[str, object] = {"spend": spend}
    for name, mean, draws in (
        ("contribution", caused.mean(), caused),
        ("share", caused.mean() / (caused + rest).mean(), caused / (caused + rest)),
        ("roi", bought.mean() / spend, bought / spend),
    ):
        low, high = np.quantile(draws, tails)
        row |= {name: mean, f"{name}_low": low, f"{name}_high": high}
    row["probability_above_kpi"] = float((rest < 0).mean())
    row["periods_below_zero"] = int((baseline.mean(axis=0) < 0).sum())
    row["periods"] = baseline.shape[1]
    return pd.DataFrame([row])


def _cost(spend: np.ndarray, caused: np.ndarray) -> np.ndarray:
    """(C,) currency per KPI unit; NaN where nothing was caused, so that no price is high enough."""
    with np.errstate(divide="ignore"):
        return np.where(caused > 0, spend / caused, np.nan)


def _with_interval(name: str, mean: np.ndarray, draws: np.ndarray, tails: np.ndarray) -> dict[str, np.ndarray]:
    low, high = _quantiles(draws, tails)
    return {name: mean, f"{name}_low": low, f"{name}_high": high}


def interval_widths(draws: np.ndarray, credible_interval: float) -> np.ndarray:
    """(K,) widths of the central credible intervals of the draws (S, K)."""
    low, high = _quantiles(draws, np.array([(1 - credible_interval) / 2, (1 + credible_interval) / 2]))
    return high - low


def _quantiles(draws: np.ndarray, tails: np.ndarray) -> np.ndarray:
    """(2, K) quantiles over the draws of (S, K); along memory, which is several times faster."""
    return np.quantile(np.ascontiguousarray(draws.T), tails, axis=1)
