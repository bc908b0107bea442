"""Change between refreshes, and what it is put down to."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.budget.request import BudgetRequest
from mmm_pipeline.mmm.evaluation.drift import drift_table
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import market_dataset, synthetic_fit, synthetic_panel_fit


def _sure(fit: Fit, factors: list[float], *, spread: float = 0.02) -> Fit:
    """The fit with coefficients that are known: `factors` times 0.2, with a relative standard deviation of `spread`."""
    posterior = fit.posterior.copy()
    shape = posterior["media_coefficient"].shape
    noise = 1 + spread * np.random.default_rng(9).standard_normal(shape)
    posterior["media_coefficient"] = posterior["media_coefficient"].copy(data=0.2 * np.array(factors) * noise)
    for name, value in (("retention", 0.4), ("exponent", 0.8)):
        posterior[name] = posterior[name].copy(data=np.full(shape, value))
    return dataclasses.replace(fit, inference=az.InferenceData(posterior=posterior))


@pytest.fixture(scope="module")
def longer() -> xr.Dataset:
    return market_dataset(days=67)


@pytest.fixture(scope="module")
def before(longer: xr.Dataset) -> Fit:
    return _sure(synthetic_fit(dataset=longer.isel(time=slice(0, 60))), [1.0, 1.0, 1.0])


def test_the_table_keeps_its_contract_and_the_parts_add_up_to_the_change(before: Fit, longer: xr.Dataset) -> None:
    table = drift_table(before, _sure(synthetic_fit(dataset=longer), [1.0, 1.3, 0.7]))

    assert violations("drift", table).empty
    np.testing.assert_allclose(table["change"], table["roi_now"] - table["roi_before"])
    np.testing.assert_allclose(table["change"], table["change_from_media"] + table["change_learned"])
    assert str(table["window_end_before"][0].date()) == str(before.data.dates[-1])


def test_the_same_beliefs_on_other_days_are_a_change_from_media_alone(before: Fit, longer: xr.Dataset) -> None:
    # The same coefficients on the same scale: nothing learned, but other media.
    now = dataclasses.replace(
        before,
        data=dataclasses.replace(
            synthetic_fit(dataset=longer).data,
            media=longer["media"].to_numpy()[None] / before.data.media_scale,
            media_scale=before.data.media_scale,
            kpi_scale=before.data.kpi_scale,
        ),
    )

    table = drift_table(before, now)

    np.testing.assert_allclose(table["change_learned"], 0, atol=1e-12)
    assert (table["change_from_media"].abs() > 1e-4).all()
    assert table["verdict"].tolist() == ["sampler_noise"] * 3


def test_a_change_beyond_both_posteriors_is_the_datas_doing_and_a_small_one_is_not(before: Fit) -> None:
    table = drift_table(before, _sure(before, [1.5, 1.01, 1.0])).set_index("channel")

    assert table["verdict"].tolist() == ["data", "within_uncertainty", "sampler_noise"]
    assert table.loc["channel 0", "probability_roi_higher"] > 0.99
    assert table.loc["channel 0", "change_learned"] > 5 * table.loc["channel 0", "change_sd"]


def test_more_draws_mean_less_sampler_noise_and_as_much_uncertainty() -> None:
    few, many = (drift_table(synthetic_fit(draws=n), synthetic_fit(draws=n, seed=0)) for n in (50, 800))

    assert (many["change_mcse"] < 0.5 * few["change_mcse"]).all()
    np.testing.assert_allclose(many["change_sd"], few["change_sd"], rtol=0.6)


def test_channels_that_came_or_went_are_rows_without_a_change(longer: xr.Dataset) -> None:
    earlier = synthetic_fit(dataset=longer.isel(channel=[0, 1]))
    present = synthetic_fit(dataset=longer.isel(channel=[1, 2]))

    table = drift_table(earlier, present).set_index("channel")

    assert violations("drift", table.reset_index()).empty
    assert table["verdict"].to_dict() | {"channel 1": ""} == {
        "channel 1": "",
        "channel 2": "new_channel",
        "channel 0": "gone",
    }
    assert table.loc[["channel 0", "channel 2"], "change"].isna().all()
    assert table.loc["channel 0", "recommendation"] == "not_comparable"


def test_a_flip_that_the_posterior_supports_is_put_down_to_the_data(before: Fit) -> None:
    mirrored = _sure(before, [0.2, 1.0, 5.0]), _sure(before, [5.0, 1.0, 0.2])

    table = drift_table(*mirrored).set_index("channel")

    flipped = table.loc[["channel 0", "channel 2"]]
    assert set(flipped["direction_before"]) == {"increase", "decrease"}
    assert flipped["recommendation"].tolist() == ["flip_by_data"] * 2


def test_a_flip_within_the_uncertainty_is_unsupported(before: Fit) -> None:
    wide = _sure(before, [0.8, 1.0, 1.2], spread=0.9), _sure(before, [1.2, 1.0, 0.8], spread=0.9)
    price = before.data.total_spend.sum(axis=0)
    # Equal prices, so that the coefficients alone decide.
    level = [
        dataclasses.replace(
            fit,
            data=dataclasses.replace(
                fit.data, media=np.ones_like(fit.data.media), spend=np.full_like(fit.data.spend, price.mean() / 60)
            ),
        )
        for fit in wide
    ]

    table = drift_table(*level).set_index("channel")

    assert table.loc["channel 2", "direction_before"] == "increase"
    assert table.loc["channel 2", "direction_now"] == "decrease"
    assert 0.1 < table.loc["channel 2", "probability_increase_now"] < 0.9
    assert table.loc["channel 2", "recommendation"] == "flip_unsupported"


def test_spend_that_passed_the_earlier_plan_explains_a_flip(before: Fit) -> None:
    spent = before.data.spend.copy()
    spent[0, -28:, 0] *= 6
    now = dataclasses.replace(_sure(before, [0.1, 1.0, 1.0]), data=dataclasses.replace(before.data, spend=spent))
    low_spend = before.data.spend.copy()
    low_spend[0, -28:, 0] /= 2
    then = dataclasses.replace(_sure(before, [5.0, 1.0, 1.0]), data=dataclasses.replace(before.data, spend=low_spend))

    row = drift_table(then, now).set_index("channel").loc["channel 0"]

    assert (row["direction_before"], row["direction_now"]) == ("increase", "decrease")
    assert row["spend_now"] > row["plan_before"]
    assert row["recommendation"] == "flip_by_spend"


def test_constraints_that_the_earlier_champion_cannot_meet_leave_its_plan_empty(longer: xr.Dataset) -> None:
    earlier, present = synthetic_fit(dataset=longer.isel(channel=[0, 1])), synthetic_fit(dataset=longer)

    table = drift_table(earlier, present, BudgetRequest(locked=("channel 2",)))

    assert violations("drift", table).empty
    assert table["plan_before"].isna().all()
    assert table["plan_now"].notna().all()
    assert table["spend_before"].notna().sum() == 2
    assert set(table["recommendation"]) == {"not_comparable"}


def test_a_panel_is_compared_in_total_with_its_plan() -> None:
    before, now = synthetic_panel_fit(days=40), synthetic_panel_fit(days=40, seed=1)

    table = drift_table(before, now)

    assert violations("drift", table).empty
    np.testing.assert_allclose(table["change"], table["change_from_media"] + table["change_learned"])
    np.testing.assert_allclose(table["spend_now"], now.data.total_spend[-28:].sum(axis=0), atol=0.005)  # whole cents
    for moment in ("before", "now"):
        assert table[f"plan_{moment}"].sum() == pytest.approx(table[f"spend_{moment}"].sum())
        assert table[f"direction_{moment}"].notna().all()
    assert table["probability_increase_now"].notna().all()


def test_the_same_panel_has_learned_nothing() -> None:
    panel = synthetic_panel_fit(days=40)
    np.testing.assert_allclose(drift_table(panel, panel)["change_learned"], 0, atol=1e-12)


def test_between_one_market_and_a_panel_the_whole_change_stands_undivided() -> None:
    table = drift_table(synthetic_fit(days=40), synthetic_panel_fit(days=40))

    assert violations("drift", table).empty
    assert table["change_from_media"].isna().all()
    np.testing.assert_allclose(table["change_learned"], table["change"])
