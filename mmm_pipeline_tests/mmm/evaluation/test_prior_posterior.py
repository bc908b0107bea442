"""ROI before and after the data, as densities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmm_pipeline.mmm.evaluation.prior_posterior import prior_posterior_density
from mmm_pipeline.mmm.media.registry import MEDIA_TRANSFORMS
from mmm_pipeline.mmm.response.attribution import attribution
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit, synthetic_panel_fit


def _of(table: pd.DataFrame, channel: str, source: str) -> pd.DataFrame:
    return table[(table["channel"] == channel) & (table["source"] == source)]


@pytest.mark.parametrize("adstock", MEDIA_TRANSFORMS)
def test_the_posterior_density_has_the_roi_of_the_attribution(adstock: str) -> None:
    fit = synthetic_fit(adstock, draws=1000)

    table = prior_posterior_density(fit, prior_draws=500)

    assert violations("prior_posterior_density", table).empty
    expected = attribution(fit, horizon=28).table.set_index("channel")
    for channel in fit.data.channels:
        part = _of(table, channel, "posterior")
        assert np.trapezoid(part["density"], part["roi"]) == pytest.approx(1, abs=0.03)
        mean = np.trapezoid(part["density"] * part["roi"], part["roi"])
        assert mean == pytest.approx(expected.at[channel, "roi"], rel=0.08)


def test_the_roi_of_a_panel_is_that_of_all_markets_together() -> None:
    fit = synthetic_panel_fit(draws=500)

    table = prior_posterior_density(fit, prior_draws=500)

    expected = attribution(fit, horizon=28).table.set_index("channel")
    for channel in fit.data.channels:
        part = _of(table, channel, "posterior")
        mean = np.trapezoid(part["density"] * part["roi"], part["roi"])
        assert mean == pytest.approx(expected.at[channel, "roi"], rel=0.08)


def test_where_the_data_said_nothing_both_densities_are_alike() -> None:
    fit = synthetic_fit(draws=2000, effect=1.0)

    table = prior_posterior_density(fit, prior_draws=4000)

    for channel in fit.data.channels:
        before, after = (_of(table, channel, source) for source in ("prior", "posterior"))
        apart = np.abs(before["density"].to_numpy() - after["density"].to_numpy())
        assert np.trapezoid(apart, before["roi"]) < 0.15


def test_a_narrow_posterior_is_not_squeezed_by_a_vast_prior() -> None:
    fit = synthetic_fit(draws=500, effect=0.001)

    table = prior_posterior_density(fit)

    part = _of(table, "channel 0", "posterior")
    median = part["roi"].to_numpy()[np.searchsorted(part["density"].cumsum() / part["density"].sum(), 0.5)]
    assert part["roi"].max() < 30 * median
    before = _of(table, "channel 0", "prior")
    assert np.trapezoid(before["density"], before["roi"]) < 0.1, "most of the prior lies beyond the grid"
