"""Every baseline component: columns, names and priors belong together, and continue beyond the window."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pytest

from mmm_pipeline.mmm.baseline.component import FixedComponent, ParametricComponent, Periods
from mmm_pipeline.mmm.baseline.design import linear_designs
from mmm_pipeline.mmm.baseline.features import Features
from mmm_pipeline.mmm.baseline.registry import COMPONENTS
from mmm_pipeline.mmm.baseline.seasonality import Seasonality, most_degrees
from mmm_pipeline.mmm.baseline.weekday import Weekday
from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.data.time_grid import WEEKDAYS, Step, TimeGrid
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
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
    grid = TimeGrid(DATA.grid.date(start), Step.DAY, length)
    return Periods(time, grid, np.arange(3.0) + time[:, None])


FIXED = [component for component in COMPONENTS if isinstance(component, FixedComponent)]
PARAMETRIC = [component for component in COMPONENTS if isinstance(component, ParametricComponent)]


@pytest.mark.parametrize("component", FIXED, ids=lambda component: component.name)
def test_labels_columns_scales_and_signs_are_of_one_length(component) -> None:
    count = len(component.labels(SPEC, DATA))
    assert count > 0
    assert component.columns(SPEC, DATA, periods()).shape == (DATA.days, count)
    assert component.scales(SPEC, DATA).shape == component.signs(SPEC, DATA).shape == (count,)
    assert (component.scales(SPEC, DATA) > 0).all()


@pytest.mark.parametrize("component", FIXED, ids=lambda component: component.name)
def test_columns_of_later_periods_continue_those_of_the_window(component) -> None:
    whole = component.columns(SPEC, DATA, periods(0, 40))
    np.testing.assert_allclose(component.columns(SPEC, DATA, periods(25, 15)), whole[25:], atol=1e-12)


@pytest.mark.parametrize("component", PARAMETRIC, ids=lambda component: component.name)
def test_columns_that_move_have_a_size_and_continue_beyond_the_window(component) -> None:
    count = len(component.labels(SPEC, DATA))
    medians = {own.name: own.prior.quantile(np.zeros(2), np.log([0.5, 0.5]), NUMPY) for own in component.parameters}
    whole, later = (component.prepared(SPEC, DATA, time) for time in (np.arange(40.0), np.arange(25.0, 40.0)))
    columns = component.columns(whole, medians, NUMPY)
    assert columns.shape == (2, 40, count)
    np.testing.assert_allclose(component.columns(later, medians, NUMPY), columns[:, 25:])
    scales = component.scales(whole, medians, NUMPY)
    assert scales.shape[-1] == count
    assert (scales > 0).all()


def test_components_have_names_and_dimensions_of_their_own() -> None:
    assert len({component.name for component in COMPONENTS}) == len(COMPONENTS)
    dimensions = [component.dimension for component in COMPONENTS if component.dimension is not None]
    assert len(set(dimensions)) == len(dimensions)
    single = [component for component in COMPONENTS if component.dimension is None]
    assert all(len(component.labels(SPEC, DATA)) == 1 for component in single)


def test_exactly_one_component_is_the_level() -> None:
    assert [component.name for component in FIXED if component.is_level] == ["intercept"]


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


def of_step(step: Step) -> ModelData:
    """The same window, of periods of another step."""
    return dataclasses.replace(DATA, grid=TimeGrid(dt.date(2023, 1, 1), step, DATA.days))


@pytest.mark.parametrize("step", [Step.WEEK, Step.MONTH])
def test_weeks_and_months_have_no_weekday(step: Step) -> None:
    assert Weekday().columns(SPEC, of_step(step), periods()).shape == (DATA.days, 0)


@pytest.mark.parametrize(("step", "year"), [(Step.WEEK, 52), (Step.MONTH, 12)])
def test_the_season_is_a_year_of_the_calendar_whatever_the_step(step: Step, year: int) -> None:
    yearly = dataclasses.replace(SPEC, degrees=1, seasonality_period_days=365.0)
    columns = Seasonality().columns(yearly, of_step(step), periods(0, year + 1))
    # 52 weeks are a day short of a year, and the days of the twelve months of 2023 are one.
    late = 2 * np.pi * (365 if step is Step.MONTH else 364) / 365
    np.testing.assert_allclose(columns[year], [np.sin(late), np.cos(late)], atol=1e-12)
    assert columns[year // 4, 0] == pytest.approx(1.0, abs=0.001)


@pytest.mark.parametrize(("step", "most"), [(Step.DAY, 182), (Step.WEEK, 26), (Step.MONTH, 5)])
def test_no_more_waves_than_the_periods_of_a_year_can_tell_apart(step: Step, most: int) -> None:
    assert most_degrees(step, 365.0) == most


def test_features_and_events_have_their_scales_and_signs() -> None:
    assert Features().scales(SPEC, DATA).tolist() == [0.9, 0.9, 0.4]
    assert Features().signs(SPEC, DATA).tolist() == [0, -1, 1]


def test_named_coefficients_give_the_mean_of_their_columns() -> None:
    (design,) = linear_designs(SPEC, DATA)
    generator = np.random.default_rng(0)
    linear, quantiles = generator.normal(size=(3, design.size)), np.abs(generator.normal(size=(3, 2)))
    exponent = np.array([0.6, 1.0, 1.4])
    parameters = {"trend_exponent": exponent}

    named = design.named(linear, quantiles)

    expected = sum(named[part.component.name] @ part.columns.T for part in design.fixed_parts)
    expected += named["trend_coefficient"][:, None] * design.time ** exponent[:, None] + named["intercept"][:, None]
    np.testing.assert_allclose(design.mean(linear, parameters) + quantiles @ design.signed.T, expected, rtol=1e-12)
    np.testing.assert_allclose(
        np.einsum("stk,sk->st", design.columns(parameters, 3), linear), design.mean(linear, parameters), rtol=1e-9
    )
    np.testing.assert_allclose(named["feature_coefficient"][:, 1], -0.9 * quantiles[:, 0])
