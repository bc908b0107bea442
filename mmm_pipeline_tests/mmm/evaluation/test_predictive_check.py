"""The KPI of every day against the posterior predictive."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.stats import kstest

from mmm_pipeline.mmm.evaluation.predictive_check import predictive_check
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import market_dataset, synthetic_fit

_TRAIN = 60


@pytest.fixture(scope="module")
def market() -> xr.Dataset:
    return market_dataset(days=_TRAIN + 200)


@pytest.fixture(scope="module")
def fit(market: xr.Dataset) -> Fit:
    return synthetic_fit(dataset=market.isel(time=slice(0, _TRAIN)), draws=300)


def test_every_day_and_every_contract_is_kept(fit: Fit, market: xr.Dataset) -> None:
    holdout = market.isel(time=slice(_TRAIN, None))

    check = predictive_check(fit, holdout["media"], holdout["kpi"])

    assert violations("predictive_pit", check.pit).empty
    assert violations("predictive_distribution", check.distribution).empty
    assert np.array_equal(check.pit["date"].to_numpy(), market["time"].to_numpy())
    np.testing.assert_allclose(check.pit["observed"], market["kpi"])
    assert check.pit["is_holdout"].to_numpy().nonzero()[0].tolist() == list(range(_TRAIN, _TRAIN + 200))


def test_days_that_the_model_itself_made_have_even_pits(fit: Fit, market: xr.Dataset) -> None:
    media = market["media"].isel(time=slice(_TRAIN, None))
    made = fit.predict(media, seed=123)
    rng = np.random.default_rng(0)
    by_day = made.stack(sample=("chain", "draw")).to_numpy()
    kpi = by_day[np.arange(200), rng.integers(by_day.shape[1], size=200)]

    pit = predictive_check(fit, media, kpi).pit

    assert kstest(pit.loc[pit["is_holdout"], "pit"], "uniform").pvalue > 0.01


def test_a_level_shift_drives_the_pits_to_one_side(fit: Fit, market: xr.Dataset) -> None:
    holdout = market.isel(time=slice(_TRAIN, None))

    pit = predictive_check(fit, holdout["media"], 1000 * holdout["kpi"]).pit

    assert (pit.loc[pit["is_holdout"], "pit"] == 1).all()


def test_the_observed_distribution_is_that_of_the_train_days(fit: Fit, market: xr.Dataset) -> None:
    holdout = market.isel(time=slice(_TRAIN, None))

    table = predictive_check(fit, holdout["media"], holdout["kpi"]).distribution

    train = market["kpi"].to_numpy()[:_TRAIN]
    np.testing.assert_allclose(table["observed_share"], [(train <= kpi).mean() for kpi in table["kpi"]])
    assert table["observed_share"].iloc[-1] == 1
    assert (np.diff(table["expected_share"]) >= 0).all()


def test_a_wider_interval_gives_a_wider_band(fit: Fit, market: xr.Dataset) -> None:
    holdout = market.isel(time=slice(_TRAIN, None))
    narrow, wide = (
        predictive_check(fit, holdout["media"], holdout["kpi"], credible_interval=probability).distribution
        for probability in (0.5, 0.95)
    )
    width = [(table["share_high"] - table["share_low"]).sum() for table in (narrow, wide)]
    assert width[0] < width[1]
