"""Effective media of a plan: what a constant daily amount amounts to on every day, carry-over and history included.

Before saturation all three transforms are linear in media. With the same amount u of media on each of H days after a
known history, effective media of day d is `carried_d + gain_d * u`: two numbers per day and draw say everything about
any plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from mmm_pipeline.mmm.media.transforms import CARRYOVER_LAGS
from mmm_pipeline.mmm.specs import Adstock

__all__ = ["EffectiveMedia", "Fading", "History", "effective_media", "history"]


@dataclass(frozen=True)
class Fading:
    """Days after the last of `EffectiveMedia`, on each of which the same share of its effective media is left.

    Attributes:
        log_share: (S,) log of the share that a day leaves.
        days: how many such days count.
    """

    log_share: np.ndarray
    days: int

    def sum_of_last(self, count: np.ndarray) -> np.ndarray:
        """(S,) effective media of the last `count` days, (S,) whole numbers, as shares of the day before the first."""
        return np.exp((self.days - count) * self.log_share) * _geometric_sum(self.log_share, count)


@dataclass(frozen=True)
class EffectiveMedia:
    """Effective media `carried + gain * u` of one channel on D days, one day of which may stand for many.

    Attributes:
        carried: (S, D) what history alone leaves, scaled media units.
        gain: (S, D) effective media per unit of constant daily media.
        repeated_day: position of the day that stands for several.
        repeats: (S,) how many days of full effect it stands for.
        fading: the days that follow; none where `repeats` covers them.
    """

    carried: np.ndarray
    gain: np.ndarray
    repeated_day: int
    repeats: np.ndarray
    fading: Fading

    def at(self, daily_media: float) -> np.ndarray:
        """(S, D) effective media of a constant amount of scaled media a day."""
        z = self.gain * daily_media
        z += self.carried
        return z

    def of_rows(self, rows: slice) -> EffectiveMedia:
        """The same of some of the draws; views, no copies."""
        fading = Fading(self.fading.log_share[rows], self.fading.days)
        return EffectiveMedia(self.carried[rows], self.gain[rows], self.repeated_day, self.repeats[rows], fading)

    def total(self, effect: np.ndarray) -> np.ndarray:
        """(S,) sum over days of an (S, D) effect."""
        return effect.sum(axis=1) + (self.repeats - 1) * effect[:, self.repeated_day]

    def total_of_product(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """(S,) `total(a * b)`, without the product in memory."""
        day = self.repeated_day
        return np.vecdot(a, b) + (self.repeats - 1) * a[:, day] * b[:, day]


@dataclass(frozen=True)
class History:
    """What the days before the plan leave behind for one channel.

    Attributes:
        adstocked: (S,) effective media of the last day (adstock, hill_adstock); empty for carryover.
        recent: (lags - 1,) media of the last days, latest first (carryover); empty for the others.
    """

    adstocked: np.ndarray
    recent: np.ndarray


def history(adstock: Adstock, media: np.ndarray, parameters: Mapping[str, np.ndarray]) -> History:
    """State of one channel after its (T,) scaled media; parameters are (S,) draws."""
    if adstock == "carryover":
        recent = np.zeros(CARRYOVER_LAGS - 1)
        latest = media[::-1][: CARRYOVER_LAGS - 1]
        recent[: len(latest)] = latest
        return History(adstocked=np.empty(0), recent=recent)
    retention = parameters["retention"]
    state = np.zeros_like(retention)
    for bought in media:
        state *= retention
        state += bought
    return History(adstocked=(1 - retention) * state, recent=np.empty(0))


def effective_media(
    adstock: Adstock, parameters: Mapping[str, np.ndarray], past: History, horizon_days: int, days_after: int
) -> EffectiveMedia:
    """Effective media of one channel over the horizon and the `days_after` that follow without further media.

    Args:
        adstock: which transform.
        parameters: (S,) draws of `retention`, and of `exponent` (adstock), or `peak_delay` (carryover).
        past: what the days before the horizon leave.
        horizon_days: days of constant media.
        days_after: days after the horizon whose effect counts.
    """
    if adstock == "carryover":
        return _carryover(parameters, past, horizon_days, days_after)
    log_retention = np.log(np.maximum(parameters["retention"], np.finfo(float).tiny))
    left = np.exp(log_retention[:, None] * np.arange(1, horizon_days + 1))
    carried, gain = past.adstocked[:, None] * left, 1 - left
    last = horizon_days - 1
    if adstock == "adstock":
        # After the horizon everything fades by the same factor, and so does its power: a geometric series.
        repeats = 1 + _geometric_sum(log_retention * parameters["exponent"], days_after)
        return EffectiveMedia(carried, gain, last, repeats, Fading(log_retention, 0))
    return EffectiveMedia(carried, gain, last, np.ones(len(left)), Fading(log_retention, days_after))


def _geometric_sum(log_ratio: np.ndarray, terms: int | np.ndarray) -> np.ndarray:
    """Sum of ratio^k over k = 1 .. terms, also where the ratio is all but 1."""
    with np.errstate(invalid="ignore"):
        total = np.exp(log_ratio) * np.expm1(terms * log_ratio) / np.expm1(log_ratio)
    return np.where(log_ratio < -1e-300, total, terms)


def _carryover(
    parameters: Mapping[str, np.ndarray], past: History, horizon_days: int, days_after: int
) -> EffectiveMedia:
    lags = np.arange(CARRYOVER_LAGS)
    log_retention = np.log(np.maximum(parameters["retention"], np.finfo(float).tiny))
    weights = softmax((lags - parameters["peak_delay"][:, None]) ** 2 * log_retention[:, None], axis=1)
    # From day `settled` on, history has left and every lag falls inside the horizon: all such days are alike.
    settled = min(CARRYOVER_LAGS, horizon_days) - 1
    memory = CARRYOVER_LAGS - 1
    days = np.concatenate([np.arange(settled + 1), horizon_days + np.arange(min(days_after, memory))])
    lag_day = days[:, None] - lags  # the day whose media a lag looks at; negative: history
    inside = ((lag_day >= 0) & (lag_day < horizon_days)).astype(float)
    before = np.where((lag_day < 0) & (lag_day >= -memory), past.recent[np.clip(-lag_day - 1, 0, memory - 1)], 0.0)
    return EffectiveMedia(
        carried=weights @ before.T,
        gain=weights @ inside.T,
        repeated_day=settled,
        repeats=np.full(len(weights), float(horizon_days - settled)),
        fading=Fading(log_retention, 0),
    )
