"""What changed since the earlier champion: returns and recommended spend, and whether the data is the reason.

Two refreshes never agree to the last digit. A change of ROI has three parts that are told apart here:

- *media*: the window now holds other days, on which media worked at other points of the same curves; known exactly, by
  letting the earlier posterior value the present window;
- *sampler noise*: both posteriors are known from finitely many draws (Monte Carlo standard errors);
- *learning*: what is left. It is called the data's doing only when it is larger than both posteriors' uncertainty.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import xarray as xr

from mmm_pipeline.errors import InfeasibleBudget
from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.budget.plan import plan_budget
from mmm_pipeline.mmm.budget.request import BudgetRequest
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.response.attribution import contribution_totals, marginal_roi_draws
from mmm_pipeline.mmm.response.response import current_spend
from mmm_pipeline.mmm.sensitivity.evidence import channel_evidence
from mmm_pipeline.tables.comparison import DRIFT
from mmm_pipeline.tables.frames import frame_of

__all__ = ["CLEAR_PROBABILITY", "MATERIAL_MOVE", "NOISE_MCSE", "drift_table"]

MATERIAL_MOVE = 0.05
"""A plan within this share of the current spend says: hold."""
CLEAR_PROBABILITY = 0.9
"""A posterior at least this sure of a direction says so."""
NOISE_MCSE = 2.0
"""A change of at most this many Monte Carlo standard errors is sampler noise."""


def drift_table(before: Fit, now: Fit, request: BudgetRequest | None = None, *, seed: int = 0) -> pd.DataFrame:
    """The table `drift` of the contracts: one row per paid channel of either champion, those of both first.

    The two posteriors are treated as independent where they are compared. They share most of their data, which makes
    them more alike than that, so that a change is called the data's doing too seldom rather than too often.

    Recommendations are those of `plan_budget` under the same request for both. Its sampler noise is half the difference
    of two plans, each by half of the chains. Whether the posterior supports a direction is the probability that the
    channel's marginal ROI at the spend of its time exceeds the spend-weighted mean of all channels' marginal ROI.
    A recommendation that turned from increase to decrease, or back, is put down to

    - `flip_by_spend`: the earlier plan, held against today's spend, already points where the present plan does;
    - `flip_by_data`: the present posterior supports its direction with at least `CLEAR_PROBABILITY`;
    - `flip_unsupported`: neither.

    Args:
        before: the earlier champion, of one market or of a panel.
        now: the present one. A panel's ROI is that of all its markets; its columns of the plan stay empty.
        request: budget constraints; for a champion that they do not fit (a locked channel that it does not have), the
            columns of its plan stay empty.
        seed: of the pairing of draws.
    """
    before, now = before.paid, now.paid
    returns_before, returns_now = _Returns(before), _Returns(now)
    advice_before, advice_now = _advice(before, request), _advice(now, request)
    shared = [channel for channel in now.data.channels if channel in before.data.channels]
    expected = _valued_by(before, now, shared)
    pairs = np.random.default_rng(seed)
    rows = []
    for channel in dict.fromkeys([*shared, *now.data.channels, *before.data.channels]):
        row: dict[str, object] = {
            "channel": channel,
            **{f"{name}_before": value for name, value in advice_before.get(channel, {}).items()},
            **{f"{name}_now": value for name, value in advice_now.get(channel, {}).items()},
        }
        if channel in before.data.channels:
            row["roi_before"] = returns_before.mean(channel)
        if channel in now.data.channels:
            row["roi_now"] = returns_now.mean(channel)
        if channel in shared:
            row |= _change(returns_before.draws(channel), expected.get(channel), returns_now.draws(channel), pairs)
        else:
            row["verdict"] = "new_channel" if channel in now.data.channels else "gone"
        row["recommendation"] = _recommendation(row)
        rows.append(row)
    both = {
        name: value
        for moment, fit in (("before", before), ("now", now))
        for name, value in (
            (f"spec_{moment}", fit.spec.key),
            (f"window_end_{moment}", pd.Timestamp(fit.data.grid.end)),
        )
    }
    return frame_of(DRIFT, [row | both for row in rows])


class _Returns:
    """ROI draws of a fit's own window."""

    def __init__(self, fit: Fit) -> None:
        self._roi = contribution_totals(fit) / fit.data.total_spend.sum(axis=0)

    def mean(self, channel: str) -> float:
        return float(self._roi.sel(channel=channel).mean())

    def draws(self, channel: str) -> xr.DataArray:
        return self._roi.sel(channel=channel)


def _valued_by(before: Fit, now: Fit, shared: list[str]) -> dict[str, xr.DataArray]:
    """Channel -> ROI draws of the present window's media by the earlier posterior.

    Without those that it has no value for: it did not know the channel in a market where it is on now.
    """
    earlier = dict(zip(before.data.markets, before.markets(), strict=True))
    spend = dict(zip(now.data.channels, now.data.total_spend.sum(axis=0), strict=True))
    caused: dict[str, xr.DataArray] = {}
    unknown: set[str] = set()
    for place, market in zip(now.data.markets, now.markets(), strict=True):
        old = earlier.get(place)
        live = [name for name in shared if name in market.data.channels]
        known = [] if old is None else [name for name in live if name in old.data.channels]
        unknown |= set(live) - set(known)
        if old is None or not known:
            continue
        totals = contribution_totals(_transplanted(old, market, known))
        for name in known:
            part = totals.sel(channel=name, drop=True)
            caused[name] = caused[name] + part if name in caused else part
    return {name: total / spend[name] for name, total in caused.items() if name not in unknown}


