"""Expanding windows: what is learned from, what is forecast, and what comes of both."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.data.model_data import model_data, train_data
from mmm_pipeline.mmm.evaluation.naive import score_naive_forecasts
from mmm_pipeline.mmm.evaluation.rolling import (
    convergence_of_all,
    rolling_table,
    rolling_windows,
    score_window,
    window_data,
)
from mmm_pipeline.mmm.evaluation.scores import pooled
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.inference.diagnostics import Convergence
from mmm_pipeline.mmm.reasons import Reason
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import market_dataset, synthetic_fit

_MISSED = Reason("rhat_above", {"limit": "1.01", "parameters": "x 1.2"})


@pytest.fixture(scope="module")
def dataset() -> xr.Dataset:
    """88 days, the last 14 of them the holdout."""
    market = market_dataset(days=88)
    return market.assign_attrs(holdout_start=str(market["time"].to_numpy()[74].astype("datetime64[D]")))


def _fit(dataset: xr.Dataset, start: int) -> Fit:
    return synthetic_fit(dataset=dataset.isel(time=slice(0, start)))


def test_windows_expand_and_end_with_the_holdout(dataset: xr.Dataset) -> None:
    windows = rolling_windows(dataset, 3)

    assert [(window.start, window.end) for window in windows] == [(46, 60), (60, 74), (74, 88)]
    assert windows[-1].origin == dataset.attrs["holdout_start"]


@pytest.mark.parametrize("origins", [0, 1])
def test_without_rolling_origins_the_holdout_is_the_only_window(dataset: xr.Dataset, origins: int) -> None:
    [window] = rolling_windows(dataset, origins)
    assert (window.start, window.end) == (74, 88)


def test_more_origins_than_days_are_an_error_that_says_how_many_fit(dataset: xr.Dataset) -> None:
    assert len(rolling_windows(dataset, 4)) == 4

    with pytest.raises(ModelInputError, match=r"rolling_origins is 5.*18 of the 88 days.*at most 4 origins"):
        rolling_windows(dataset, 5)


@pytest.mark.parametrize(
    ("days", "value", "message"),
    [
        (slice(60, 74), 0.0, "the KPI is zero on all 14 days of it"),
        (slice(0, 60), 5.0, "the KPI is the same on every day before it"),
    ],
)
def test_a_window_that_cannot_be_scored_is_named_before_any_fit(
    dataset: xr.Dataset, days: slice, value: float, message: str
) -> None:
    dull = dataset.copy(deep=True)
    dull["kpi"][days] = value

    assert len(rolling_windows(dull, 1)) == 1
    with pytest.raises(ModelInputError, match=f"window that starts on .* cannot be scored, as {message}"):
        rolling_windows(dull, 2)


def test_a_window_learns_from_nothing_that_it_forecasts(dataset: xr.Dataset) -> None:
    window = rolling_windows(dataset, 2)[0]
    changed = dataset.copy(deep=True)
    changed["kpi"][window.start :] *= 10
    changed["media"][window.start :] *= 10

    before, after = window_data(dataset, window), window_data(changed, window)

    assert before.days == window.start
    for name in ("media", "kpi", "media_scale", "spend"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


def test_the_last_window_is_the_train_window(dataset: xr.Dataset) -> None:
    last, train = window_data(dataset, rolling_windows(dataset, 2)[-1]), train_data(dataset)
    np.testing.assert_array_equal(last.media, train.media)
    assert last.channels == train.channels


def test_a_channel_that_starts_later_is_left_out_of_the_windows_before(dataset: xr.Dataset) -> None:
    late = dataset.copy(deep=True)
    late["media"][:62, 1] = 0
    late["spend"][:62, 1] = 0
    first, last = rolling_windows(late, 2)

    assert window_data(late, first).channels == ("channel 0", "channel 2")
    assert window_data(late, last).channels == ("channel 0", "channel 1", "channel 2")
    # The forecast of the first window goes without it, and still can be made.
    fit = synthetic_fit(dataset=late.isel(time=slice(0, first.start), channel=[0, 2]))
    assert score_window(fit, late, first).observed.size == 14


def test_a_feature_that_does_not_vary_yet_is_left_out_of_the_windows_before(dataset: xr.Dataset) -> None:
    days = dataset.sizes["time"]
    windows = rolling_windows(dataset, 2)
    late = np.where(np.arange(days) < windows[0].start, 0.0, np.arange(days) % 7)
    price = 10.0 + np.arange(days) % 5
    given = dataset.assign_coords(feature=["late", "price"])
    given["feature_values"] = (("time", "feature"), np.column_stack([late, price]))

    first, last = (window_data(given, window) for window in windows)

    assert (first.features, last.features) == (("price",), ("late", "price"))
    alone = window_data(given.isel(feature=[0]), windows[0])
    assert alone.features == ()
    with pytest.raises(ModelInputError, match="feature 'late' is the same throughout"):
        model_data(given, days=slice(0, windows[0].start))


def test_a_spec_has_converged_when_all_its_windows_have(dataset: xr.Dataset) -> None:
    early, late = rolling_windows(dataset, 2)
    good, bad = Convergence(True, 1.001, 900, 800, 0), Convergence(False, 1.2, 50, 40, 3, (_MISSED,))

    assert convergence_of_all([(early, good), (late, good)]).converged
    verdict = convergence_of_all([(early, bad), (late, good)])

    assert not verdict.converged
    assert (verdict.rhat_max, verdict.ess_bulk_min, verdict.divergences) == (1.2, 50, 3)
    assert str(verdict.failures[0]) == f"fit before {early.origin}: R-hat above 1.01: x 1.2"
    assert verdict.failures == (dataclasses.replace(_MISSED, before=str(early.origin)),)


def test_the_table_has_every_window_and_all_together(dataset: xr.Dataset) -> None:
    windows = rolling_windows(dataset, 3)
    kpi = dataset["kpi"].to_numpy()
    known = [(kpi[: window.start], kpi[window.start : window.end]) for window in windows]
    scored = [
        (w, score_window(_fit(dataset, w.start), dataset, w), Convergence(True, 1.0, 900, 900, 0)) for w in windows
    ]

    table = rolling_table(
        {"adstock|1": scored}, [score_naive_forecasts([window]) for window in known], score_naive_forecasts(known)
    )

    assert violations("rolling_origins", table).empty
    assert table["is_pooled"].tolist() == [False, False, False, True]
    assert table["train_periods"].tolist()[:3] == [46, 60, 74]
    together = pooled([score for _, score, _ in scored])
    assert table.iloc[-1]["mape"] == together.mape == pytest.approx(table["mape"][:3].mean())
    assert table.iloc[-1]["skill"] == pytest.approx(1 - together.mape / score_naive_forecasts(known)["mape"].min())


def test_windows_of_a_panel_are_those_of_its_markets_together(dataset: xr.Dataset) -> None:
    other = dataset / 2
    other["media"][:, 0] = other["spend"][:, 0] = 0.0
    panel = xr.concat([dataset, other], dim=xr.DataArray(["north", "south"], dims="market", name="market"))
    window = rolling_windows(panel.assign_attrs(dataset.attrs), 2)[0]

    data = window_data(panel, window)

    assert data.markets == ("north", "south")
    # Silent in one market is not silent in all.
    assert data.channels == ("channel 0", "channel 1", "channel 2")
    np.testing.assert_allclose(data.total_kpi, 1.5 * dataset["kpi"].to_numpy()[: window.start])
