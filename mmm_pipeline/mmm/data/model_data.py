"""From daily series to what the model sees: a window of them, every market scaled by its own means in that window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.data.time_grid import TimeGrid

__all__ = [
    "ALL_MARKETS",
    "Holdout",
    "ModelData",
    "constant_features",
    "holdout_of",
    "model_data",
    "train_data",
    "train_days",
]


ALL_MARKETS = "all markets"
"""Name of the only market where the data keeps none apart."""


@dataclass(frozen=True)
class ModelData:
    """The arrays of a fit: G markets with the same T days, C channels and F features, each scaled by its own means.

    A country, or all markets added up, is one market: G = 1.

    Attributes:
        markets: G names.
        grid: the T periods.
        channels: C names.
        features: F names; may be empty.
        media: (G, T, C) media units over `media_scale`.
        kpi: (G, T) KPI over `kpi_scale`.
        feature_values: (G, T, F) feature over `feature_scale`.
        media_scale: (G, C) mean media units per day of the window; for a channel without media in a market, what it
            would be with as much media per KPI as in the markets where it ran.
        kpi_scale: (G,) mean KPI per day of the window.
        feature_scale: (G, F) mean absolute value of the window; 1 for events.
        spend: (G, T, C) currency per day.
        events: names of those features that are events: 1 on their days, 0 on others.
    """

    markets: tuple[str, ...]
    grid: TimeGrid
    channels: tuple[str, ...]
    features: tuple[str, ...]
    media: np.ndarray
    kpi: np.ndarray
    feature_values: np.ndarray
    media_scale: np.ndarray
    kpi_scale: np.ndarray
    feature_scale: np.ndarray
    spend: np.ndarray
    events: tuple[str, ...] = ()

    @cached_property
    def dates(self) -> np.ndarray:
        """(T,) datetime64[D]."""
        return self.grid.dates

    @property
    def days(self) -> int:
        return self.grid.length

    @property
    def several_markets(self) -> bool:
        """Whether there are markets to tell apart: then the model has a hierarchy over them."""
        return len(self.markets) > 1

    @property
    def media_units(self) -> np.ndarray:
        """(G, T, C) media units per day."""
        return self.media * self.media_scale[:, None]

    @property
    def total_kpi(self) -> np.ndarray:
        """(T,) KPI units per day, over all markets."""
        return (self.kpi * self.kpi_scale[:, None]).sum(axis=0)

    @cached_property
    def total_spend(self) -> np.ndarray:
        """(T, C) currency per day, over all markets."""
        return self.spend.sum(axis=0)

    @property
    def is_paid(self) -> np.ndarray:
        """(C,) whether a channel costs anything; the others are organic: they have media without spend."""
        return np.asarray(self.total_spend.any(axis=0))

    @property
    def weighing_spend(self) -> np.ndarray:
        """(C,) currency per day that a channel weighs in priors; an organic one as much as the mean paid one.

        It says how much an organic channel is believed to bring before its data is seen, not what it cost.
        """
        spend, paid = self.total_spend.mean(axis=0), self.is_paid
        return np.where(paid, spend, spend[paid].mean())

    @property
    def spend_share_scale(self) -> np.ndarray:
        """(C,) scale of the media coefficients' prior: spend over the mean of paid channels; 1 of an organic one."""
        total = self.total_spend.sum(axis=0)
        return np.where(self.is_paid, total / total[self.is_paid].mean(), 1.0)

    @property
    def is_on(self) -> np.ndarray:
        """(G, C) whether a channel has media in a market, and spend if it has any elsewhere."""
        return np.logical_and(self.media.any(axis=1), self.spend.any(axis=1) | ~self.is_paid)

    def market(self, position: int) -> ModelData:
        """One market by itself, with the channels that are on there."""
        here = slice(position, position + 1)
        return replace(
            self,
            markets=(self.markets[position],),
            media=self.media[here],
            kpi=self.kpi[here],
            feature_values=self.feature_values[here],
            media_scale=self.media_scale[here],
            kpi_scale=self.kpi_scale[here],
            feature_scale=self.feature_scale[here],
            spend=self.spend[here],
        ).of_channels(self.is_on[position])

    def of_channels(self, kept: np.ndarray) -> ModelData:
        """The same with some of the channels, those of (C,) `kept`."""
        return replace(
            self,
            channels=tuple(name for name, here in zip(self.channels, kept, strict=True) if here),
            media=self.media[:, :, kept],
            media_scale=self.media_scale[:, kept],
            spend=self.spend[:, :, kept],
        )

    def to_dataset(self) -> xr.Dataset:
        """Everything but the names of the events, as labelled arrays that netCDF can hold.

        The dimension `market` is there where several markets are, and `feature` where the data has features: netCDF has
        no use for a dimension of length 0. The name of a single market is a coordinate without dimension.
        """
        coords: dict[str, Any] = {
            "time": self.dates.astype("datetime64[ns]"),
            "channel": np.asarray(self.channels, dtype=object),
        }
        if self.features:
            coords["feature"] = np.asarray(self.features, dtype=object)
        if self.several_markets:
            coords["market"] = np.asarray(self.markets, dtype=object)
        elif self.markets != (ALL_MARKETS,):
            coords["market"] = self.markets[0]
        variables: dict[str, Any] = {}
        for name, dimensions in _DIMENSIONS.items():
            values = np.asarray(getattr(self, name))
            if "feature" in dimensions and not self.features:
                continue
            variables[name] = (dimensions, values) if self.several_markets else (dimensions[1:], values[0])
        return xr.Dataset(variables, coords=coords)

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset, *, events: tuple[str, ...] = ()) -> ModelData:
        """What `to_dataset` described.

        Raises:
            KeyError: a variable or a coordinate is missing.
        """
        dates = dataset["time"].to_numpy().astype("datetime64[D]")
        markets = _market_names(dataset)
        features = tuple(map(str, dataset["feature"].to_numpy())) if "feature" in dataset.coords else ()
        arrays = {}
        for name, dimensions in _DIMENSIONS.items():
            if "feature" in dimensions and not features:
                shape = {"market": len(markets), "time": len(dates), "feature": 0}
                arrays[name] = np.zeros([shape[dimension] for dimension in dimensions])
                continue
            values = dataset[name].to_numpy()
            arrays[name] = values if "market" in dataset.dims else values[None]
        return cls(
            markets=markets,
            grid=TimeGrid.of_dates(dates),
            channels=tuple(map(str, dataset["channel"].to_numpy())),
            features=features,
            events=events,
            **arrays,
        )


