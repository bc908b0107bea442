"""The same market by day and summed up to weeks: what the channels brought is the same, within what either can tell."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from mmm_pipeline.mmm import ModelSpec, SamplerSettings, Step, sample
from mmm_pipeline.mmm.data.model_data import model_data
from mmm_pipeline.mmm.response.attribution import attribution
from mmm_pipeline.mmm.simulation.simulate import simulate_market

pytestmark = pytest.mark.slow


def by_week(daily: xr.Dataset) -> xr.Dataset:
    """Sums of seven days from the first one on, under the date of its first day."""
    return daily.coarsen(time=7).sum().assign_coords(time=daily["time"].to_numpy()[::7])


def returns(dataset: xr.Dataset, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the 90 % intervals of ROI, by channel."""
    sampler = SamplerSettings(chains=2, warmup=200, draws=200, max_escalations=0, max_extensions=0)
    fit = sample(ModelSpec("adstock", 1), model_data(dataset), sampler)
    table = attribution(fit, horizon=horizon, prior_draws=100).table.set_index("channel")
    return table["roi_low"].to_numpy(), table["roi_high"].to_numpy()


def test_returns_by_day_and_by_week_overlap_for_every_channel_of_the_demo_market() -> None:
    daily = simulate_market(seed=5).dataset()
    weekly = by_week(daily)
    assert model_data(weekly).grid.step is Step.WEEK

    low, high = returns(daily, 28)
    weekly_low, weekly_high = returns(weekly, 4)

    assert (np.maximum(low, weekly_low) <= np.minimum(high, weekly_high)).all()
