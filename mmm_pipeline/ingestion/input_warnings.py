"""What is allowed but should be known before a model is fitted on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.settings.kpi import read_kpi
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.settings.plain_names import spelled_alike

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["INPUT_WARNINGS", "LOAD_WARNINGS", "input_warnings"]

INPUT_WARNINGS = "warnings"
"""Metadata of an asset: what to know about the data before anything is fitted, a list of sentences."""

LOAD_WARNINGS = "load_warnings"
"""Artifact with those of the last load."""

_SHOWN = 5
_COMPARED: Mapping[Step, int] = {Step.DAY: 56, Step.WEEK: 16, Step.MONTH: 12}
_LOW_QUANTILE = 0.05
_LEVEL_SHIFT = 0.2
_MATERIAL_SPEND_SHARE = 0.001
_PLACEHOLDER_PRICE = 0.01
_FAR_OUTSIDE = 10.0


def input_warnings(dataset: xr.Dataset, excluded: pd.DataFrame, settings: Settings) -> list[str]:
    """One sentence per thing to know, each with what to do about it.

    Args:
        dataset: of `build_model_inputs`.
        excluded: the table `excluded_channels`.
        settings: the sections `model`, `priors` and `validation` count.
    """
    grid = TimeGrid.of_dates(dataset["time"].to_numpy())
    learned = np.flatnonzero(dataset["time"].to_numpy() < np.datetime64(dataset.attrs["holdout_start"]))
    train = dataset.isel(time=learned)
    return [
        *_kpi(dataset, settings),
        *_periods_without_kpi(dataset, grid, settings),
        *_unfinished_last_period(dataset, grid),
        *_level_shifts(dataset, len(learned)),
        *(spelled_alike(map(str, dataset["market"].to_numpy()), "markets") if "market" in dataset.dims else ()),
        *_placeholder_spend(train, settings, grid.step),
        *_seasonality(grid[: len(learned)], settings),
        *_unused_beliefs(excluded, settings),
        *dataset.attrs.get("features_left_out", "").splitlines(),
        *_features_far_outside(dataset, train),
        *_unseen_events(train, grid.step),
    ]


def _by_market(dataset: xr.Dataset) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(whose, KPI (T,), media (T, C)) of every market, or of all rows."""
    if "market" not in dataset.dims:
        yield "", dataset["kpi"].to_numpy(), dataset["media"].transpose("time", "channel").to_numpy()
        return
    for market in dataset["market"].to_numpy():
        own = dataset.sel(market=market)
        yield f" of market {str(market)!r}", own["kpi"].to_numpy(), own["media"].transpose("time", "channel").to_numpy()


def _periods_without_kpi(dataset: xr.Dataset, grid: TimeGrid, settings: Settings) -> Iterator[str]:
    step = grid.step
    filled = settings.validation.missing_kpi == "zero"
    for whose, kpi, _ in _by_market(dataset):
        zero = np.flatnonzero(kpi <= 0)
        if len(zero):
            listed = ", ".join(grid.label(int(at)) for at in zero[:_SHOWN])
            more = f" and {len(zero) - _SHOWN:,} more" if len(zero) > _SHOWN else ""
            yield (
                f"the KPI{whose} is 0 {step.on} {len(zero):,} of {step.counted(len(grid))}: {listed}{more}. Is the "
                "data complete? "
                + (
                    f"{step.plural.title()} without any row count as 0 (validation.missing_kpi: zero). "
                    if filled
                    else ""
                )
                + f"A {step} of no sales for a known reason belongs into events"
            )


def _unfinished_last_period(dataset: xr.Dataset, grid: TimeGrid) -> Iterator[str]:
    """The last period has a KPI of 0, or has media and a KPI far below the lowest that is usual."""
    step, last = grid.step, grid[-1]
    for whose, kpi, media in _by_market(dataset):
        before = kpi[-1 - _COMPARED[step] : -1]
        low = float(np.quantile(before, _LOW_QUANTILE))
        if kpi[-1] < 0.5 * low and (media[-1].any() or kpi[-1] == 0):
            ran = "media ran and" if media[-1].any() else "there is no media and"
            yield (
                f"the last {step}, {grid.label(len(grid) - 1)}, looks unfinished: {ran} the KPI{whose} is "
                f"{kpi[-1]:,.6g}, "
                f"while {low:,.6g} is already low in the {step.counted(len(before))} before. It would count as a real "
                f"{step}: remove its rows until its sales are in, or look at the {step} before (split.as_of: "
                f"{last - dt.timedelta(days=1)})"
            )


def _level_shifts(dataset: xr.Dataset, learned: int) -> Iterator[str]:
    """What the data profile says of all rows, for every market by itself."""
    if "market" not in dataset.dims:
        return
    for whose, kpi, _ in _by_market(dataset):
        change = kpi[learned:].mean() / kpi[:learned].mean() - 1
        if abs(change) >= _LEVEL_SHIFT:
            yield (
                f"the mean KPI{whose} in the holdout is {abs(change):.0%} {'above' if change > 0 else 'below'} that of "
                "the time before: the holdout error also measures that shift"
            )


