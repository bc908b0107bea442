"""Each way of buying looks like its name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_pipeline.mmm.eda.spend_patterns import PATTERNS, activity

WEEKDAYS = np.arange(364) % 7


def _activity(*patterns: str, seed: int = 0) -> np.ndarray:
    return activity(patterns, WEEKDAYS, np.random.default_rng(seed))


def test_follower_moves_with_the_channel_before_it_only() -> None:
    table = _activity("always_on", "pulsing", "follower")
    correlation = np.corrcoef(table.T)
    assert correlation[1, 2] > 0.75
    assert abs(correlation[0, 2]) < 0.3


@pytest.mark.parametrize(("pattern", "low", "high"), [("sparse", 0.6, 0.8), ("campaigns", 0.2, 0.6)])
def test_share_of_days_off(pattern: str, low: float, high: float) -> None:
    off = np.mean([(_activity(pattern, seed=seed) == 0).mean() for seed in range(10)])
    assert low < off < high


def test_campaigns_run_in_flights_not_on_single_days() -> None:
    running = _activity("campaigns")[:, 0] > 0
    changes = np.flatnonzero(np.diff(running.astype(int)))
    # All flights and pauses but the first and the last are whole.
    assert np.diff(changes).min() >= 6


def test_weekend_channel_is_stronger_at_weekends_and_always_on_weaker() -> None:
    weekend = WEEKDAYS >= 5
    ratio = {
        pattern: _activity(pattern)[weekend].mean() / _activity(pattern)[~weekend].mean()
        for pattern in ("weekend", "always_on")
    }
    assert ratio["weekend"] > 2
    assert ratio["always_on"] < 0.9


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), days=st.integers(1, 60), patterns=st.lists(st.sampled_from(PATTERNS), min_size=1))
def test_every_channel_is_active_at_least_once(seed: int, days: int, patterns: list[str]) -> None:
    table = activity(tuple(patterns), np.arange(days) % 7, np.random.default_rng(seed))
    assert table.shape == (days, len(patterns))
    assert (table >= 0).all()
    assert np.isfinite(table).all()
    assert (table > 0).any(axis=0).all()
