"""The draws of the parameters that mixed worst."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_pipeline.mmm.evaluation.worst_parameters import worst_parameter_draws
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit, synthetic_panel_fit


@pytest.fixture(scope="module")
def disagreeing() -> Fit:
    """Two chains that put one channel's exponent in different places; its first draw diverged."""
    fit = synthetic_fit(draws=120)
    fit.posterior["exponent"].loc[{"chain": 1, "channel": "channel 2"}] += 2.0
    fit.inference["sample_stats"]["diverging"][0, 0] = True
    return fit


def test_the_worst_parameter_comes_first_with_its_diagnostics(disagreeing: Fit) -> None:
    table = worst_parameter_draws(disagreeing, parameters=3)

    assert violations("worst_parameter_draws", table).empty
    named = table.drop_duplicates("parameter")
    assert named["parameter"].iloc[0] == "exponent[channel 2]"
    assert len(named) == 3
    assert named["rhat"].iloc[0] > 1.5
    assert np.diff(named[["ess_bulk", "ess_tail"]].min(axis=1)).min() >= 0


def test_values_are_those_of_the_posterior(disagreeing: Fit) -> None:
    table = worst_parameter_draws(disagreeing, parameters=1)

    drawn = disagreeing.posterior["exponent"].sel(channel="channel 2")
    for chain, rows in table.groupby("chain"):
        np.testing.assert_array_equal(rows["value"], drawn.sel(chain=chain))
    assert table.loc[table["is_divergent"], ["chain", "draw"]].to_numpy().tolist() == [[0, 0]]


def test_parameters_of_a_market_are_named_with_it() -> None:
    fit = synthetic_panel_fit(draws=60)
    moved = fit.posterior["media_coefficient"].copy(deep=True)
    moved.loc[{"chain": 1, "market": "south", "channel": "channel 2"}] += 9.0
    fit.posterior["media_coefficient"] = moved

    table = worst_parameter_draws(fit, parameters=1)

    assert table["parameter"].unique().tolist() == ["media_coefficient[south, channel 2]"]


def test_long_chains_are_thinned_evenly(disagreeing: Fit) -> None:
    table = worst_parameter_draws(disagreeing, parameters=2, draws_per_chain=50)

    kept = table[table["chain"] == 0].groupby("parameter")["draw"].apply(list)
    assert kept.tolist() == [list(range(0, 120, 3))] * 2
