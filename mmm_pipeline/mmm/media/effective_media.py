"""Effective media of a plan: what a constant daily amount amounts to on every day, carry-over and history included.

Before saturation every transform is linear in media. With the same amount u of media on each of H days after a known
history, effective media of day d is `carried_d + gain_d * u`: two numbers per day and draw say everything about any
plan.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["EffectiveMedia", "Fading"]


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

    def sum_of_powers(self, exponent: np.ndarray) -> np.ndarray:
        """(S,) sum over the days of their effective media to an (S,) power, as shares of that of the day before."""
        return _geometric_sum(self.log_share * exponent, self.days)


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

    def unfolded(self) -> EffectiveMedia:
        """The same with the fading days as days of their own."""
        fading = self.fading
        if not fading.days:
            return self
        left = np.exp(fading.log_share[:, None] * np.arange(1, fading.days + 1))
        carried, gain = (np.concatenate([a, a[:, -1:] * left], axis=1) for a in (self.carried, self.gain))
        return EffectiveMedia(carried, gain, self.repeated_day, self.repeats, Fading(fading.log_share, 0))

    def folded_by_power(self, exponent: np.ndarray) -> EffectiveMedia:
        """The same with the fading days as repeats of the last one, for an effect that is an (S,) power of media.

        Such an effect fades by the same factor every day as well: a geometric series.
        """
        fading = self.fading
        if not fading.days:
            return self
        repeats = self.repeats + fading.sum_of_powers(exponent)
        last = self.gain.shape[1] - 1
        if self.repeated_day != last:
            raise ValueError("only the last day before the fading ones can stand for them")
        return EffectiveMedia(self.carried, self.gain, last, repeats, Fading(fading.log_share, 0))


def _geometric_sum(log_ratio: np.ndarray, terms: int | np.ndarray) -> np.ndarray:
    """Sum of ratio^k over k = 1 .. terms, also where the ratio is all but 1."""
    with np.errstate(invalid="ignore"):
        total = np.exp(log_ratio) * np.expm1(terms * log_ratio) / np.expm1(log_ratio)
    return np.where(log_ratio < -1e-300, total, terms)