_DIMENSIONS: dict[str, tuple[str, ...]] = {
    "media": ("market", "time", "channel"),
    "kpi": ("market", "time"),
    "feature_values": ("market", "time", "feature"),
    "media_scale": ("market", "channel"),
    "kpi_scale": ("market",),
    "feature_scale": ("market", "feature"),
    "spend": ("market", "time", "channel"),
}


def model_data(dataset: xr.Dataset, *, days: slice | None = None) -> ModelData:
    """Cut a window out of the model inputs and scale every market by its own means.

    Args:
        dataset: `media (time, channel)` media units, `spend (time, channel)` currency per day, `kpi (time)` and, with
            features, `feature_values (time, feature)`, where a coordinate `is_event (feature)` may tell events apart;
            `time` are consecutive days. Media, spend and KPI may have a dimension `market`; features are those of all
            markets.
        days: positions of the window along `time`; default: all days.

    Raises:
        ModelInputError: a value is not finite or negative; a channel has no media in the window in any market, or
            none has spend; the KPI is zero in a market; a feature is the same on every day; there is no market; the
            dates are no consecutive periods.
    """
    window = dataset.isel(time=days) if days is not None else dataset
    markets = _market_names(window)
    if not markets:
        raise ModelInputError("the data has no market: at least one is needed")
    dates = window["time"].to_numpy().astype("datetime64[D]")
    channels = tuple(str(name) for name in window["channel"].to_numpy())
    media, spend = (_by_market(window[name], "time", "channel") for name in ("media", "spend"))
    kpi = _by_market(window["kpi"], "time")
    features, events, feature_values = _features(window, len(dates))

    for market, of_media, of_spend, of_kpi in zip(markets, media, spend, kpi, strict=True):
        where = f" in market {market!r}" if market != ALL_MARKETS else ""
        _require_finite("media" + where, of_media, channels, dates, minimum=0.0)
        _require_finite("spend" + where, of_spend, channels, dates, minimum=0.0)
        _require_finite("kpi" + where, of_kpi[:, None], ("kpi",), dates)
        if not of_kpi.mean() > 0:
            raise ModelInputError(f"the KPI{where} is zero throughout, from {dates[0]} to {dates[-1]}")
    anywhere = " in any market" if len(markets) > 1 else ""
    for c, channel in enumerate(channels):
        if media[:, :, c].sum() <= 0:
            raise ModelInputError(
                f"channel {channel!r} has no media{anywhere} between {dates[0]} and {dates[-1]}: exclude it"
            )
    if spend.sum() <= 0:
        raise ModelInputError(f"no channel has spend between {dates[0]} and {dates[-1]}: at least one is needed")
    for name in constant_features(window):
        raise ModelInputError(
            f"feature {name!r} is the same throughout, from {dates[0]} to {dates[-1]}: leave it out, nothing can "
            "be learned of it"
        )

    is_event = np.array([name in events for name in features], dtype=bool)
    feature_scale = np.where(is_event, 1.0, np.abs(feature_values).mean(axis=0))
    kpi_scale = kpi.mean(axis=1)
    media_scale = _media_scale(media, kpi_scale)
    shape = (len(markets), *feature_values.shape)
    return ModelData(
        markets=markets,
        grid=TimeGrid.of_dates(dates),
        channels=channels,
        features=features,
        media=media / media_scale[:, None],
        kpi=kpi / kpi_scale[:, None],
        feature_values=np.broadcast_to(feature_values / feature_scale, shape).copy(),
        media_scale=media_scale,
        kpi_scale=kpi_scale,
        feature_scale=np.tile(feature_scale, (len(markets), 1)),
        spend=spend,
        events=events,
    )


