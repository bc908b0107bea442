"""From the media matrix to what the models are fitted on: split by date and channel rules."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from mmm_pipeline.errors import CampaignDataError, SettingsError
from mmm_pipeline.ingestion.events import event_columns
from mmm_pipeline.ingestion.features import of_periods
from mmm_pipeline.ingestion.matrix import check_window, holdout_start, require_varying
from mmm_pipeline.ingestion.own_kpi import kpi_series
from mmm_pipeline.mmm.baseline.seasonality import most_degrees
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.mmm.eda.leakage import leaking_features
from mmm_pipeline.mmm.reasons import Reason, stored_reasons, told_reasons
from mmm_pipeline.settings.pipeline import EventDates, Settings
from mmm_pipeline.settings.tables import ChannelSettings, ControlSettings

__all__ = ["build_model_inputs"]

_DAYS_SHOWN = 5


def build_model_inputs(
    matrix: pd.DataFrame,
    settings: Settings,
    features: pd.DataFrame | None = None,
    events: Sequence[EventDates] = (),
    by_market: pd.DataFrame | None = None,
    series: pd.DataFrame | None = None,
) -> tuple[xr.Dataset, pd.DataFrame]:
    """Split and choose channels.

    A channel is left out when, over the train window (the days before the holdout), it has no media or no spend, fewer
    active days than `channels.min_active_periods`, or spend not above `channels.min_spend`; or when `channels.exclude`
    names it. Its KPI stays: the KPI of a day is that of all rows.

    Args:
        matrix: the table `media_matrix`.
        settings: the sections `split`, `channels` and `features` count.
        features: the table of `load_features`; days outside the matrix's window are ignored.
        by_market: the table `market_matrix`; with rows in it, `media`, `spend` and `kpi` have a leading dimension
            `market`.
        series: the table `kpi_series`; default: the KPI that stands in the other two.
        events: of `load_events`; each becomes a feature of zeros and ones, told apart by the coordinate `is_event`.

    Returns:
        The Dataset and the table `excluded_channels`. The Dataset has, over consecutive days `time`, in original units
        `media` and `spend` (time, channel), `kpi` (time) and, with features, `feature_values` (time, feature);
        attributes `start`, `end` and `holdout_start` (ISO dates) and, where features that do
        not vary before the holdout are left out, `features_left_out` (a sentence each, by line).

    Raises:
        CampaignDataError: the window is too short or its KPI constant (see `check_window`), no channel is left, there
            is one market only or one without KPI before the holdout, the
            features miss a day, a feature leaks the KPI, or an event has the name of a feature.
        SettingsError: `channels.exclude`, `priors.roi` or `priors.lift_tests` names a channel that does not exist, or
            `controls.signs` a feature or event.
    """
    if series is None:
        series = kpi_series(matrix, by_market, None)
    kpi = series.groupby("date")["kpi"].sum().sort_index()
    check_window(matrix, settings, kpi)
    media_units, spend = (_wide(matrix, column) for column in ("media_units", "spend"))
    days = pd.DatetimeIndex(media_units.index)
    grid = TimeGrid.of_dates(days.to_numpy())
    start = holdout_start(grid, settings)
    train = np.asarray(days < pd.Timestamp(start))

    _require_degrees(settings, grid.step)
    _require_known("priors.roi", settings.priors.roi, list(media_units.columns), "channel")
    tested = [test.channel for test in settings.priors.lift_tests]
    _require_known("priors.lift_tests", tested, list(media_units.columns), "channel")
    organic = set(matrix.loc[matrix["kind"] == "organic", "channel"])
    for setting, names in (("priors.roi", settings.priors.roi), ("priors.lift_tests", tested)):
        costless = sorted(organic.intersection(names))
        if costless:
            raise SettingsError(f"{setting} names {costless[0]!r}, which is organic: media without spend have no ROI")
    excluded = _excluded(media_units.loc[train], spend.loc[train], settings.channels, grid.step, organic)
    kept = [channel for channel in media_units.columns if channel not in set(excluded["channel"])]
    if not kept:
        listed = "; ".join(f"{row.channel}: {row.reason}" for row in excluded.head(_DAYS_SHOWN).itertuples())
        raise CampaignDataError(f"no channel is left for the model: {listed}")

    media = media_units[kept].to_numpy(dtype=float)
    dataset = xr.Dataset(
        {
            "media": (("time", "channel"), media),
            "spend": (("time", "channel"), spend[kept].to_numpy(dtype=float)),
            "kpi": (("time",), kpi.to_numpy(dtype=float)),
        },
        coords={"time": days.to_numpy().astype("datetime64[ns]"), "channel": [str(channel) for channel in kept]},
        attrs={"start": str(days[0].date()), "end": str(grid.end), "holdout_start": str(start)},
    )
    if by_market is not None and len(by_market):
        dataset = _by_market(dataset, by_market, series, train, settings.columns.kpi)
    values, constant = pd.DataFrame(index=days), list[str]()
    if features is not None:
        values, left_out = _varying(of_periods(features, grid, settings), train, grid.step)
        constant = list(left_out)
        if left_out:
            dataset.attrs["features_left_out"] = "\n".join(left_out.values())
        total_media = (media / media[train].mean(axis=0)).sum(axis=1)
        _require_known("controls.independent", settings.controls.independent, [*map(str, values), *constant], "feature")
        _require_no_leak(kpi, values, total_media, settings.controls)
    flags = event_columns(events, grid)
    _require_distinct(values.columns, flags.columns)
    named = [*map(str, values.columns), *map(str, flags.columns)]
    _require_known("controls.signs", settings.controls.signs, [*named, *constant], "feature or event")
    if named:
        is_event = [False] * values.shape[1] + [True] * flags.shape[1]
        dataset = dataset.assign_coords(feature=named, is_event=("feature", is_event))
        joined = np.concatenate([values.to_numpy(dtype=float), flags.to_numpy(dtype=float)], axis=1)
        dataset["feature_values"] = (("time", "feature"), joined)
    return dataset, excluded


def _require_known(setting: str, names: Iterable[str], known: Sequence[str], what: str) -> None:
    """Raise SettingsError for the first name that the data does not have."""
    for unknown in sorted(set(names) - set(known)):
        near = difflib.get_close_matches(unknown, known, n=3, cutoff=0.4)
        listed = ", ".join(map(repr, near or known)) or "none"
        raise SettingsError(
            f"{setting} names {unknown!r}, which is no {what} of the data; "
            + (f"closest: {listed}" if near else f"{what}s: {listed}")
        )


def _require_distinct(features: pd.Index, events: pd.Index) -> None:
    twice = sorted(set(features) & set(events))
    if twice:
        raise CampaignDataError(f"{twice[0]!r} is a feature and an event: rename one of them")


def _wide(matrix: pd.DataFrame, column: str) -> pd.DataFrame:
    """(T, C) values of one column, days in order."""
    return matrix.pivot(index="date", columns="channel", values=column).sort_index()


def _by_market(
    dataset: xr.Dataset, by_market: pd.DataFrame, sold: pd.DataFrame, train: np.ndarray, header: str
) -> xr.Dataset:
    """The dataset with media, spend and KPI of every market instead of their totals; `header`: of the KPI."""
    series = by_market.set_index(["market", "date", "channel"])[["media_units", "spend"]].to_xarray().fillna(0.0)
    series = series.rename(date="time", media_units="media").reindex(time=dataset["time"], fill_value=0.0)
    kpi = sold.set_index(["market", "date"])["kpi"].to_xarray().rename(date="time")
    kpi = kpi.reindex(time=dataset["time"], market=series["market"], fill_value=0.0).fillna(0.0)
    markets = [str(name) for name in series["market"].to_numpy()]
    if len(markets) < 2:
        raise CampaignDataError(
            f"columns.market has one value only, {markets[0]!r}: leave it out, or name a column with several markets"
        )
    silent = [
        market for market, sold in zip(markets, kpi.isel(time=train).sum("time").to_numpy(), strict=True) if not sold
    ]
    if silent:
        raise CampaignDataError(
            f"market {silent[0]!r} has a KPI of 0 on every day before the holdout: leave its rows out of the source"
        )
    first, last = (str(np.datetime_as_string(day, unit="D")) for day in dataset["time"].to_numpy()[[0, -1]])
    for market in markets:
        own = pd.Series(kpi.sel(market=market).to_numpy())
        require_varying(own, f"on all {len(own)} days, {first} to {last}, of market {market!r}", header)
        require_varying(own[train], f"on every day before the holdout in market {market!r}", header)
    kept = series[["media", "spend"]].sel(channel=dataset["channel"]).transpose("market", "time", "channel")
    return dataset.assign(media=kept["media"], spend=kept["spend"], kpi=kpi.transpose("market", "time"))


def _excluded(
    media: pd.DataFrame, spend: pd.DataFrame, rules: ChannelSettings, step: Step, organic: Collection[str]
) -> pd.DataFrame:
    """The table `excluded_channels`, by media and spend (T, C) before the holdout; organic channels need no spend."""
    channels = [str(channel) for channel in media.columns]
    _require_known("channels.exclude", rules.exclude, channels, "channel")
    rows = []
    for channel in channels:
        own = (media[channel].to_numpy(), None if channel in organic else spend[channel].to_numpy())
        reasons = list(_failed_rules(channel, *own, rules, step))
        if reasons:
            rows.append({"channel": channel, "reason": told_reasons(reasons), "reasons": stored_reasons(reasons)})
    return pd.DataFrame(rows, columns=["channel", "reason", "reasons"], dtype=object)


def _failed_rules(
    channel: str, media: np.ndarray, spend: np.ndarray | None, rules: ChannelSettings, step: Step
) -> Iterator[Reason]:
    """What a channel fails; `spend`: None of an organic channel."""
    if channel in rules.exclude:
        yield Reason("excluded")
    periods = {"periods": str(len(media)), "unit": step.plural if len(media) != 1 else str(step)}
    absent = [what for what, values in (("media", media), ("spend", spend)) if values is not None and values.sum() <= 0]
    if absent:
        yield Reason("_and_".join(f"no_{what}" for what in absent), periods)
        return
    active = int((media > 0).sum())
    if active < rules.min_active_periods:
        least = str(rules.min_active_periods)
        yield Reason("few_active_periods", {**periods, "active_periods": str(active), "least": least})
    if spend is not None and rules.min_spend > 0 and spend.sum() <= rules.min_spend:
        yield Reason("little_spend", {**periods, "spend": f"{spend.sum():,.2f}", "least": f"{rules.min_spend:,.2f}"})


def _require_degrees(settings: Settings, step: Step) -> None:
    most = most_degrees(step, settings.model.seasonality_period_days)
    if max(settings.model.degrees) > most:
        raise SettingsError(
            f"model.degrees has {max(settings.model.degrees)}: {step.adverb} data can tell at most {most} seasonal "
            "waves apart; accepted are 0 to that"
        )


def _varying(features: pd.DataFrame, train: np.ndarray, step: Step) -> tuple[pd.DataFrame, dict[str, str]]:
    """The features that vary before the holdout, and a sentence about each of the others.

    There is nothing to learn of the others, and no scale by which their later values could be judged.
    """
    features = features.astype(float)
    known = features[train]
    spread, size = known.max() - known.min(), known.abs().max()
    left_out = {}
    for name in features.columns[spread <= 1e-12 * size]:
        later = features.loc[~train, name]
        value = f"{known[name].iloc[0]:g}"
        then = "" if (later == known[name].iloc[0]).all() else f", and up to {later.abs().max():g} in it"
        left_out[str(name)] = (
            f"the feature {name!r} is {value} {step.on} all {step.counted(len(known))} before the holdout{then}: "
            "nothing can be learned of it, so it is left out. Give it a longer history, move the holdout "
            "(split.holdout), or make it an event (events.calendar)"
        )
    return features.drop(columns=list(left_out)), left_out


def _dates(days: pd.DatetimeIndex) -> list[dt.date]:
    return [day.date() for day in days]


def _require_no_leak(kpi: pd.Series, features: pd.DataFrame, media: np.ndarray, rules: ControlSettings) -> None:
    total = pd.DataFrame({"media": media}, index=kpi.index)
    leaking = leaking_features(kpi, features, rules.max_leakage_r2, media=total, independent=rules.independent)
    if len(leaking):
        raise CampaignDataError("\n".join(leaking["reason"]))
