"""From daily series to what the model sees: split by date, channel rules, mean scaling by one window's statistics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from mmm_pipeline.errors import ModelInputError

__all__ = ["FitData", "Holdout", "fit_data", "holdout_of", "train_data", "train_days"]


@dataclass(frozen=True)
class FitData:
    """The arrays of one fit, mean-scaled by the statistics of its own window; T days, C channels, F features.

    Attributes:
        dates: (T,) datetime64[D], consecutive days.
        channels: C names.
        features: F names; may be empty.
        media: (T, C) media units over `media_scale`.
        kpi: (T,) KPI over `kpi_scale`.
        feature_values: (T, F) feature over `feature_scale`.
        media_scale: (C,) mean media units per day of the window.
        kpi_scale: mean KPI per day of the window.
        feature_scale: (F,) mean absolute value of the window.
        spend: (T, C) currency per day.
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

    @property
    def days(self) -> int:
        return len(self.dates)

    @property
    def spend_share_scale(self) -> np.ndarray:
        """(C,) scale of the media coefficients' prior: the channel's spend over the mean spend of all channels."""
        total = self.spend.sum(axis=0)
        return total / total.mean()


def fit_data(dataset: xr.Dataset, *, days: slice | None = None) -> FitData:
    """Cut a window out of the model inputs and scale it by its own means.

    Args:
        dataset: `media (time, channel)` media units, `spend (time, channel)` currency per day, `kpi (time)` and, with
            features, `feature (time, feature)`; `time` are consecutive days.
        days: positions of the window along `time`; default: all days.

    Raises:
        ModelInputError: a value is not finite or negative, or a channel or the KPI is zero throughout the window.
    """
    window = dataset.isel(time=days) if days is not None else dataset
    media = window["media"].transpose("time", "channel").to_numpy().astype(float)
    spend = window["spend"].transpose("time", "channel").to_numpy().astype(float)
    kpi = window["kpi"].to_numpy().astype(float)
    channels = tuple(str(name) for name in window["channel"].to_numpy())
    dates = window["time"].to_numpy().astype("datetime64[D]")
    if "feature" in window.dims:
        features = tuple(str(name) for name in window["feature"].to_numpy())
        feature_values = window["feature_values"].transpose("time", "feature").to_numpy().astype(float)
    else:
        features, feature_values = (), np.zeros((len(dates), 0))

    for name, values in (("media", media), ("spend", spend)):
        _require_finite(name, values, channels, dates, minimum=0.0)
    _require_finite("feature", feature_values, features, dates)
    _require_finite("kpi", kpi[:, None], ("kpi",), dates)
    for channel, total_media, total_spend in zip(channels, media.sum(axis=0), spend.sum(axis=0), strict=True):
        if total_media <= 0 or total_spend <= 0:
            what = "media" if total_media <= 0 else "spend"
            raise ModelInputError(f"channel {channel!r} has no {what} between {dates[0]} and {dates[-1]}: exclude it")
    if not kpi.mean() > 0:
        raise ModelInputError(f"the KPI is zero on every day between {dates[0]} and {dates[-1]}")

    feature_scale = np.abs(feature_values).mean(axis=0)
    feature_scale = np.where(feature_scale > 0, feature_scale, 1.0)
    media_scale = media.mean(axis=0)
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
    )


def train_days(dataset: xr.Dataset) -> int:
    """Number of days before the holdout (the attribute `holdout_start`)."""
    holdout_start = np.datetime64(dataset.attrs["holdout_start"], "D")
    return int((dataset["time"].to_numpy().astype("datetime64[D]") < holdout_start).sum())


def train_data(dataset: xr.Dataset) -> FitData:
    """The train window of the model inputs; holdout values take no part in it."""
    return fit_data(dataset, days=slice(0, train_days(dataset)))


@dataclass(frozen=True)
class Holdout:
    """The days kept from the fit, in their own units.

    Attributes:
        media: (time, channel) media units.
        kpi: (time,) KPI units.
        features: (time, feature); None without features.
    """

    media: xr.DataArray
    kpi: xr.DataArray
    features: xr.DataArray | None


def holdout_of(dataset: xr.Dataset) -> Holdout:
    """The holdout window of the model inputs."""
    days = dataset.isel(time=slice(train_days(dataset), None))
    return Holdout(days["media"], days["kpi"], days["feature_values"] if "feature" in days.dims else None)


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
