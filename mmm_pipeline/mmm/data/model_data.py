"""From daily series to what the model sees: split by date, mean scaling by one window's statistics, markets apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr

from mmm_pipeline.errors import ModelInputError

__all__ = [
    "FitData",
    "Holdout",
    "PanelData",
    "constant_features",
    "fit_data",
    "holdout_of",
    "panel_data",
    "train_data",
    "train_days",
    "window_data",
]


@dataclass(frozen=True)
class FitData:
    """The arrays of one market's fit, mean-scaled by the statistics of its window; T days, C channels, F features.

    Attributes:
        dates: (T,) datetime64[D], consecutive days.
        channels: C names.
        features: F names; may be empty.
        media: (T, C) media units over `media_scale`.
        kpi: (T,) KPI over `kpi_scale`.
        feature_values: (T, F) feature over `feature_scale`.
        media_scale: (C,) mean media units per day of the window; for a channel without media in this market, what it
            would be with as much media per KPI as in the markets where it ran.
        kpi_scale: mean KPI per day of the window.
        feature_scale: (F,) mean absolute value of the window; 1 for events.
        spend: (T, C) currency per day.
        events: names of those features that are events: 1 on their days, 0 on others.
    """

    dates: np.ndarray
    channels: tuple[str, ...]
    features: tuple[str, ...]
    media: np.ndarray
    kpi: np.ndarray
    feature_values: np.ndarray
    media_scale: np.ndarray
    kpi_scale: float
    feature_scale: np.ndarray
    spend: np.ndarray
    events: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        return len(self.dates)

    @property
    def markets(self) -> tuple[str, ...]:
        """No names: the data of one market, or of all together."""
        return ()

    @property
    def windows(self) -> tuple[FitData, ...]:
        """This window: what a panel has several of."""
        return (self,)

    @property
    def total_kpi(self) -> np.ndarray:
        """(T,) KPI units per day."""
        return self.kpi * self.kpi_scale

    @property
    def spend_share_scale(self) -> np.ndarray:
        """(C,) scale of the media coefficients' prior: the channel's spend over the mean spend of all channels."""
        return _spend_share(self.spend)


@dataclass(frozen=True)
class PanelData:
    """The same channels, features and days in G markets, each scaled by its own means.

    Attributes:
        markets: G names.
        windows: one per market, in this order.
    """

    markets: tuple[str, ...]
    windows: tuple[FitData, ...]

    @property
    def dates(self) -> np.ndarray:
        return self.windows[0].dates

    @property
    def days(self) -> int:
        return self.windows[0].days

    @property
    def channels(self) -> tuple[str, ...]:
        return self.windows[0].channels

    @property
    def features(self) -> tuple[str, ...]:
        return self.windows[0].features

    @property
    def events(self) -> tuple[str, ...]:
        return self.windows[0].events

    @cached_property
    def spend(self) -> np.ndarray:
        """(T, C) currency per day over all markets."""
        return np.sum([window.spend for window in self.windows], axis=0)

    @property
    def total_kpi(self) -> np.ndarray:
        """(T,) KPI units per day over all markets."""
        return np.sum([window.total_kpi for window in self.windows], axis=0)

    @property
    def spend_share_scale(self) -> np.ndarray:
        """(C,) as for one market, by the spend of all."""
        return _spend_share(self.spend)


def _spend_share(spend: np.ndarray) -> np.ndarray:
    total = spend.sum(axis=0)
    return total / total.mean()


def fit_data(dataset: xr.Dataset, *, days: slice | None = None) -> FitData:
    """Cut a window out of the model inputs of one market and scale it by its own means.

    Args:
        dataset: `media (time, channel)` media units, `spend (time, channel)` currency per day, `kpi (time)` and, with
            features, `feature_values (time, feature)`, where a coordinate `is_event (feature)` may tell events apart;
            `time` are consecutive days.
        days: positions of the window along `time`; default: all days.

    Raises:
        ModelInputError: a value is not finite or negative, a channel or the KPI is zero throughout the window, or the
            dataset has several markets (see `panel_data`).
    """
    if "market" in dataset.dims:
        raise ModelInputError("the data has a dimension 'market': panel_data reads it")
    return _fit_data(dataset.isel(time=days) if days is not None else dataset)


def panel_data(dataset: xr.Dataset, *, days: slice | None = None) -> PanelData:
    """Cut a window out of the model inputs of several markets and scale each by its own means.

    Args:
        dataset: as for `fit_data`, with a dimension `market` of media, spend and KPI; features are those of all.
        days: positions of the window along `time`; default: all days.

    Raises:
        ModelInputError: as for `fit_data`; a channel may be silent in some markets, but not in all; there must be two.
    """
    window = dataset.isel(time=days) if days is not None else dataset
    markets = tuple(str(name) for name in window["market"].to_numpy())
    if len(markets) < 2:
        raise ModelInputError(f"a panel needs at least two markets, the data has {', '.join(markets) or 'none'}")
    windows = _with_scales(tuple(_fit_data(window.sel(market=name, drop=True), market=name) for name in markets))
    panel = PanelData(markets, windows)
    for what, total in (("media", sum(w.media.sum(axis=0) for w in windows)), ("spend", panel.spend.sum(axis=0))):
        for channel, value in zip(panel.channels, np.asarray(total), strict=True):
            if value <= 0:
                raise ModelInputError(
                    f"channel {channel!r} has no {what} in any market between {panel.dates[0]} and {panel.dates[-1]}: "
                    "exclude it"
                )
    return panel


def window_data(dataset: xr.Dataset, *, days: slice | None = None) -> FitData | PanelData:
    """`panel_data` of a dataset with the dimension `market`, `fit_data` of any other."""
    return panel_data(dataset, days=days) if "market" in dataset.dims else fit_data(dataset, days=days)


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


def _with_scales(windows: tuple[FitData, ...]) -> tuple[FitData, ...]:
    """Markets whose silent channels have a scale, by which media of a later day are not mistaken for multiples of 1."""
    media = np.array([window.media.mean(axis=0) * window.media_scale for window in windows])
    kpi = np.array([window.kpi_scale for window in windows])[:, None]
    active = media > 0
    sold = np.where(active, kpi, 0.0).sum(axis=0)
    media_per_kpi = np.divide(media.sum(axis=0), sold, out=np.zeros(len(sold)), where=sold > 0)
    scales = np.where(active, media, kpi * media_per_kpi)
    return tuple(
        replace(window, media_scale=np.where(window.media.any(axis=0), window.media_scale, scale))
        for window, scale in zip(windows, scales, strict=True)
    )


def _fit_data(window: xr.Dataset, market: str | None = None) -> FitData:
    media = window["media"].transpose("time", "channel").to_numpy().astype(float)
    spend = window["spend"].transpose("time", "channel").to_numpy().astype(float)
    kpi = window["kpi"].to_numpy().astype(float)
    channels = tuple(str(name) for name in window["channel"].to_numpy())
    dates = window["time"].to_numpy().astype("datetime64[D]")
    events: tuple[str, ...] = ()
    if "feature" in window.dims:
        features = tuple(str(name) for name in window["feature"].to_numpy())
        feature_values = window["feature_values"].transpose("time", "feature").to_numpy().astype(float)
        if "is_event" in window.coords:
            events = tuple(name for name, event in zip(features, window["is_event"].to_numpy(), strict=True) if event)
    else:
        features, feature_values = (), np.zeros((len(dates), 0))

    where = f" in market {market!r}" if market else ""
    for name, values in (("media", media), ("spend", spend)):
        _require_finite(name + where, values, channels, dates, minimum=0.0)
    _require_finite("feature", feature_values, features, dates)
    _require_finite("kpi" + where, kpi[:, None], ("kpi",), dates)
    if market is None:
        for channel, total_media, total_spend in zip(channels, media.sum(axis=0), spend.sum(axis=0), strict=True):
            if total_media <= 0 or total_spend <= 0:
                what = "media" if total_media <= 0 else "spend"
                raise ModelInputError(
                    f"channel {channel!r} has no {what} between {dates[0]} and {dates[-1]}: exclude it"
                )
    if not kpi.mean() > 0:
        raise ModelInputError(f"the KPI{where} is zero on every day between {dates[0]} and {dates[-1]}")

    for name in constant_features(window):
        raise ModelInputError(
            f"feature {name!r} is the same on every day between {dates[0]} and {dates[-1]}: leave it out, nothing can "
            "be learned of it"
        )
    is_event = np.array([name in events for name in features], dtype=bool)
    feature_scale = np.where(is_event, 1.0, np.abs(feature_values).mean(axis=0))
    media_mean = media.mean(axis=0)
    # Silent in this market; `_with_scales` knows the others.
    media_scale = np.where(media_mean > 0, media_mean, 1.0)
    kpi_scale = float(kpi.mean())
    return FitData(
        dates=dates,
        channels=channels,
        features=features,
        media=media / media_scale,
        kpi=kpi / kpi_scale,
        feature_values=feature_values / feature_scale,
        media_scale=media_scale,
        kpi_scale=kpi_scale,
        feature_scale=feature_scale,
        spend=spend,
        events=events,
    )


def train_days(dataset: xr.Dataset) -> int:
    """Number of days before the holdout (the attribute `holdout_start`)."""
    holdout_start = np.datetime64(dataset.attrs["holdout_start"], "D")
    return int((dataset["time"].to_numpy().astype("datetime64[D]") < holdout_start).sum())


def train_data(dataset: xr.Dataset) -> FitData | PanelData:
    """The train window of the model inputs; holdout values take no part in it."""
    return window_data(dataset, days=slice(0, train_days(dataset)))


@dataclass(frozen=True)
class Holdout:
    """The days kept from the fit, in their own units.

    Attributes:
        media: (time, channel) media units; of a panel (market, time, channel).
        kpi: (time,) KPI units; of a panel the total over markets.
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
