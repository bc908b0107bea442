"""A simulated market does exactly what its truth says."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.data.model_data import train_data
from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS, MEDIA_TRANSFORMS
from mmm_pipeline.mmm.simulation.market import media_effects
from mmm_pipeline.mmm.simulation.simulate import Market, simulate_market, truth
from mmm_pipeline_tests.mmm.inference import plain_statement as plain


@pytest.fixture(scope="module", params=MEDIA_TRANSFORMS)
def market(request: pytest.FixtureRequest) -> Market:
    return simulate_market(adstock=request.param, days=120, channels=6, seed=3)


def test_contribution_is_what_the_mean_kpi_loses_without_the_channel(market: Market) -> None:
    told = truth(market)["channels"]
    lost = {}
    for position, name in enumerate(market.channel_names):
        media = market.media.copy()
        media[:, position] = 0
        lost[name] = (market.mean_kpi(market.media) - market.mean_kpi(media)).sum()
    assert lost == pytest.approx({name: row["contribution"] for name, row in told.items()}, rel=1e-9)


@pytest.mark.parametrize("adstock", LIGHTWEIGHT_TRANSFORMS)
def test_contributions_are_those_of_the_formulas_written_down_plainly(adstock: str) -> None:
    market = simulate_market(adstock=adstock, days=60, channels=3, seed=3)
    names = market.channels[0].parameters
    parameters = {name: np.array([channel.parameters[name] for channel in market.channels]) for name in names}
    effect = plain.media_effect(adstock, market.media / market.media_mean, parameters)
    expected = effect * [channel.effect for channel in market.channels]
    np.testing.assert_allclose(market.contributions, expected, rtol=1e-9)


def test_roi_is_contribution_over_spend_inside_the_window(market: Market) -> None:
    told = truth(market)["channels"]
    spend = dict(zip(market.channel_names, market.spend.sum(axis=0), strict=True))
    assert {name: row["roi"] * spend[name] for name, row in told.items()} == pytest.approx(
        {name: row["contribution"] for name, row in told.items()}, rel=1e-12
    )


def test_shares_and_baseline_add_up_to_one(market: Market) -> None:
    told = truth(market)
    assert told["baseline_share"] + sum(row["share"] for row in told["channels"].values()) == pytest.approx(1.0)


def test_marginal_roi_of_the_window_is_the_finite_difference_of_more_spend(market: Market) -> None:
    told = truth(market)["channels"]
    step = 1e-5
    measured = {}
    for position, name in enumerate(market.channel_names):
        more, less = market.media.copy(), market.media.copy()
        more[:, position] *= 1 + step
        less[:, position] *= 1 - step
        gained = (market.mean_kpi(more) - market.mean_kpi(less)).sum()
        measured[name] = gained / (2 * step * market.spend[:, position].sum())
    assert measured == pytest.approx({name: row["marginal_roi_window"] for name, row in told.items()}, rel=1e-5)


def _kpi_after_window(market: Market, spend: np.ndarray, horizon: int) -> np.ndarray:
    """(C,) KPI of the horizon and the 56 days after it, `spend` (C,) being spread evenly over the horizon."""
    daily = spend / horizon / market.price / market.media_mean
    media = np.concatenate(
        [market.media / market.media_mean, np.tile(daily, (horizon, 1)), np.zeros((56, len(market.channels)))]
    )
    return media_effects(market.transform, market.channels, media)[len(market.dates) :].sum(axis=0)


def test_marginal_roi_is_what_the_next_unit_brings_when_todays_spend_goes_on(market: Market) -> None:
    horizon, step = 28, 0.01
    today = market.spend[-horizon:].sum(axis=0)
    more, less = (_kpi_after_window(market, today + change, horizon) for change in (step, -step))
    told = truth(market, horizon=horizon)["channels"]
    assert [row["marginal_roi"] for row in told.values()] == pytest.approx(list((more - less) / (2 * step)), rel=1e-4)


def test_marginal_roi_of_a_channel_that_was_off_is_what_the_first_unit_brings() -> None:
    market = simulate_market(days=60, channels=3, seed=1)
    spend, media = market.spend.copy(), market.media.copy()
    spend[-28:, 1] = media[-28:, 1] = 0
    market = dataclasses.replace(market, spend=spend, media=media)
    gained = _kpi_after_window(market, np.ones(3), 28) - _kpi_after_window(market, np.zeros(3), 28)
    assert truth(market)["channels"][market.channel_names[1]]["marginal_roi"] == pytest.approx(gained[1])


def test_observed_kpi_is_the_mean_plus_noise_of_the_stated_size() -> None:
    market = simulate_market(days=2000, channels=2, noise=0.05)
    noise = market.kpi - market.mean_kpi(market.media)
    assert noise.std() == pytest.approx(market.noise_sd, rel=0.1)
    assert abs(noise.mean()) < 4 * market.noise_sd / np.sqrt(2000)


def test_media_causes_the_stated_share_of_the_kpi() -> None:
    market = simulate_market(media_share=0.3)
    assert truth(market)["baseline_share"] == pytest.approx(0.7)


def test_same_seed_gives_the_same_market_and_another_seed_another() -> None:
    first, again, other = simulate_market(seed=11), simulate_market(seed=11), simulate_market(seed=12)
    assert truth(first) == truth(again)
    np.testing.assert_array_equal(first.kpi, again.kpi)
    assert truth(first) != truth(other)


def test_default_market_shows_the_ways_of_buying_that_make_models_fail() -> None:
    market = simulate_market()
    active = (market.media > 0).mean(axis=0)
    correlation = np.corrcoef(market.media.T) - np.eye(len(market.channels))
    assert active.max() == 1.0
    assert active.min() < 0.5
    assert correlation.max() > 0.7
    assert market.price.max() > 4 * market.price.min()


def test_days_without_media_have_no_spend_and_the_reverse(market: Market) -> None:
    np.testing.assert_array_equal(market.media > 0, market.spend > 0)


def test_market_is_accepted_as_model_inputs(market: Market) -> None:
    dataset = market.dataset(holdout=28)
    data = train_data(dataset)
    assert data.channels == market.channel_names
    assert data.days == len(market.dates) - 28


@settings(max_examples=40, deadline=None)
@given(
    channels=st.integers(1, 45),
    days=st.integers(28, 150),
    seed=st.integers(0, 2**31),
    adstock=st.sampled_from(tuple(MEDIA_TRANSFORMS)),
)
def test_every_market_is_usable(channels: int, days: int, seed: int, adstock: str) -> None:
    market = simulate_market(channels=channels, days=days, seed=seed, adstock=adstock, start=dt.date(2024, 2, 20))
    assert len(set(market.channel_names)) == channels
    assert market.media.shape == market.spend.shape == (days, channels)
    assert (market.media == np.round(market.media)).all()
    assert (market.media.sum(axis=0) > 0).all()
    assert (market.kpi > 0).all()
    told = truth(market)["channels"]
    assert all(0.7 < row["roi"] < 5.1 and 0 <= row["retention"] < 1 for row in told.values())


@pytest.mark.parametrize(
    ("argument", "value"),
    [("channels", 0), ("days", 27), ("noise", -0.1), ("noise", 0.3), ("media_share", 1.0), ("adstock", "weibull")],
)
def test_impossible_argument_is_named_with_its_value(argument: str, value: object) -> None:
    with pytest.raises(ModelInputError, match=rf"{argument} is '?{value}'?: accepted are"):
        simulate_market(**{argument: value})  # type: ignore[arg-type]
