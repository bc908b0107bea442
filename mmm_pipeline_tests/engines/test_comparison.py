"""Engines held against one another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmm_pipeline.engines.comparison import View, comparison_table, scores_table
from mmm_pipeline.engines.result import ChannelResult, ForecastDay
from mmm_pipeline.tables.catalog import CONTRACTS
from mmm_pipeline.tables.engines import OURS

OBSERVED = np.array([100.0, 200.0])
Interval = tuple[float, float | None, float | None]


def view(engine: str, *rois: Interval, counts: bool = True, forecast: tuple[float, float] = (110.0, 180.0)) -> View:
    """An engine that says (roi, low, high) of channels A, B, ..."""
    channels = tuple(
        ChannelResult(
            channel=name, spend=10.0, contribution=10 * roi, contribution_low=low and 10 * low,
            contribution_high=high and 10 * high, roi=roi, roi_low=low, roi_high=high, roi_sd=0.1, roi_ess=100.0,
        )
        for name, (roi, low, high) in zip("ABCDE", rois, strict=False)
    )  # fmt: skip
    days = tuple(
        ForecastDay(date=f"2026-01-0{day}", mean=mean, low=mean - 15, high=mean + 15)
        for day, mean in enumerate(forecast, start=1)
    )
    return View(engine, engine, "m", "1", counts=counts, channels=channels, holdout=days, seconds=4.0, ess_roi_min=100)


def verdict(*rois: Interval) -> str:
    views = [view(OURS, rois[0]), *(view(f"e{n}", roi) for n, roi in enumerate(rois[1:]))]
    return str(comparison_table(views)["verdict"].iloc[0])


@pytest.mark.parametrize(
    ("rois", "expected"),
    [
        (((1.0, 0.5, 1.5), (1.2, 0.6, 1.8)), "agree"),
        (((1.0, 0.9, 1.2), (1.4, 1.1, 1.8)), "differ"),
        (((1.0, 0.9, 1.1), (2.0, 1.2, 3.0)), "disagree"),
        (((1.0, 0.5, 1.5), (1.0, 0.5, 1.5), (3.0, 2.0, 4.0)), "disagree"),
        (((1.0, 0.5, 1.5), (9.0, None, None)), "single"),
    ],
)
def test_the_verdict_is_that_of_the_intervals(rois: tuple[Interval, ...], expected: str) -> None:
    assert verdict(*rois) == expected


def test_who_is_apart_from_whom_is_named() -> None:
    table = comparison_table([view(OURS, (1.0, 0.9, 1.1)), view("x", (1.0, 0.8, 1.2)), view("y", (3.0, 2.0, 4.0))])
    assert dict(zip(table["engine"], table["apart_from"], strict=True)) == {OURS: "y", "x": "y", "y": f"{OURS}, x"}


def test_a_model_that_does_not_count_has_no_say_in_the_verdict() -> None:
    views = [view(OURS, (1.0, 0.9, 1.1)), view("x", (1.0, 0.9, 1.1)), view("y", (9.0, 8.0, 10.0), counts=False)]
    assert set(comparison_table(views)["verdict"]) == {"agree"}


def test_scores_are_those_of_the_same_holdout() -> None:
    table = scores_table([view(OURS, (1.0, 0.5, 1.5)), view("x", (1.0, 0.5, 1.5), forecast=(100, 250))], OBSERVED)
    assert table["mape"].tolist() == pytest.approx([0.1, 0.125])
    assert table["rmse"].tolist() == pytest.approx([np.sqrt((100 + 400) / 2), np.sqrt(2500 / 2)])
    assert table["coverage"].tolist() == [0.5, 0.5]
    assert table["ess_roi_per_second"].tolist() == [25.0, 25.0]


def test_rank_correlation_is_with_ours() -> None:
    ours = view(OURS, *((roi, 0.1, 9.0) for roi in (1.0, 2.0, 3.0)))
    turned = view("x", *((roi, 0.1, 9.0) for roi in (3.0, 2.0, 1.0)))
    table = scores_table([ours, turned], OBSERVED)
    assert np.isnan(table["rank_correlation"].iloc[0])
    assert table["rank_correlation"].iloc[1] == -1.0


def test_a_failed_engine_is_scored_as_missing_and_the_rest_goes_on() -> None:
    failed = View("z", "z", "m", status="failed", reason="it was killed")
    views = [view(OURS, (1.0, 0.9, 1.1)), view("x", (1.0, 0.9, 1.1)), failed]
    comparison, scores = comparison_table(views), scores_table(views, OBSERVED)
    assert set(comparison["engine"]) == {OURS, "x"}
    assert scores.set_index("engine").loc["z", "reason"] == "it was killed"
    CONTRACTS["engine_comparison"].validate(comparison)
    CONTRACTS["engine_scores"].validate(scores)


def test_without_another_engine_there_is_nothing_to_compare() -> None:
    alone = [view(OURS, (1.0, 0.9, 1.1))]
    assert comparison_table(alone).empty
    assert scores_table(alone, OBSERVED).empty
    assert isinstance(scores_table(alone, OBSERVED), pd.DataFrame)
