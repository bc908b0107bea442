"""Curves of KPI against daily spend."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_pipeline.mmm.media.registry import MEDIA_TRANSFORMS
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.response.response_curves import response_curves
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import market_dataset, synthetic_fit


@pytest.mark.parametrize("adstock", MEDIA_TRANSFORMS)
def test_curves_start_at_nothing_rise_and_reach_twice_the_largest_spend(adstock: str) -> None:
    fit = synthetic_fit(adstock)

    table = response_curves(fit)

    assert violations("response_curves", table).empty
    curves = [curve for _, curve in table.groupby("channel", sort=False)]
    assert all(curve["kpi"].iloc[0] == 0 and curve["spend"].iloc[0] == 0 for curve in curves)
    assert all((np.diff(curve["kpi"]) > 0).all() for curve in curves)
    assert [curve["spend"].max() for curve in curves] == pytest.approx(list(2 * fit.data.total_spend.max(axis=0)))


@pytest.mark.parametrize("adstock", MEDIA_TRANSFORMS)
def test_the_curve_is_the_steady_state_of_the_model(adstock: str) -> None:
    fit = synthetic_fit(adstock, draws=20)
    if "retention" in fit.posterior:
        fit.posterior["retention"].values.clip(max=0.98, out=fit.posterior["retention"].values)  # settles in 3000 days
    point = response_curves(fit).groupby("channel", sort=False).nth(40)
    media = point["media_units"].to_numpy() / fit.data.media_scale[0]

    settled = MEDIA_TRANSFORMS[adstock].value(np.tile(media, (3000, 1)), fit.transform_parameters(), NUMPY)[:, -1]

    kpi = (settled * fit.media_coefficients()[:, 0] * fit.data.kpi_scale).mean(axis=0)
    np.testing.assert_allclose(point["kpi"], kpi, rtol=1e-9)


def test_today_and_the_edge_of_what_was_observed_are_rows() -> None:
    fit = synthetic_fit()

    table = response_curves(fit, horizon=7)

    today = table[table["is_current"]]
    assert today["channel"].tolist() == list(fit.data.channels)
    np.testing.assert_allclose(today["spend"], fit.data.total_spend[-7:].mean(axis=0))
    observed = table[~table["is_extrapolated"]].groupby("channel", sort=False)["spend"].max()
    np.testing.assert_allclose(observed, fit.data.total_spend.max(axis=0))


def test_a_paused_channel_stands_at_zero_today() -> None:
    dataset = market_dataset()
    dataset["media"][-28:, 1] = 0.0
    dataset["spend"][-28:, 1] = 0.0

    table = response_curves(synthetic_fit(dataset=dataset))

    assert violations("response_curves", table).empty
    assert table.loc[table["is_current"] & (table["channel"] == "channel 1"), "spend"].tolist() == [0.0]


def test_half_saturation_is_where_the_expected_hill_curve_reaches_half_its_ceiling() -> None:
    fit = synthetic_fit("hill_adstock")
    fit.posterior["half_saturation"].values[:] = 0.8
    ceiling = fit.media_coefficients()[:, 0].mean(axis=0) * fit.data.kpi_scale

    table = response_curves(fit)

    half = table[table["is_half_saturation"]]
    assert half["channel"].tolist() == list(fit.data.channels)
    np.testing.assert_allclose(half["kpi"], ceiling / 2, rtol=1e-6)
    np.testing.assert_allclose(half["ceiling_share"], 0.5, rtol=1e-6)
    assert table["ceiling_share"].between(0, 1).all()


def test_half_saturation_beyond_the_range_is_no_row() -> None:
    fit = synthetic_fit("hill_adstock")
    fit.posterior["half_saturation"].values[:] = 1e3
    fit.posterior["slope"].values[:] = 1.0

    table = response_curves(fit)

    assert not table["is_half_saturation"].any()
    assert table["ceiling_share"].max() < 0.5


@pytest.mark.parametrize("adstock", ["adstock", "carryover"])
def test_power_curves_never_saturate(adstock: str) -> None:
    table = response_curves(synthetic_fit(adstock))

    assert table["ceiling_share"].isna().all()
    assert not table["is_half_saturation"].any()
