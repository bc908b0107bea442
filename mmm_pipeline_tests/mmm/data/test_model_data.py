"""One market or several, with or without a name: the same arrays, with a market axis in front."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.data.model_data import ALL_MARKETS, ModelData, model_data
from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline_tests.mmm.inference.plain_statement import small_panel, small_window
from mmm_pipeline_tests.mmm.synthetic_fits import market_dataset, synthetic_fit


def assert_same(one: ModelData, other: ModelData) -> None:
    for field in dataclasses.fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


def test_arrays_have_a_market_axis_of_length_one_where_no_markets_are_kept_apart() -> None:
    data = model_data(market_dataset(channels=3, days=20))
    assert data.markets == (ALL_MARKETS,)
    assert not data.several_markets
    assert (data.media.shape, data.kpi.shape, data.kpi_scale.shape) == ((1, 20, 3), (1, 20), (1,))
    assert (data.grid.step, data.grid.length) == (Step.DAY, 20)


def test_a_dimension_of_one_market_gives_its_name_and_the_same_arrays() -> None:
    dataset = market_dataset(days=20)
    named = model_data(dataset.expand_dims(market=["DE"]))
    assert named.markets == ("DE",)
    assert_same(dataclasses.replace(named, markets=(ALL_MARKETS,)), model_data(dataset))
    with pytest.raises(ModelInputError, match="no market"):
        model_data(dataset.expand_dims(market=["DE"]).isel(market=[]))


def test_a_message_names_the_market_where_it_has_a_name() -> None:
    dataset = market_dataset(days=20)
    dataset["kpi"][:] = 0.0
    with pytest.raises(ModelInputError, match=r"^the KPI is zero throughout"):
        model_data(dataset)
    with pytest.raises(ModelInputError, match=r"^the KPI in market 'DE' is zero throughout"):
        model_data(dataset.expand_dims(market=["DE"]))


def test_days_that_are_missing_are_refused() -> None:
    with pytest.raises(ModelInputError, match="not consecutive days"):
        model_data(market_dataset(days=20).isel(time=[0, 1, 2, 4, 5]))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(small_window(), id="one market"),
        pytest.param(dataclasses.replace(small_window(features=2, events=1), markets=("DE",)), id="named, features"),
        pytest.param(small_panel(features=1), id="several"),
    ],
)
def test_labelled_arrays_come_back_whole(data: ModelData) -> None:
    assert_same(ModelData.from_dataset(data.to_dataset(), events=data.events), data)


def test_one_market_is_stored_without_the_dimension_as_homes_have_it() -> None:
    stored = small_window(features=1).to_dataset()
    assert stored["media"].dims == ("time", "channel")
    assert stored["kpi_scale"].dims == ()
    assert "market" not in stored.coords
    assert small_panel().to_dataset()["media"].dims == ("market", "time", "channel")


def test_a_market_by_itself_has_the_channels_that_were_on_there() -> None:
    panel = small_panel(markets=2, channels=3)
    last = panel.market(1)
    assert last.markets == ("market 1",)
    assert last.channels == ("channel 1", "channel 2")
    np.testing.assert_array_equal(last.media[0], panel.media[1, :, 1:])
    np.testing.assert_array_equal(last.spend[0], panel.spend[1, :, 1:])
    np.testing.assert_array_equal(last.media_scale[0], panel.media_scale[1, 1:])
    np.testing.assert_array_equal(last.kpi_scale, panel.kpi_scale[1:])


def test_totals_are_sums_over_markets_in_their_own_units() -> None:
    panel = small_panel(markets=3)
    np.testing.assert_allclose(panel.total_spend, sum(panel.spend))
    np.testing.assert_allclose(
        panel.total_kpi, sum(kpi * scale for kpi, scale in zip(panel.kpi, panel.kpi_scale, strict=True))
    )
    np.testing.assert_allclose(panel.media_units[1], panel.media[1] * panel.media_scale[1])


def test_a_fit_of_one_named_market_reads_media_with_and_without_its_name() -> None:
    dataset = market_dataset(days=40)
    ahead = dataset["media"].isel(time=slice(0, 5)).drop_vars("time")
    fit = synthetic_fit(dataset=dataset.expand_dims(market=["DE"]), draws=5)
    plain = fit.predict_mean(ahead)
    xr.testing.assert_equal(fit.predict_mean(ahead.expand_dims(market=["DE"])), plain)
    with pytest.raises(ModelInputError, match="media lack the fitted market 'DE'"):
        fit.predict_mean(ahead.expand_dims(market=["FR"]))