def _placeholder_spend(train: xr.Dataset, settings: Settings, step: Step) -> Iterator[str]:
    """Channels whose spend is a placeholder, so that a prior by share of spend rules them out."""
    over = [dimension for dimension in ("time", "market") if dimension in train.dims]
    # An organic channel has no spend that could be one.
    train = train.isel(channel=np.flatnonzero(train["spend"].sum(over).to_numpy() > 0))
    spend, media = (train[name].sum(over).to_numpy() for name in ("spend", "media"))
    by_day = train["spend"].sum("market") if "market" in train.dims else train["spend"]
    share, price = spend / spend.sum(), spend / media
    beliefs = settings.priors.beliefs()
    for position, channel in enumerate(map(str, train["channel"].to_numpy())):
        others = np.delete(price, position)
        paid = by_day.isel(channel=position).to_numpy()
        paid = paid[paid > 0]
        cheap = len(others) and price[position] < _PLACEHOLDER_PRICE * np.median(others)
        same = len(paid) > 1 and np.ptp(paid) <= 1e-9 * paid.max()
        if share[position] < _MATERIAL_SPEND_SHARE and (cheap or same) and channel not in beliefs:
            yield (
                f"channel {channel!r} spent {spend[position]:,.2f} in the {step.counted(train.sizes['time'])} before "
                "the "
                f"holdout ({share[position]:.2g} of all spend), which looks like a placeholder: its prior goes by what "
                f"it spent, {_held_by_prior(share[position], len(share), settings)}, and its ROI is no figure. "
                "If it costs nothing (organic, email), leave it out (channels.exclude) and give its media as a feature "
                "(controls.source); else state its real spend, or a belief (priors.roi)"
            )


def _held_by_prior(share: float, channels: int, settings: Settings) -> str:
    media = settings.priors.media
    if media.kind == "roi":
        return f"holds its ROI near {media.mean:g} whatever the data says"
    held = media.share[0] * share if media.kind == "total_share" else settings.priors.media_scale * share * channels
    return f"holds its effect near {held:.2g} of the KPI whatever the data says"


def _kpi(dataset: xr.Dataset, settings: Settings) -> Iterator[str]:
    reading = read_kpi(
        settings.columns.kpi, settings.kpi.kind, float(dataset["kpi"].sum()), float(dataset["spend"].sum())
    )
    if reading.doubt:
        yield reading.doubt


def _seasonality(train: TimeGrid, settings: Settings) -> Iterator[str]:
    days = int(train.lengths().sum())
    period, asked = settings.model.seasonality_period_days, [d for d in settings.model.degrees if d > 0]
    if asked and days < period:
        listed = ", ".join(map(str, asked))
        yield (
            f"the {train.step.counted(len(train))} before the holdout span less than one season of {period:g} days, so "
            f"that season and trend cannot be separated by the Fourier terms of degrees {listed}: add 0 to "
            "model.degrees for specs without a season"
        )


def _unused_beliefs(excluded: pd.DataFrame, settings: Settings) -> Iterator[str]:
    left_out = set(map(str, excluded["channel"]))
    for channel in sorted(left_out & set(settings.priors.beliefs())):
        yield f"the belief on the ROI of {channel!r} (priors.roi, priors.lift_tests) is not used: it is excluded"


def _features_far_outside(dataset: xr.Dataset, train: xr.Dataset) -> Iterator[str]:
    """Features whose later values are many times larger than any that was learned from."""
    if "feature_values" not in dataset:
        return
    # Deviations from what is usual, so that a high level is no reason and a sudden one is.
    usual = train["feature_values"].median("time")
    seen = abs(train["feature_values"] - usual).max("time")
    later = abs(dataset["feature_values"].isel(time=slice(train.sizes["time"], None)) - usual).max("time")
    for name in dataset["feature"].to_numpy()[((later > _FAR_OUTSIDE * seen) & ~dataset["is_event"]).to_numpy()]:
        values = dataset["feature_values"].sel(feature=name)
        most, before = (float(abs(part).max()) for part in (values, values.isel(time=slice(0, train.sizes["time"]))))
        yield (
            f"the feature {str(name)!r} goes far beyond what was learned from: {most:g} in the holdout, at most "
            f"{before:g} before. Forecasts there are the prior's shape: check the values, or leave it out "
            "(controls.columns)"
        )


def _unseen_events(train: xr.Dataset, step: Step) -> Iterator[str]:
    if "is_event" not in train.coords:
        return
    events = train.isel(feature=np.flatnonzero(train["is_event"].to_numpy()))
    for name in events["feature"].to_numpy()[~events["feature_values"].to_numpy().any(axis=0)]:
        yield f"the event {str(name)!r} has no {step} before the holdout: its effect stays what the prior says"
