"""A fitted model: what it says about the past, and what it expects of days to come, in all markets or in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.fit.posterior import scaled_baseline
from mmm_pipeline.mmm.fit.storage import StoredFit, restored, stored
from mmm_pipeline.mmm.inference.diagnostics import Attempt, Convergence, parameter_diagnostics
from mmm_pipeline.mmm.media.draws import chunks
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["Fit"]


@dataclass(frozen=True)
class Fit:
    """One posterior, with the model and the data it belongs to. All results are in the KPI's own units.

    Results are those of all markets together: sums over them, draw by draw. `markets` gives a fit of each.

    Attributes:
        spec: the model.
        data: the window, mean-scaled.
        inference: ArviZ groups `posterior` (scaled units), `sample_stats`, `log_likelihood`, `observed_data`; where
            there are several markets, what belongs to one has the dimension `market`.
        convergence: the verdict on the posterior.
        attempts: every try, the last being this posterior's.
        seconds: wall time of all tries.
    """

    spec: ModelSpec
    data: ModelData
    inference: az.InferenceData
    convergence: Convergence
    attempts: tuple[Attempt, ...]
    seconds: float

    @property
    def posterior(self) -> xr.Dataset:
        """Draws of every parameter, on the scaled data: (chain, draw, ...)."""
        return self.inference["posterior"]

    def markets(self) -> tuple[Fit, ...]:
        """A fit of every market by itself, with these draws and the channels that were on there; of one, this fit."""
        return self._markets if self.data.several_markets else (self,)

    @cached_property
    def _markets(self) -> tuple[Fit, ...]:
        return tuple(self._market(position) for position in range(len(self.data.markets)))

    @cached_property
    def paid(self) -> Fit:
        """The fit with the channels that cost money; what has to do with spend is a question to this one.

        Effects of channels add up, so that those of some can be looked at without the others.
        """
        return self if self.data.is_paid.all() else self._with(self.data.of_channels(self.data.is_paid))

    def _market(self, position: int) -> Fit:
        return self._with(self.data.market(position))

    def _with(self, data: ModelData) -> Fit:
        """These draws for a part of the data: one of its markets, or some of its channels."""
        groups: dict[str, Any] = {}
        for name in self.inference.groups():
            group = self.inference[name]
            if "market" in group.dims and not data.several_markets:
                group = group.sel(market=data.markets[0], drop=True)
            groups[name] = group.sel(channel=list(data.channels)) if "channel" in group.dims else group
        return replace(self, data=data, inference=az.InferenceData(**groups))

    def transform_parameters(self) -> dict[str, np.ndarray]:
        """Parameters of every channel's media transform, which markets share: name -> (S, C), S = chains x draws."""
        return {name: self._flat(name) for name in self.spec.transform.parameter_names}

    def media_coefficients(self) -> np.ndarray:
        """(S, G, C) what a market's transformed media is multiplied by, in multiples of its mean KPI."""
        draws = self._flat("media_coefficient")
        return draws.reshape(len(draws), len(self.data.markets), len(self.data.channels))

    def contributions(self) -> xr.DataArray:
        """KPI that media brought: (chain, draw, time, channel) over the window."""
        if self.data.several_markets:
            channels = np.asarray(self.data.channels, dtype=object)
            parts = [market.contributions().reindex(channel=channels, fill_value=0.0) for market in self.markets()]
            return _total(parts).rename("contribution")
        media = self._media_effect(self.data.media[0], first=0)
        return self._labelled(media, self.data.dates, channel=True).rename("contribution")

    def baseline(self) -> xr.DataArray:
        """The mean without media: trend, seasonality, weekday, features: (chain, draw, time) over the window."""
        if self.data.several_markets:
            return _total([market.baseline() for market in self.markets()]).rename("baseline")
        base = scaled_baseline(
            self.spec,
            self.data,
            self.posterior,
            feature_values=self.data.feature_values[0],
            start=0,
            days=self.data.days,
        )
        return self._labelled(base * self.data.kpi_scale, self.data.dates).rename("baseline")

    def fitted_mean(self) -> xr.DataArray:
        """Expected KPI, (chain, draw, time) over the window: baseline plus the sum of contributions."""
        return (self.baseline() + self.contributions().sum("channel")).rename("fitted_mean")

    def posterior_predictive(self, *, seed: int = 0) -> xr.DataArray:
        """KPI that the model would have expected to observe, noise included: (chain, draw, time) over the window."""
        parts = [
            market._with_noise(market.fitted_mean(), own)
            for market, own in zip(self.markets(), self._seeds(seed), strict=True)
        ]
        return _total(parts).rename("kpi")

    def predict_mean(
        self,
        media: xr.DataArray | np.ndarray,
        *,
        features: xr.DataArray | np.ndarray | None = None,
        days: np.ndarray | None = None,
    ) -> xr.DataArray:
        """Expected KPI of the H days that follow the window.

        Time index, weekday phase and carried-over media of the window continue.

        Args:
            media: (H, C) media units, labelled (time, channel) or in the order of the fitted channels; of several
                markets labelled (market, time, channel).
            features: (H, F) features in their own units, labelled (time, feature) or in the fitted order; required when
                the model has features. They are the same in every market.
            days: (H,) the days; default: the time labels of `media`, or the days after the window.

        Returns:
            (chain, draw, time)

        Raises:
            ModelInputError: markets, channels, features or days do not match the fit, or a value is not finite.
        """
        if self.data.several_markets:
            parts = [
                market.predict_mean(own, features=features, days=days)
                for market, own in zip(self.markets(), self._by_market(media), strict=True)
            ]
            return _total(parts).rename("kpi_mean")
        media = self._by_market(media)[0]
        future = self._channels(media)
        dates = self._following_days(media, days, len(future))
        values = self._features(features, len(future))
        window = self.data.days
        joined = np.concatenate([self.data.media[0], future / self.data.media_scale[0]])
        base = scaled_baseline(
            self.spec, self.data, self.posterior, feature_values=values, start=window, days=len(future)
        )
        effect = self._media_effect(joined, first=window, summed=True)
        return self._labelled(base * self.data.kpi_scale + effect.reshape(base.shape), dates).rename("kpi_mean")

    def predict(
        self,
        media: xr.DataArray | np.ndarray,
        *,
        features: xr.DataArray | np.ndarray | None = None,
        days: np.ndarray | None = None,
        seed: int = 0,
    ) -> xr.DataArray:
        """Posterior predictive KPI of the H days that follow the window: `predict_mean` plus every market's noise."""
        parts = [
            market._with_noise(market.predict_mean(own, features=features, days=days), of_noise)
            for market, own, of_noise in zip(self.markets(), self._by_market(media), self._seeds(seed), strict=True)
        ]
        return _total(parts).rename("kpi")

    def diagnostics(self) -> xr.Dataset:
        """`rhat`, `ess_bulk`, `ess_tail` of every scalar parameter, over `parameter`."""
        return parameter_diagnostics(self.posterior)

    def to_inference_data(self) -> az.InferenceData:
        """Everything in ArviZ groups that netCDF can hold; `from_inference_data` takes it back without loss."""
        return stored(StoredFit(self.spec, self.data, self.inference, self.convergence, self.attempts, self.seconds))

    @classmethod
    def from_inference_data(cls, idata: az.InferenceData) -> Fit:
        """The fit that `to_inference_data` described.

        Raises:
            StoredResultError: a group or attribute is missing, damaged or of another version.
        """
        return cls(**restored(idata)._asdict())

    def _seeds(self, seed: int) -> list[int]:
        """One seed per market: their noise is independent."""
        if not self.data.several_markets:
            return [seed]
        return [int(word) for word in np.random.SeedSequence(seed).generate_state(len(self.data.markets))]

    def _flat(self, name: str) -> np.ndarray:
        values = self.posterior[name].to_numpy()
        return values.reshape(-1, *values.shape[2:])

    def _media_effect(self, media: np.ndarray, *, first: int, summed: bool = False) -> np.ndarray:
        """(S, T - first, C) β m(x) in KPI units from day `first` on; summed over channels: (S, T - first)."""
        parameters, coefficient = self.transform_parameters(), self.media_coefficients()[:, 0]
        draws, channels = coefficient.shape
        shape = (draws, len(media) - first) if summed else (draws, len(media) - first, channels)
        effect = np.empty(shape)
        for part in chunks(draws, media.size):
            here = {name: values[part] for name, values in parameters.items()}
            transformed = self.spec.transform.value(media, here, NUMPY)[:, first:]
            weights = coefficient[part] * self.data.kpi_scale
            if summed:
                effect[part] = np.einsum("stc,sc->st", transformed, weights)
            else:
                np.multiply(transformed, weights[:, None], out=effect[part])
        return effect

    def _with_noise(self, mean: xr.DataArray, seed: int) -> xr.DataArray:
        generator = np.random.default_rng(seed)
        if self.spec.noise == "student_t":
            degrees = self.posterior["noise_degrees"].to_numpy()[..., None]
            noise = generator.standard_t(np.broadcast_to(degrees, mean.shape))
        else:
            noise = generator.standard_normal(mean.shape)
        return mean + self.posterior["noise_sd"] * self.data.kpi_scale * mean.copy(data=noise)

    def _labelled(self, values: np.ndarray, dates: np.ndarray, *, channel: bool = False) -> xr.DataArray:
        index = {"chain": self.posterior["chain"].to_numpy(), "draw": self.posterior["draw"].to_numpy()}
        coords = {**index, "time": dates.astype("datetime64[ns]")}
        if channel:
            coords["channel"] = np.asarray(self.data.channels, dtype=object)
        shape = tuple(len(labels) for labels in coords.values())
        return xr.DataArray(values.reshape(shape), dims=tuple(coords), coords=coords)

    def _by_market(self, media: xr.DataArray | np.ndarray) -> list[xr.DataArray | np.ndarray]:
        """Media of every market, (H, C) each."""
        if not (isinstance(media, xr.DataArray) and "market" in media.dims):
            if self.data.several_markets:
                raise ModelInputError("media of several markets must be labelled (market, time, channel)")
            return [media]
        given = set(map(str, media["market"].to_numpy()))
        for market in self.data.markets:
            if market not in given:
                raise ModelInputError(f"media lack the fitted market {market!r}")
        return [media.sel(market=market, drop=True) for market in self.data.markets]

    def _channels(self, media: xr.DataArray | np.ndarray) -> np.ndarray:
        """(H, C) media units in the order of the fit."""
        return _ordered("media", "channel", media, self.data.channels, minimum=0.0)

    def _features(self, features: xr.DataArray | np.ndarray | None, days: int) -> np.ndarray:
        """(H, F) scaled features."""
        if not self.data.features:
            return np.zeros((days, 0))
        if features is None:
            raise ModelInputError(
                f"the model has features ({', '.join(self.data.features)}): give their values on the {days} days"
            )
        values = _ordered("features", "feature", features, self.data.features)
        if len(values) != days:
            raise ModelInputError(f"features have {len(values)} days, media {days}: give the same days")
        return values / self.data.feature_scale[0]

    def _following_days(self, media: xr.DataArray | np.ndarray, days: np.ndarray | None, length: int) -> np.ndarray:
        expected = self.data.grid.after(length).dates
        if days is None and isinstance(media, xr.DataArray) and "time" in media.coords:
            days = media["time"].to_numpy()
        if days is None:
            return expected
        given = np.asarray(days).astype("datetime64[D]")
        if not np.array_equal(given, expected):
            raise ModelInputError(
                f"predictions continue the window, which ends on {self.data.grid.end}: expected the {length} days from "
                f"{expected[0]} on, got {given[0]} .. {given[-1]} ({len(given)} days)"
            )
        return given


def _total(parts: Sequence[xr.DataArray]) -> xr.DataArray:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _ordered(
    what: str, dimension: str, values: xr.DataArray | np.ndarray, names: tuple[str, ...], minimum: float = -np.inf
) -> np.ndarray:
    """(H, names) finite values with the columns in the order of `names`."""
    if isinstance(values, xr.DataArray):
        missing = set(names) - {str(name) for name in values[dimension].to_numpy()}
        if missing:
            raise ModelInputError(f"{what} lack the fitted {dimension} {sorted(missing)[0]!r}")
        values = values.sel({dimension: list(names)}).transpose("time", dimension).to_numpy()
    array = np.asarray(values, dtype=float)
    if array.ndim != 2 or array.shape[1] != len(names) or not len(array):
        raise ModelInputError(f"{what} have shape {array.shape}: expected (days, {len(names)}), at least one day")
    bad = ~np.isfinite(array) | (array < minimum)
    if bad.any():
        day, column = map(int, np.argwhere(bad)[0])
        accepted = "finite numbers" + (f" of at least {minimum:g}" if np.isfinite(minimum) else "")
        raise ModelInputError(
            f"{what} of {names[column]!r} on day {day} is {array[day, column]}: accepted are {accepted}"
        )
    return array
