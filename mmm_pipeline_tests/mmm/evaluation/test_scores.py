"""Errors of forecasts by day, and over several windows."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.evaluation.metrics import coverage, crps, mape, rmse, wape
from mmm_pipeline.mmm.evaluation.scores import RANKING_ERRORS, pooled, score_fit, standard_error
from mmm_pipeline_tests.mmm.synthetic_fits import market_dataset, synthetic_fit


def test_a_fit_is_scored_by_the_mean_of_its_forecast_and_its_predictive_draws() -> None:
    dataset = market_dataset(days=74)
    fit = synthetic_fit(dataset=dataset.isel(time=slice(0, 60)))
    holdout = dataset.isel(time=slice(60, None))
    observed = holdout["kpi"].to_numpy()

    score = score_fit(fit, holdout["media"], holdout["kpi"], seed=5)

    mean = fit.predict_mean(holdout["media"]).mean(("chain", "draw")).to_numpy()
    draws = fit.predict(holdout["media"], seed=5).to_numpy().reshape(-1, 14)
    assert (score.mape, score.wape, score.rmse) == (mape(observed, mean), wape(observed, mean), rmse(observed, mean))
    assert score.crps == crps(observed, draws)
    assert (score.coverage_50, score.coverage_90) == (coverage(observed, draws, 0.5), coverage(observed, draws, 0.9))


def test_a_holdout_without_kpi_is_refused() -> None:
    fit = synthetic_fit()

    with pytest.raises(ModelInputError, match="zero on all 4 holdout days"):
        score_fit(fit, np.ones((4, 3)), np.zeros(4))


def test_pooled_windows_have_the_errors_of_all_their_days() -> None:
    dataset = market_dataset(days=88)
    fit = synthetic_fit(dataset=dataset.isel(time=slice(0, 60)))
    ahead = dataset.isel(time=slice(60, None))
    long, short = (score_fit(fit, ahead["media"][:days], ahead["kpi"][:days]) for days in (28, 7))

    both = pooled([long, short])

    for name in ("mape", "crps"):
        assert both.error(name) == pytest.approx((28 * long.error(name) + 7 * short.error(name)) / 35)
    assert both.rmse**2 == pytest.approx((28 * long.rmse**2 + 7 * short.rmse**2) / 35)
    assert both.window.tolist() == [0] * 28 + [1] * 7


@pytest.mark.parametrize("error", RANKING_ERRORS)
def test_the_mean_of_the_daily_errors_orders_as_the_error_does(error: str) -> None:
    dataset = market_dataset(days=74)
    fit = synthetic_fit(dataset=dataset.isel(time=slice(0, 60)))
    holdout = dataset.isel(time=slice(60, None))

    score = score_fit(fit, holdout["media"], holdout["kpi"])

    mean = np.nanmean(score.daily_errors(error))  # type: ignore[arg-type]
    assert mean == pytest.approx(score.error(error) ** (2 if error == "rmse" else 1))  # type: ignore[arg-type]


def test_the_standard_error_is_that_of_the_days_unless_the_windows_differ_more() -> None:
    days = np.array([1.0, 3.0, 1.0, 3.0, np.nan])
    alike, apart = np.array([0, 0, 1, 1, 1]), np.array([0, 1, 0, 1, 0])

    assert standard_error(days, alike) == pytest.approx(np.std([1, 3, 1, 3], ddof=1) / 2)
    assert standard_error(days, apart) == pytest.approx(np.std([1, 3], ddof=1) / np.sqrt(2))
    assert np.isnan(standard_error(days[:1], alike[:1]))
