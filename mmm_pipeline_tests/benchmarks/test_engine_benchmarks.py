"""How the benchmarks of engines count."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.engine_parity import scaled_differences
from benchmarks.engines import row_of, summary, table
from mmm_pipeline.engines.result import ChannelResult, ForecastDay

OBSERVED = np.array([100.0, 200.0])
DAYS = tuple(ForecastDay(date=f"2026-01-0{day}", mean=110.0 * day, low=None, high=None) for day in (1, 2))


def channel(roi: float, low: float | None, high: float | None, *, sd: float = 0.3, draws: float = 900) -> ChannelResult:
    return ChannelResult(
        channel="A", spend=1.0, contribution=roi, contribution_low=low, contribution_high=high, roi=roi, roi_low=low,
        roi_high=high, roi_sd=sd, roi_ess=draws,
    )  # fmt: skip


def test_error_is_relative_to_the_truth_and_coverage_counts_intervals_that_hold_it() -> None:
    channels = (channel(1.5, 0.5, 2.5), channel(3.0, 2.5, 3.5))
    row = row_of("x", channels, DAYS, 12.0, 1.01, truth=np.array([1.0, 2.0]), observed=OBSERVED)
    assert row["roi_errors"] == [0.5, 0.5]
    assert row["held"] == [True, False]
    assert row["holdout_mape"] == pytest.approx(0.1)


def test_an_engine_with_points_only_has_errors_and_no_coverage() -> None:
    row = row_of("x", (channel(2.0, None, None),), DAYS, 1.0, None, truth=np.array([1.0]), observed=OBSERVED)
    [found] = summary([row])
    assert found["roi_error_median"] == 1.0
    assert found["coverage"] is None
    assert "| - |" in table([found])


def test_a_failed_market_is_counted_and_enters_no_average() -> None:
    good = row_of("x", (channel(1.0, 0.5, 2.0),), DAYS, 5.0, 1.0, truth=np.array([1.0]), observed=OBSERVED)
    [found] = summary([good, {"engine": "x", "problem": "it was killed"}])
    assert (found["markets"], found["failed"], found["channels"]) == (2, 1, 1)


def test_a_difference_is_told_in_standard_errors_of_the_two_means() -> None:
    # Standard errors of 0.3 / sqrt(900) = 0.01 each, 0.0141 together.
    assert scaled_differences((channel(1.0, 0, 2),), (channel(1.1, 0, 2),)) == pytest.approx([-7.071], abs=1e-3)
