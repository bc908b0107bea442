"""The table of observed and expected KPI."""

from __future__ import annotations

import numpy as np

from mmm_pipeline.mmm.evaluation.scores import score_fit
from mmm_pipeline.mmm.fit.forecast import forecast_table
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import market_dataset, synthetic_fit


def test_forecast_covers_train_and_holdout_days_once_each() -> None:
    dataset = market_dataset(days=74)
    fit = synthetic_fit(dataset=dataset.isel(time=slice(0, 60)))
    holdout = dataset.isel(time=slice(60, None))

    table = forecast_table(fit, holdout["media"], holdout["kpi"])

    assert violations("forecast", table).empty
    assert np.array_equal(table["date"].to_numpy(), dataset["time"].to_numpy())
    assert table["is_holdout"].to_numpy().nonzero()[0].tolist() == list(range(60, 74))
    np.testing.assert_allclose(table["observed"], dataset["kpi"])


def test_inner_interval_lies_inside_the_outer_one() -> None:
    dataset = market_dataset(days=74)
    fit = synthetic_fit(dataset=dataset.isel(time=slice(0, 60)))
    holdout = dataset.isel(time=slice(60, None))

    table = forecast_table(fit, holdout["media"], holdout["kpi"], credible_interval=0.8)

    bands = table[["low", "low_50", "high_50", "high"]].to_numpy()
    assert (np.diff(bands, axis=1) > 0).all()


def test_bands_hold_the_days_that_the_score_counts_inside() -> None:
    dataset = market_dataset(days=74)
    fit = synthetic_fit(dataset=dataset.isel(time=slice(0, 60)))
    holdout = dataset.isel(time=slice(60, None))
    low, high = (fit.predict(holdout["media"]).quantile(q, ("chain", "draw")).to_numpy() for q in (0.05, 0.95))
    # Halfway between the end of the score's band and that of other draws lies a day that they would judge otherwise.
    other = fit.predict(holdout["media"], seed=1).quantile(0.95, ("chain", "draw")).to_numpy()
    observed = np.where(np.arange(14) % 2, (high + other) / 2, (low + high) / 2)

    table = forecast_table(fit, holdout["media"], observed).query("is_holdout")

    score = score_fit(fit, holdout["media"], observed)
    np.testing.assert_array_equal(table["observed"].between(table["low"], table["high"]), score.inside_90)
    np.testing.assert_array_equal(table["observed"].between(table["low_50"], table["high_50"]), score.inside_50)