def constant_features(dataset: xr.Dataset, *, days: slice | None = None) -> list[str]:
    """Names of the features that are the same on all days of a window, so that nothing can be learned of them there.

    Events are none of them: their value, 1, means the same whether it was seen or not.
    """
    if "feature" not in dataset.dims:
        return []
    values = dataset["feature_values"].isel(time=days) if days is not None else dataset["feature_values"]
    varies = values.max("time") - values.min("time") > 1e-12 * abs(values).max("time")
    if "is_event" in dataset.coords:
        varies = varies | dataset["is_event"]
    return [str(name) for name in dataset["feature"].to_numpy()[~varies.to_numpy()]]


def _market_names(dataset: xr.Dataset) -> tuple[str, ...]:
    """Those of the dimension `market`, or of a single value of it."""
    return (
        tuple(map(str, np.atleast_1d(dataset["market"].to_numpy()))) if "market" in dataset.coords else (ALL_MARKETS,)
    )


def _by_market(values: xr.DataArray, *dimensions: str) -> np.ndarray:
    """(G, ...) values; of data without markets, those of the only one."""
    if "market" not in values.dims:
        return values.transpose(*dimensions).to_numpy().astype(float)[None]
    return values.transpose("market", *dimensions).to_numpy().astype(float)


def _features(window: xr.Dataset, days: int) -> tuple[tuple[str, ...], tuple[str, ...], np.ndarray]:
    """Names of the features, those of the events among them, and (T, F) values."""
    if "feature" not in window.dims:
        return (), (), np.zeros((days, 0))
    names = tuple(str(name) for name in window["feature"].to_numpy())
    values = window["feature_values"].transpose("time", "feature").to_numpy().astype(float)
    _require_finite("feature", values, names, window["time"].to_numpy().astype("datetime64[D]"))
    is_event = window["is_event"].to_numpy() if "is_event" in window.coords else np.zeros(len(names), dtype=bool)
    return names, tuple(name for name, event in zip(names, is_event, strict=True) if event), values


def _media_scale(media: np.ndarray, kpi_scale: np.ndarray) -> np.ndarray:
    """(G, C) mean media units per day; for a channel that is silent in a market, what it would be there.

    By that, media of a later day are not mistaken for multiples of 1.
    """
    mean, kpi = media.mean(axis=1), kpi_scale[:, None]
    active = mean > 0
    scale = np.where(active, mean, 1.0)
    # Back from scaled media: to the last digit the scales that the fingerprints of stored fits are made of.
    units = (media / scale[:, None]).mean(axis=1) * scale
    sold = np.where(active, kpi, 0.0).sum(axis=0)
    media_per_kpi = np.divide(units.sum(axis=0), sold, out=np.zeros(len(sold)), where=sold > 0)
    return np.where(active, mean, kpi * media_per_kpi)


def train_days(dataset: xr.Dataset) -> int:
    """Number of days before the holdout (the attribute `holdout_start`)."""
    holdout_start = np.datetime64(dataset.attrs["holdout_start"], "D")
    return int((dataset["time"].to_numpy().astype("datetime64[D]") < holdout_start).sum())


def train_data(dataset: xr.Dataset) -> ModelData:
    """The train window of the model inputs; holdout values take no part in it."""
    return model_data(dataset, days=slice(0, train_days(dataset)))


@dataclass(frozen=True)
class Holdout:
    """The days kept from the fit, in their own units.

    Attributes:
        media: (time, channel) media units; of several markets (market, time, channel).
        kpi: (time,) KPI units, over all markets.
        features: (time, feature); None without features.
    """

    media: xr.DataArray
    kpi: xr.DataArray
    features: xr.DataArray | None


def holdout_of(dataset: xr.Dataset) -> Holdout:
    """The holdout window of the model inputs."""
    days = dataset.isel(time=slice(train_days(dataset), None))
    kpi = days["kpi"].sum("market") if "market" in days.dims else days["kpi"]
    return Holdout(days["media"], kpi, days["feature_values"] if "feature" in days.dims else None)


def _require_finite(
    what: str, values: np.ndarray, names: tuple[str, ...], dates: np.ndarray, minimum: float | None = None
) -> None:
    bad = ~np.isfinite(values)
    if minimum is not None:
        bad |= np.nan_to_num(values) < minimum
    if bad.any():
        day, column = map(int, np.argwhere(bad)[0])
        accepted = "finite numbers" if minimum is None else f"finite numbers of at least {minimum:g}"
        raise ModelInputError(
            f"{what} of {names[column]!r} on {dates[day]} is {values[day, column]}: accepted are {accepted}"
        )
