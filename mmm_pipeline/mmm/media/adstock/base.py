"""What an adstock is: effective media of every period, linear in the media of that period and those before it.

Arrays are (..., T, C): T consecutive periods, C channels; parameters are (..., C), the leading dimensions being draws.
Weights add up to 1, so that constant media, once it has settled, stays itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mmm_pipeline.mmm.media.effective_media import EffectiveMedia, Fading
from mmm_pipeline.mmm.numerics.library import Library
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.priors.parameter import Parameter

__all__ = ["Adstock", "WindowAdstock"]


@dataclass(frozen=True)
class Adstock(ABC):
    """How media of past periods acts today.

    Attributes:
        title: its name in the field.
        formula: effective media z_t of media x_t, with the symbols of the parameters.
        source: where the formula is from.
        parameters: in the order of the sampler's coordinates.
        time_axis: axis of time in what `of_prepared` returns: -2 for (..., T, C), -1 for (..., C, T).
    """

    title: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]]
    time_axis: ClassVar[int] = -2

    @abstractmethod
    def prepared(self, media: Any, f: Library) -> Any:
        """(T, C) media as `of_prepared` reads it: what no parameter changes is computed once."""

    @abstractmethod
    def of_prepared(self, prepared: Any, parameters: Mapping[str, Any], f: Library) -> Any:
        """Effective media in the unit of the media, with time at `time_axis`.

        Args:
            prepared: of `prepared`.
            parameters: (..., C) each, by name.
            f: the library to compute with; JAX takes one draw, (C,).
        """

    @abstractmethod
    def over_horizon(
        self, media: np.ndarray, parameters: Mapping[str, np.ndarray], horizon: int, after: int
    ) -> EffectiveMedia:
        """Effective media of one channel over a horizon of constant media and the periods after it.

        Args:
            media: (T,) media before the horizon.
            parameters: (S,) draws each, by name.
            horizon: periods of constant media, at least 1.
            after: periods without media after the horizon whose effect counts.
        """

    @abstractmethod
    def retention(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        """How much lasts beyond a period, from 0 to 1, of draws of any shape; comparable within one adstock."""

    def value(self, media: Any, parameters: Mapping[str, Any], f: Library) -> Any:
        """(..., T, C) effective media of (T, C) media, at least 0; periods before the first have none."""
        effective = self.of_prepared(self.prepared(media, f), parameters, f)
        return f.xp.moveaxis(effective, self.time_axis, -2)


@dataclass(frozen=True)
class WindowAdstock(Adstock):
    """An adstock that forgets: a weighted mean of the last `lags` periods, the present one included.

    A subclass states the logarithms of its weights, whose sum a softmax brings to 1: weights far in a tail would
    all underflow to 0 / 0.
    """

    lags: ClassVar[int]
    time_axis = -1

    @abstractmethod
    def log_weights(self, parameters: Mapping[str, Any], lag: Any, f: Library) -> Any:
        """(..., L) logarithms of the weights, up to a constant.

        Args:
            parameters: (..., 1) each, by name.
            lag: (L,) 0, 1, .. periods ago.
            f: the library to compute with.
        """

    def weights(self, parameters: Mapping[str, Any], dtype: Any, f: Library) -> Any:
        """(..., L) weights of the periods, the present one first, from parameters (...)."""
        lag = f.xp.arange(self.lags, dtype=dtype)
        return f.softmax(self.log_weights({name: value[..., None] for name, value in parameters.items()}, lag, f))

    def prepared(self, media: Any, f: Library) -> Any:
        """(C, T, L) media of the same period and those before it, zero before the first."""
        periods, last = media.shape[0], self.lags - 1
        padded = f.xp.concatenate([f.xp.zeros((last, *media.shape[1:]), media.dtype), media])
        return f.xp.stack([padded[last - lag : last - lag + periods].T for lag in range(self.lags)], axis=-1)

    def of_prepared(self, prepared: Any, parameters: Mapping[str, Any], f: Library) -> Any:
        # Channels lead, because then the product is one batched matrix product.
        own = {parameter.name: parameters[parameter.name] for parameter in self.parameters}
        return f.xp.einsum("ctl,...cl->...ct", prepared, self.weights(own, prepared.dtype, f))

    def over_horizon(
        self, media: np.ndarray, parameters: Mapping[str, np.ndarray], horizon: int, after: int
    ) -> EffectiveMedia:
        weights = self.weights({own.name: parameters[own.name] for own in self.parameters}, float, NUMPY)
        memory = self.lags - 1
        recent = np.zeros(max(memory, 1))
        latest = media[::-1][:memory]
        recent[: len(latest)] = latest
        # From the period `settled` on, history has left and every lag falls inside the horizon: all those are alike.
        settled = min(self.lags, horizon) - 1
        periods = np.concatenate([np.arange(settled + 1), horizon + np.arange(min(after, memory))])
        looked_at = periods[:, None] - np.arange(self.lags)  # negative: history
        inside = ((looked_at >= 0) & (looked_at < horizon)).astype(float)
        behind = (looked_at < 0) & (looked_at >= -memory)
        before = np.where(behind, recent[np.clip(-looked_at - 1, 0, len(recent) - 1)], 0.0)
        return EffectiveMedia(
            carried=weights @ before.T,
            gain=weights @ inside.T,
            repeated_day=settled,
            repeats=np.full(len(weights), float(horizon - settled)),
            fading=Fading(np.zeros(len(weights)), 0),
        )

    def retention(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        """Share of an amount's effect that comes after its own period."""
        own = {parameter.name: parameters[parameter.name] for parameter in self.parameters}
        return 1 - self.weights(own, float, NUMPY)[..., 0]