def _transplanted(old: Fit, new: Fit, channels: list[str]) -> Fit:
    """The earlier posterior of some channels on the present window's media; of use for contributions only."""
    here = [new.data.channels.index(name) for name in channels]
    scale = old.data.media_scale[:, [old.data.channels.index(name) for name in channels]]
    data = dataclasses.replace(
        new.data,
        channels=tuple(channels),
        media=new.data.media_units[:, :, here] / scale[:, None],
        media_scale=scale,
        spend=new.data.spend[:, :, here],
        kpi_scale=old.data.kpi_scale,
    )
    return dataclasses.replace(
        old, data=data, inference=az.InferenceData(posterior=old.posterior.sel(channel=channels))
    )


def _change(
    before: xr.DataArray, expected: xr.DataArray | None, now: xr.DataArray, pairs: np.random.Generator
) -> dict[str, object]:
    """Without `expected`, other media and learning cannot be told apart, and the whole change stands as learned."""
    from_media = None if expected is None else float(expected.mean() - before.mean())
    expected = before if expected is None else expected
    learned = float(now.mean() - expected.mean())
    mcse = float(np.hypot(_mcse(expected), _mcse(now)))
    earlier, present = expected.to_numpy().ravel(), now.to_numpy().ravel()
    size = max(len(earlier), len(present))
    higher = float((pairs.permutation(np.resize(present, size)) > np.resize(earlier, size)).mean())
    if abs(learned) <= NOISE_MCSE * mcse:
        verdict = "sampler_noise"
    else:
        verdict = "data" if max(higher, 1 - higher) >= CLEAR_PROBABILITY else "within_uncertainty"
    return {
        "change": float(now.mean() - before.mean()),
        "change_from_media": from_media,
        "change_learned": learned,
        "change_mcse": mcse,
        "change_sd": float(np.hypot(earlier.std(), present.std())),
        "probability_roi_higher": higher,
        "verdict": verdict,
    }


def _mcse(draws: xr.DataArray) -> float:
    return float(az.mcse(draws.transpose("chain", "draw").to_numpy(), method="mean"))


def _advice(fit: Fit, request: BudgetRequest | None) -> dict[str, dict[str, object]]:
    """Channel -> spend, probability_increase and, where there is a plan, plan, plan_noise, direction."""
    request = request or BudgetRequest()
    spend = current_spend(fit, request.horizon)
    support = _probability_increase(fit, request, spend)
    advice: dict[str, dict[str, object]] = {
        channel: {"spend": float(spend[c]), "probability_increase": float(support[c])}
        for c, channel in enumerate(fit.data.channels)
    }
    try:
        evidence = channel_evidence(fit)
        plan = plan_budget(fit, request, evidence=evidence).table
        halves = [
            plan_budget(half, request, evidence=evidence).table["optimal_spend"].to_numpy() for half in _halves(fit)
        ]
    except InfeasibleBudget:
        return advice
    noise = np.abs(halves[0] - halves[1]) / 2
    for c, row in enumerate(plan.to_dict("records")):
        current, planned = float(row["current_spend"]), float(row["optimal_spend"])
        advice[str(row["channel"])] |= {
            "spend": current,
            "plan": planned,
            "plan_noise": float(noise[c]),
            "direction": _direction(current, planned),
        }
    return advice


def _halves(fit: Fit) -> list[Fit]:
    """The fit by every other chain, and by the rest; one chain is split in the middle."""
    posterior = fit.posterior
    if posterior.sizes["chain"] > 1:
        parts = [posterior.isel(chain=slice(first, None, 2)) for first in (0, 1)]
    else:
        middle = posterior.sizes["draw"] // 2
        parts = [posterior.isel(draw=slice(None, middle)), posterior.isel(draw=slice(middle, None))]
    return [dataclasses.replace(fit, inference=az.InferenceData(posterior=part)) for part in parts]


def _probability_increase(fit: Fit, request: BudgetRequest, spend: np.ndarray) -> np.ndarray:
    """(C,) probability that the next unit of currency brings more in the channel than on average."""
    slopes = marginal_roi_draws(fit, request.horizon, request.count_after_horizon)
    weights = spend / spend.sum() if spend.sum() > 0 else np.full(len(spend), 1 / len(spend))
    return (slopes > (slopes @ weights)[:, None]).mean(axis=0)


def _direction(current: float, planned: float) -> str:
    if abs(planned - current) <= MATERIAL_MOVE * current:
        return "hold"
    return "increase" if planned > current else "decrease"


def _recommendation(row: dict[str, object]) -> str:
    before, now = row.get("direction_before"), row.get("direction_now")
    if before is None or now is None:
        return "not_comparable"
    if before == now:
        return "same"
    if "hold" in (before, now):
        return "shifted"
    if _direction(float(row["spend_now"]), float(row["plan_before"])) == now:  # type: ignore[arg-type]
        return "flip_by_spend"
    support = float(row["probability_increase_now"])  # type: ignore[arg-type]
    clear = (support if now == "increase" else 1 - support) >= CLEAR_PROBABILITY
    return "flip_by_data" if clear else "flip_unsupported"
