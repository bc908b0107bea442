"""Every baseline component: columns, names and priors belong together, and continue beyond the window."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mmm_pipeline.mmm.baseline.component import Periods
from mmm_pipeline.mmm.baseline.design import linear_designs
from mmm_pipeline.mmm.baseline.features import Features
from mmm_pipeline.mmm.baseline.registry import COMPONENTS
from mmm_pipeline.mmm.baseline.seasonality import Seasonality
from mmm_pipeline.mmm.baseline.weekday import WEEKDAYS, Weekday
from mmm_pipeline.mmm.specs import FeatureSign, ModelSpec, Priors
from mmm_pipeline_tests.mmm.inference import plain_statement as plain

SPEC = ModelSpec(
    "adstock",
    2,
    seasonality_period_days=14.0,
    priors=Priors(seasonality_scale=0.7, weekday_scale=0.3, feature_scale=0.9, event_scale=0.4),
    feature_signs=(FeatureSign("feature 1", "negative"), FeatureSign("event 0", "positive")),
)
DATA = plain.small_window(features=2, events=1)


def periods(start: int = 0, length: int = DATA.days) -> Periods:
    time = np.arange(start, start + length, dtype=float)
    return Periods(time, DATA.dates[0], np.arange(3.0) + time[:, None])


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.name)
def test_labels_columns_scales_and_signs_are_of_one_length(component) -> None:
    count = len(component.labels(SPEC, DATA))
    assert count > 0
    assert component.columns(SPEC, DATA, periods()).shape == (DATA.days, count)
    assert component.scales(SPEC, DATA).shape == component.signs(SPEC, DATA).shape == (count,)
    assert (component.scales(SPEC, DATA) > 0).all()


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.name)
def test_columns_of_later_periods_continue_those_of_the_window(component) -> None:
    whole = component.columns(SPEC, DATA, periods(0, 40))
    np.testing.assert_allclose(component.columns(SPEC, DATA, periods(25, 15)), whole[25:], atol=1e-12)


def test_components_have_names_and_dimensions_of_their_own() -> None:
    assert len({component.name for component in COMPONENTS}) == len(COMPONENTS)
    assert len({component.dimension for component in COMPONENTS}) == len(COMPONENTS)


def test_seasonality_repeats_after_its_period_and_is_padded_to_a_shared_size() -> None:
    columns = Seasonality().columns(SPEC, DATA, periods(0, 28))
    np.testing.assert_allclose(columns[:14], columns[14:], atol=1e-12)
    degrees = [dataclasses.replace(SPEC, degrees=count) for count in (0, 1, 4, 6)]
    assert [Seasonality().padding(spec) for spec in degrees] == [8, 6, 0, 0]


def test_the_weekday_is_the_calendars() -> None:
    columns = Weekday().columns(SPEC, DATA, periods(0, 7))
    names = [WEEKDAYS[int(row.argmax())] for row in columns]
    assert (columns.sum(axis=1) == 1).all()
    assert names == [f"{(DATA.dates[0] + day).astype(object):%A}" for day in range(7)]
    assert Weekday().columns(dataclasses.replace(SPEC, weekday=False), DATA, periods()).shape == (DATA.days, 0)


def test_features_and_events_have_their_scales_and_signs() -> None:
    assert Features().scales(SPEC, DATA).tolist() == [0.9, 0.9, 0.4]
    assert Features().signs(SPEC, DATA).tolist() == [0, -1, 1]


def test_named_coefficients_give_the_mean_of_their_columns() -> None:
    (design,) = linear_designs(SPEC, DATA)
    generator = np.random.default_rng(0)
    linear, quantiles = generator.normal(size=(3, len(design.scales))), np.abs(generator.normal(size=(3, 2)))
    exponent = np.array([0.6, 1.0, 1.4])

    named = design.named(linear, quantiles)

    expected = sum(named[part.component.name] @ part.columns.T for part in design.parts)
    expected += named["trend_coefficient"][:, None] * design.time ** exponent[:, None] + named["intercept"][:, None]
    np.testing.assert_allclose(design.mean(linear, exponent) + quantiles @ design.signed.T, expected, rtol=1e-12)
    np.testing.assert_allclose(
        np.einsum("stk,sk->st", design.columns(exponent), linear), design.mean(linear, exponent), rtol=1e-9
    )
    np.testing.assert_allclose(named["feature_coefficient"][:, 1], -0.9 * quantiles[:, 0])
