"""Earlier dates against what happened after, by fits whose posterior is made up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from mmm_pipeline.mmm.budget.plan import plan_budget
from mmm_pipeline.mmm.data.model_data import Holdout
from mmm_pipeline.mmm.evaluation.backtest import (
    Forecast,
    backtest_summary,
    backtest_table,
    channel_rows,
    forecast_of,
    plan_gain,
    steadiness,
)
from mmm_pipeline.mmm.evaluation.drift import drift_table
from mmm_pipeline.mmm.evaluation.metrics import mape, wape
from mmm_pipeline.mmm.evaluation.naive import naive_forecasts
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.response.attribution import attribution
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import market_dataset, synthetic_fit

_SEEN, _AHEAD = 60, 14


@pytest.fixture(scope="module")
def days() -> xr.Dataset:
    return market_dataset(days=_SEEN + _AHEAD)


@pytest.fixture(scope="module")
def fit(days: xr.Dataset) -> Fit:
    return synthetic_fit(dataset=days.isel(time=slice(0, _SEEN)))


def _following(days: xr.Dataset) -> Holdout:
    after = days.isel(time=slice(_SEEN, None))
    return Holdout(after["media"], after["kpi"], None)


@pytest.fixture(scope="module")
def forecast(days: xr.Dataset, fit: Fit) -> Forecast:
    return forecast_of(fit, days["kpi"].to_numpy()[:_SEEN], _following(days), error="wape")


def test_the_forecast_is_scored_on_the_days_after_the_date_alone(
    days: xr.Dataset, fit: Fit, forecast: Forecast
) -> None:
    observed = days["kpi"].to_numpy()[_SEEN:]
    mean = fit.predict_mean(days["media"].isel(time=slice(_SEEN, None))).mean(("chain", "draw")).to_numpy()
    naive = naive_forecasts(days["kpi"].to_numpy()[:_SEEN], _AHEAD)

    row = forecast.row()

    assert row["periods"] == _AHEAD
    assert row["wape"] == pytest.approx(wape(observed, mean))
    assert row["mape"] == pytest.approx(mape(observed, mean))
    assert row["bias"] == pytest.approx(mean.sum() / observed.sum() - 1)
    best = min(naive, key=lambda name: wape(observed, naive[name]))
    assert row["naive_forecast"] == best
    assert row["skill"] == pytest.approx(1 - wape(observed, mean) / wape(observed, naive[best]))
    assert 0 <= row["coverage_50"] <= row["coverage_90"] <= 1


def _attribution(**roi: float) -> pd.DataFrame:
    """ROI by channel, an interval of 0.5 to either side, and a spend of 10 for a, 30 for b."""
    table = pd.DataFrame({"channel": list(roi), "roi": list(roi.values())})
    table["spend"] = table["channel"].map({"a": 10.0, "b": 30.0, "c": 5.0})
    return table.assign(roi_low=table["roi"] - 0.5, roi_high=table["roi"] + 0.5)


def _drift(**recommendation: str) -> pd.DataFrame:
    return pd.DataFrame({"channel": list(recommendation), "recommendation": list(recommendation.values())})


def test_roi_that_moves_is_weighed_by_spend_over_the_channels_of_both_dates() -> None:
    drift = _drift(a="flip_unsupported", b="flip_by_data", c="not_comparable")
    told = steadiness(drift, _attribution(a=2.0, b=1.0), _attribution(a=1.0, b=1.1, c=7.0))

    assert told["channels"] == 2
    assert told["roi_change"] == pytest.approx((10 * 1.0 + 30 * 0.1) / (10 * 2.0 + 30 * 1.0))
    assert told["roi_outside"] == 1, "a fell below 1.5, b stayed"
    assert told["roi_rank_correlation"] == pytest.approx(-1)
    assert (told["flips"], told["flips_unsupported"]) == (2, 1)


def test_a_single_shared_channel_has_no_rank_correlation() -> None:
    told = steadiness(_drift(a="same"), _attribution(a=2.0), _attribution(a=2.0))
    assert np.isnan(told["roi_rank_correlation"])
    assert (told["roi_change"], told["roi_outside"], told["flips"]) == (0, 0, 0)


def test_the_posterior_that_made_a_plan_sees_in_it_what_it_promised(fit: Fit) -> None:
    plan = plan_budget(fit)
    promised = float(plan.summary["uplift"].iloc[0])
    assert promised > 0
    assert plan_gain(fit, plan.table, 28, True) == pytest.approx(promised, rel=1e-6)


def test_a_channel_that_the_judge_does_not_know_has_no_part_in_the_gain(fit: Fit) -> None:
    plan = plan_budget(fit).table
    unknown = plan.assign(channel=["renamed", *plan["channel"].iloc[1:]])
    assert plan_gain(fit, unknown, 28, True) == pytest.approx(plan_gain(fit, plan.iloc[1:], 28, True))


def test_the_tables_of_two_dates_keep_their_contracts(days: xr.Dataset, fit: Fit, forecast: Forecast) -> None:
    later = synthetic_fit(dataset=days.isel(time=slice(0, _SEEN + 7)), seed=3)
    drift = drift_table(fit, later)
    roi, roi_later = attribution(fit).table, attribution(later).table
    first = channel_rows("2025-05-01", roi, plan_budget(fit).table, None)
    second = channel_rows("2025-05-08", roi_later, plan_budget(later).table, drift)
    scored = {"status": "scored", "spec": fit.spec.key, **forecast.row()}
    rows = [
        {"as_of": pd.Timestamp("2025-05-08"), **scored, **steadiness(drift, roi, roi_later)},
        {"as_of": pd.Timestamp("2025-05-01"), **scored},
        {"as_of": pd.Timestamp("2025-04-24"), "status": "failed", "note": "no spec converged"},
    ]

    table = backtest_table(rows)

    assert violations("backtest", table).empty
    assert violations("backtest_channels", pd.concat([first, second], ignore_index=True)).empty
    assert table["status"].tolist() == ["failed", "scored", "scored"]
    assert first["recommendation"].isna().all()
    assert second["recommendation"].notna().all()


def test_the_direction_is_that_of_the_plan() -> None:
    plan = pd.DataFrame(
        {"channel": ["a", "b", "c"], "current_spend": [100.0] * 3, "optimal_spend": [106.0, 104.0, 50.0]}
    )
    rows = channel_rows("2025-05-01", _attribution(a=1.0, b=1.0, c=1.0), plan, None)
    assert rows["direction"].tolist() == ["increase", "hold", "decrease"]


def test_all_dates_together_pool_their_days(forecast: Forecast) -> None:
    scored = {"status": "scored", "spec": "adstock|1", **forecast.row()}
    table = backtest_table([{"as_of": pd.Timestamp(date), **scored} for date in ("2025-05-01", "2025-05-08")])

    told = backtest_summary(table, [forecast, forecast])

    assert (told["dates"], told["scored"], told["periods"]) == (2, 2, 2 * _AHEAD)
    assert told["wape"] == pytest.approx(forecast.score.wape)
    assert told["skill"] == pytest.approx(forecast.row()["skill"])
    assert told["beaten"] == 2 * (told["skill"] > 0)
    assert told["roi_change"] is None, "the first date has none before it, and the second none either here"
