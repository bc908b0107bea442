"""Features computed from the KPI are refused; features that merely move with it are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmm_pipeline.mmm.eda.leakage import leaking_features
from mmm_pipeline.mmm.simulation.simulate import Market, simulate_market

LIMIT = 0.5


@pytest.fixture(scope="module")
def market() -> Market:
    return simulate_market(days=120, seed=3)


@pytest.fixture(scope="module")
def kpi(market: Market) -> pd.Series:
    return pd.Series(market.kpi, index=pd.DatetimeIndex(market.dates))


@pytest.fixture(scope="module")
def media(market: Market, kpi: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"media": (market.media / market.media_mean).sum(axis=1)}, index=kpi.index)


def found(kpi: pd.Series, media: pd.DataFrame, values: object, limit: float = LIMIT) -> pd.DataFrame:
    return leaking_features(kpi, pd.DataFrame({"x": values}, index=kpi.index), limit, media=media)


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_tenth_of_the_kpi_with_noise_is_refused_when_it_tells_the_kpi(
    kpi: pd.Series, media: pd.DataFrame, noise: float, seed: int
) -> None:
    """Noise in standard deviations of the copied part; 0.6 leaves an R² of 1 / 1.36."""
    copied = kpi.to_numpy() / 10
    values = copied + np.random.default_rng(seed).normal(0, noise * copied.std(), len(kpi))

    [row] = found(kpi, media, values).to_dict("records")
    assert row["feature"] == "x"
    assert row["r2"] > LIMIT
    assert ("remove it" if row["is_copy"] else "controls.independent") in row["reason"]


@pytest.mark.parametrize("noise", [2.0, 5.0, 50.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_trace_of_the_kpi_in_noise_is_let_through(
    kpi: pd.Series, media: pd.DataFrame, noise: float, seed: int
) -> None:
    copied = kpi.to_numpy() / 10
    values = copied + np.random.default_rng(seed).normal(0, noise * copied.std(), len(kpi))

    assert found(kpi, media, values).empty


@pytest.mark.parametrize(
    "function",
    [
        np.log,
        np.exp,
        np.square,
        lambda y: -y,
        lambda y: 1 / y,
        lambda y: np.argsort(np.argsort(y)),
        lambda y: y > np.median(y),
    ],
    ids=["log", "exp", "square", "negative", "inverse", "rank", "above median"],
)
def test_a_function_of_the_kpi_is_refused(kpi: pd.Series, media: pd.DataFrame, function: object) -> None:
    scaled = kpi.to_numpy() / kpi.mean()

    assert len(found(kpi, media, np.asarray(function(scaled), dtype=float))) == 1  # type: ignore[operator]


def test_scale_and_offset_do_not_matter(kpi: pd.Series, media: pd.DataFrame) -> None:
    noisy = kpi.to_numpy() + np.random.default_rng(0).normal(0, 0.5 * kpi.std(), len(kpi))

    reference = found(kpi, media, noisy)["r2"].iloc[0]
    assert found(kpi, media, 1e-9 * noisy - 7)["r2"].iloc[0] == pytest.approx(reference, rel=1e-4)


def innocents() -> dict[str, np.ndarray]:
    days = pd.date_range("2025-02-03", periods=120)
    time = np.arange(120)
    rng = np.random.default_rng(5)
    return {
        "trend": time.astype(float),
        "season": np.sin(2 * np.pi * time / 365),
        "weekend": (days.dayofweek >= 5).astype(float),
        "weekday": days.dayofweek.to_numpy().astype(float),
        "step in price": (time > 60).astype(float),
        "month": days.month.to_numpy().astype(float),
        "noise": rng.normal(size=120),
        "random walk": rng.normal(size=120).cumsum(),
        "constant": np.ones(120),
        "one holiday": (time == 50).astype(float),
    }


@pytest.mark.parametrize("name", sorted(innocents()))
def test_what_is_known_before_the_day_is_let_through(kpi: pd.Series, media: pd.DataFrame, name: str) -> None:
    assert found(kpi, media, innocents()[name]).empty


def test_the_kpi_of_the_day_before_is_let_through(kpi: pd.Series, media: pd.DataFrame) -> None:
    assert found(kpi, media, kpi.shift(1).bfill()).empty


def test_a_slow_driver_of_the_kpi_is_let_through_and_its_copy_is_not(media: pd.DataFrame) -> None:
    """Temperature explains most of ice cream sales; sales explain them better."""
    rng = np.random.default_rng(2)
    temperature = 20 + 8 * np.sin(2 * np.pi * np.arange(120) / 60)
    sales = pd.Series(100 + 5 * temperature + rng.normal(0, 8, 120), index=media.index)

    assert np.corrcoef(temperature, sales)[0, 1] ** 2 > 0.9
    assert found(sales, media, temperature).empty
    assert len(found(sales, media, sales / 10 + rng.normal(0, 0.5, 120))) == 1


@pytest.mark.parametrize(("noise", "is_copy"), [(0.0, True), (0.05, True), (0.3, False), (0.6, False)])
def test_a_copy_is_refused_whatever_is_said_and_others_are_asked_about(
    kpi: pd.Series, media: pd.DataFrame, noise: float, is_copy: bool
) -> None:
    values = kpi.to_numpy() + np.random.default_rng(0).normal(0, noise * kpi.std(), len(kpi))
    features = pd.DataFrame({"x": values}, index=kpi.index)

    [row] = leaking_features(kpi, features, LIMIT, media=media).to_dict("records")
    answered = leaking_features(kpi, features, LIMIT, media=media, independent=["x"])

    assert row["is_copy"] is is_copy
    assert len(answered) == is_copy


def test_a_competitors_sales_are_asked_about_and_then_accepted(media: pd.DataFrame) -> None:
    """Two shops in one town: both live by the same days, neither is computed from the other."""
    rng = np.random.default_rng(4)
    demand = rng.normal(0, 20, 120)
    ours = pd.Series(200 + demand + rng.normal(0, 10, 120), index=media.index)
    theirs = 900 + 3 * demand + rng.normal(0, 30, 120)

    [row] = found(ours, media, theirs).to_dict("records")
    assert not row["is_copy"]
    assert "as weather or a competitor's sales are? Then list it: controls.independent: [x]" in row["reason"]
    accepted = leaking_features(ours, pd.DataFrame({"x": theirs}, index=media.index), LIMIT, independent=["x"])
    assert accepted.empty


def test_only_the_leaking_features_are_named(kpi: pd.Series, media: pd.DataFrame) -> None:
    features = pd.DataFrame({**innocents(), "organic": kpi.to_numpy() / 10}, index=kpi.index)

    assert leaking_features(kpi, features, LIMIT, media=media)["feature"].tolist() == ["organic"]


def test_a_threshold_of_one_refuses_nothing(kpi: pd.Series, media: pd.DataFrame) -> None:
    assert found(kpi, media, kpi, limit=1.0).empty


def test_without_media_the_rule_holds_too(kpi: pd.Series) -> None:
    features = pd.DataFrame({"copy": kpi / 10, "noise": innocents()["noise"]})

    assert leaking_features(kpi, features, LIMIT)["feature"].tolist() == ["copy"]
