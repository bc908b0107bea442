"""What the models see: split, channel rules, scaling, extra features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mmm_pipeline.errors import CampaignDataError, SettingsError
from mmm_pipeline.ingestion.input_warnings import input_warnings
from mmm_pipeline.ingestion.model_inputs import build_model_inputs
from mmm_pipeline.mmm.data.model_data import train_data
from mmm_pipeline.settings.pipeline import EventDates, Settings, parse_settings

DAYS, HOLDOUT = 70, 28
TRAIN = DAYS - HOLDOUT
DATES = pd.date_range("2025-01-01", periods=DAYS)


def matrix(seed: int = 0, channels: tuple[str, ...] = ("A", "B", "C")) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    count = DAYS * len(channels)
    return pd.DataFrame(
        {
            "date": np.repeat(DATES, len(channels)),
            "channel": list(channels) * DAYS,
            "kind": "paid",
            "media_units": rng.gamma(2.0, 500.0, count),
            "spend": rng.gamma(2.0, 5.0, count),
            "kpi": rng.gamma(9.0, 10.0, count),
        }
    )


def settings(**sections: Any) -> Settings:
    return parse_settings(sections)


def with_values(table: pd.DataFrame, channel: str, where: slice = slice(None), **values: float) -> pd.DataFrame:
    """`table` with values of one channel replaced on a slice of the days."""
    table = table.copy()
    rows = table["channel"].eq(channel) & table["date"].isin(DATES[where])
    for column, value in values.items():
        table.loc[rows, column] = value
    return table


def test_the_dataset_has_series_in_original_units() -> None:
    table = matrix()
    dataset, excluded = build_model_inputs(table, settings())

    assert dict(dataset.sizes) == {"time": DAYS, "channel": 3}
    assert excluded.empty
    assert dataset.attrs == {"start": "2025-01-01", "end": "2025-03-11", "holdout_start": "2025-02-12"}
    of_b = table[table["channel"] == "B"]
    np.testing.assert_array_equal(dataset["media"].sel(channel="B"), of_b["media_units"])
    np.testing.assert_array_equal(dataset["spend"].sel(channel="B"), of_b["spend"])
    np.testing.assert_allclose(dataset["kpi"], table.groupby("date")["kpi"].sum())


def test_the_order_of_the_rows_does_not_matter() -> None:
    shuffled = matrix().sample(frac=1, random_state=1)

    xr.testing.assert_identical(
        build_model_inputs(shuffled, settings())[0], build_model_inputs(matrix(), settings())[0]
    )


def test_scaled_series_have_mean_one_over_the_train_window() -> None:
    dataset, _ = build_model_inputs(matrix(), settings())
    data = train_data(dataset)

    np.testing.assert_allclose(data.media.mean(axis=1), 1.0)
    np.testing.assert_allclose(data.kpi.mean(axis=1), 1.0)
    np.testing.assert_allclose(data.media_units[0], dataset["media"][:TRAIN])
    np.testing.assert_allclose(data.total_kpi, dataset["kpi"][:TRAIN])


@given(st.integers(0, 10_000), st.floats(1e-3, 1e6))
@hypothesis_settings(max_examples=40, deadline=None)
def test_holdout_values_never_touch_train_values_or_scalers(seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    table = matrix()
    features = pd.DataFrame({"date": DATES, "price": rng.normal(size=DAYS)})
    held_out = table["date"] >= DATES[TRAIN]
    changed = table.copy()
    for column in ("media_units", "spend", "kpi"):
        changed.loc[held_out, column] = rng.random(int(held_out.sum())) * size
    other_features = features.copy()
    other_features.loc[TRAIN:, "price"] = rng.normal(size=HOLDOUT) * size
    never_leaking = settings(controls={"max_leakage_r2": 1.0})

    before, excluded_before = build_model_inputs(table, never_leaking, features)
    after, excluded_after = build_model_inputs(changed, never_leaking, other_features)

    for name in ("media_scale", "kpi_scale", "feature_scale"):
        np.testing.assert_array_equal(getattr(train_data(before), name), getattr(train_data(after), name))
    xr.testing.assert_identical(before.isel(time=slice(TRAIN)), after.isel(time=slice(TRAIN)))
    pd.testing.assert_frame_equal(excluded_before, excluded_after)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"media_units": 0.0, "spend": 0.0}, "no media and no spend in the 42 days before the holdout"),
        ({"spend": 0.0}, "no spend in the 42 days before the holdout"),
        ({"media_units": 0.0}, "no media in the 42 days before the holdout"),
    ],
)
def test_a_channel_without_media_or_spend_in_train_is_left_out(values: dict[str, float], reason: str) -> None:
    table = with_values(matrix(), "B", slice(TRAIN), **values)
    dataset, excluded = build_model_inputs(table, settings())

    assert excluded[["channel", "reason"]].to_numpy().tolist() == [["B", reason]]
    assert dataset["channel"].to_numpy().tolist() == ["A", "C"]


def test_the_kpi_of_an_excluded_channel_still_counts() -> None:
    dataset, _ = build_model_inputs(matrix(), settings(channels={"exclude": ["B"]}))

    np.testing.assert_allclose(dataset["kpi"], matrix().groupby("date")["kpi"].sum())


def test_a_channel_with_few_active_days_or_little_spend_is_left_out_when_rules_say_so() -> None:
    table = with_values(matrix(), "A", slice(3, TRAIN), media_units=0.0)
    table = with_values(table, "B", slice(TRAIN), spend=0.25)
    rules = settings(channels={"min_active_periods": 4, "min_spend": 10.5})

    _, excluded = build_model_inputs(table, rules)

    assert excluded[["channel", "reason"]].to_numpy().tolist() == [
        ["A", "active in 3 of the 42 days before the holdout, fewer than channels.min_active_periods = 4"],
        ["B", "spend of 10.50 in the 42 days before the holdout, not above channels.min_spend = 10.50"],
    ]


def test_the_exclude_list_is_obeyed() -> None:
    _, excluded = build_model_inputs(matrix(), settings(channels={"exclude": ["C"]}))

    assert excluded[["channel", "reason"]].to_numpy().tolist() == [["C", "named in channels.exclude"]]


def test_an_unknown_name_in_the_exclude_list_is_an_error_with_the_closest_names() -> None:
    table = matrix(channels=("Search Generic", "Video"))

    with pytest.raises(
        SettingsError, match=r"'Search Genric', which is no channel of the data; closest: 'Search Generic'"
    ):
        build_model_inputs(table, settings(channels={"exclude": ["Search Genric"]}))


def test_no_channel_left_is_an_error() -> None:
    with pytest.raises(CampaignDataError, match=r"no channel is left for the model: A: named in channels\.exclude; B"):
        build_model_inputs(matrix(), settings(channels={"exclude": ["A", "B", "C"]}))


def test_features_are_aligned_to_the_days_of_the_window() -> None:
    calendar = pd.date_range("2024-12-01", "2025-06-30")
    features = pd.DataFrame({"date": calendar, "holiday": calendar.day == 1, "price": np.arange(len(calendar)) - 40.0})
    dataset, _ = build_model_inputs(matrix(), settings(), features.sample(frac=1, random_state=0))

    assert dataset["feature"].to_numpy().tolist() == ["holiday", "price"]
    np.testing.assert_array_equal(dataset["feature_values"].sel(feature="price"), np.arange(DAYS) - 9.0)
    np.testing.assert_allclose(abs(train_data(dataset).feature_values[0]).mean(axis=0), 1.0)


def test_a_day_without_features_is_an_error() -> None:
    features = pd.DataFrame({"date": DATES.delete([5, 6]), "price": 1.0})

    with pytest.raises(CampaignDataError, match=r"miss 2 day\(s\) of 2025-01-01 to 2025-03-11: 2025-01-06, 2025-01-07"):
        build_model_inputs(matrix(), settings(), features)


def test_a_feature_made_from_the_kpi_is_refused() -> None:
    kpi = matrix().groupby("date")["kpi"].sum()
    noise = np.random.default_rng(0).normal(0, 0.1 * kpi.std() / 10, DAYS)
    features = pd.DataFrame({"date": DATES, "organic": kpi.to_numpy() / 10 + noise})

    with pytest.raises(CampaignDataError, match="feature 'organic' is practically a copy of the KPI"):
        build_model_inputs(matrix(), settings(), features)


def test_a_feature_that_moves_with_the_kpi_is_asked_about_and_the_setting_answers() -> None:
    kpi = matrix().groupby("date")["kpi"].sum()
    noise = np.random.default_rng(0).normal(0, 0.7 * kpi.std(), DAYS)
    features = pd.DataFrame({"date": DATES, "theirs": kpi.to_numpy() + noise})

    with pytest.raises(CampaignDataError, match=r"Is it known before the day.* controls\.independent: \[theirs\]"):
        build_model_inputs(matrix(), settings(), features)
    dataset, _ = build_model_inputs(matrix(), settings(controls={"independent": ["theirs"]}), features)
    assert dataset["feature"].to_numpy().tolist() == ["theirs"]
    with pytest.raises(SettingsError, match=r"controls\.independent names 'their', which is no feature of the data"):
        build_model_inputs(matrix(), settings(controls={"independent": ["their"]}), features)


@pytest.mark.parametrize("before", [0.0, 5.0])
def test_a_feature_that_does_not_vary_before_the_holdout_is_left_out_and_said(before: float) -> None:
    stock = np.where(np.arange(DAYS) < TRAIN, before, 5000.0)
    rng = np.random.default_rng(1)
    features = pd.DataFrame({"date": DATES, "stock": stock, "price": rng.normal(size=DAYS)})
    chosen = settings(controls={"signs": {"stock": "positive"}})
    dataset, excluded = build_model_inputs(matrix(), chosen, features)

    assert dataset["feature"].to_numpy().tolist() == ["price"]
    [told] = [line for line in input_warnings(dataset, excluded, chosen) if "stock" in line]
    assert f"the feature 'stock' is {before:g} on all 42 days before the holdout, and up to 5000 in it" in told


def test_a_feature_of_one_value_leaves_no_feature() -> None:
    dataset, _ = build_model_inputs(matrix(), settings(), pd.DataFrame({"date": DATES, "constant": 1.0}))

    assert "feature" not in dataset.dims
    assert "is 1 on all 42 days before the holdout: nothing" in dataset.attrs["features_left_out"]


def test_a_feature_far_outside_what_was_learned_from_is_said() -> None:
    stock = np.where(np.arange(DAYS) < TRAIN, np.arange(DAYS) % 2, 50.0)
    steady = 100.0 + np.random.default_rng(0).normal(size=DAYS)
    features = pd.DataFrame({"date": DATES, "stock": stock, "steady": steady})
    chosen = settings(model={"degrees": [0]})

    [told] = input_warnings(*build_model_inputs(matrix(), chosen, features), chosen)
    assert "the feature 'stock' goes far beyond what was learned from: 50 in the holdout, at most 1 before" in told


def test_the_dataset_survives_netcdf(tmp_path: Any) -> None:
    features = pd.DataFrame({"date": DATES, "price": 1.0})
    dataset, _ = build_model_inputs(matrix(channels=("🚀 é", "B")), settings(), features)
    dataset.to_netcdf(tmp_path / "inputs.nc", engine="h5netcdf")

    xr.testing.assert_identical(xr.load_dataset(tmp_path / "inputs.nc", engine="h5netcdf"), dataset)


SALE = EventDates(event="Sale", dates=(DATES[5].date(),), days_after=1)


def test_events_are_features_of_zeros_and_ones_that_are_not_scaled() -> None:
    price = pd.DataFrame({"date": DATES, "Price": np.linspace(3.0, 5.0, DAYS)})

    dataset, _ = build_model_inputs(matrix(), settings(), price, (SALE,))
    data = train_data(dataset)

    assert data.features == ("Price", "Sale")
    assert data.events == ("Sale",)
    assert data.feature_scale[0, 1] == 1.0
    np.testing.assert_array_equal(np.flatnonzero(data.feature_values[0, :, 1]), [5, 6])
    assert set(data.feature_values[0, :, 1]) == {0.0, 1.0}


def test_an_event_with_the_name_of_a_feature_is_refused() -> None:
    sale = pd.DataFrame({"date": DATES, "Sale": np.linspace(3.0, 5.0, DAYS)})
    with pytest.raises(CampaignDataError, match=r"'Sale' is a feature and an event"):
        build_model_inputs(matrix(), settings(), sale, (SALE,))


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"priors": {"roi": {"AA": {"mean": 1, "sd": 1}}}}, r"priors\.roi names 'AA'.*closest: 'A'"),
        (
            {"priors": {"lift_tests": [{"channel": "X", "spend": 1, "incremental_kpi": 1, "standard_error": 1}]}},
            r"priors\.lift_tests names 'X'.*channels: 'A', 'B', 'C'",
        ),
        ({"controls": {"signs": {"Sales": "positive"}}}, r"controls\.signs names 'Sales'.*closest: 'Sale'"),
    ],
)
def test_a_belief_on_what_the_data_does_not_have_is_refused(sections: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        build_model_inputs(matrix(), settings(**sections), None, (SALE,))


def test_warnings_name_short_seasons_unused_beliefs_and_unseen_events() -> None:
    late = EventDates(event="Late", dates=(DATES[-1].date(),))
    chosen = settings(priors={"roi": {"A": {"mean": 1, "sd": 1}}}, channels={"exclude": ["A"]})
    dataset, excluded = build_model_inputs(matrix(), chosen, None, (SALE, late))

    season, belief, event = input_warnings(dataset, excluded, chosen)

    assert "42 days before the holdout span less than one season of 365 days" in season
    assert "'A'" in belief
    assert "'Late'" in event


def test_nothing_is_warned_of_without_seasons_beliefs_and_events() -> None:
    chosen = settings(model={"degrees": [0]})
    assert input_warnings(*build_model_inputs(matrix(), chosen), chosen) == []


def warned(table: pd.DataFrame, markets: pd.DataFrame | None = None, **sections: Any) -> list[str]:
    """Warnings without that of a short season."""
    chosen = settings(model={"degrees": [0]}, **sections)
    return input_warnings(*build_model_inputs(table, chosen, None, (), markets), chosen)


def last_day(table: pd.DataFrame, **values: float) -> pd.DataFrame:
    table = table.copy()
    for column, value in values.items():
        table.loc[table["date"].eq(DATES[-1]), column] = value
    return table


@pytest.mark.parametrize("kpi", [1.0, 20.0])
def test_an_unfinished_last_day_is_said(kpi: float) -> None:
    [told] = warned(last_day(matrix(), kpi=kpi))

    assert f"the last day, 2025-03-11, looks unfinished: media ran and the KPI is {3 * kpi:g}, while" in told
    assert "split.as_of: 2025-03-10" in told


def test_a_last_day_without_media_or_with_a_usual_kpi_is_no_unfinished_one() -> None:
    assert warned(last_day(matrix(), kpi=1.0, media_units=0.0)) == []
    assert warned(last_day(matrix(), kpi=70.0)) == []
    assert any(
        "there is no media and the KPI is 0" in told for told in warned(last_day(matrix(), kpi=0, media_units=0))
    )


def test_days_without_kpi_are_said() -> None:
    table = matrix()
    table.loc[table["date"].isin(DATES[[3, 9]]), "kpi"] = 0.0

    [told] = warned(table)
    assert told.startswith("the KPI is 0 on 2 of 70 days: 2025-01-04, 2025-01-10. Is the data complete?")


def test_every_market_is_judged_as_the_total_is() -> None:
    apart = by_market(north=0.75, south=0.25, South=0.1)
    of_south = apart["market"].eq("south")
    apart.loc[of_south & apart["date"].eq(DATES[3]), "kpi"] = 0.0
    apart.loc[of_south & apart["date"].ge(DATES[TRAIN]), "kpi"] *= 3
    apart.loc[apart["market"].eq("North") & apart["date"].eq(DATES[-1]), "kpi"] = 0.0

    zero, shift, alike = warned(matrix(), apart)
    assert zero.startswith("the KPI of market 'south' is 0 on 1 of 70 days: 2025-01-04")
    assert shift.startswith("the mean KPI of market 'south' in the holdout is")
    assert "above that of the time before" in shift
    assert "markets 'South', 'south' differ in case" in alike


def test_a_market_with_a_constant_kpi_is_refused_as_all_rows_are() -> None:
    apart = by_market(north=0.75, south=0.25)
    apart.loc[apart["market"].eq("south"), "kpi"] = 5.0

    with pytest.raises(CampaignDataError, match=r"is the same on all 70 days, .*, of market 'south'"):
        build_model_inputs(matrix(), settings(), None, (), apart)


def placeholder(spend: float) -> pd.DataFrame:
    return with_values(matrix(), "C", spend=spend)


def test_a_placeholder_of_spend_is_said_with_what_it_does_to_the_prior() -> None:
    [told] = warned(placeholder(0.001))

    assert told.startswith("channel 'C' spent 0.04 in the 42 days before the holdout ")
    assert "channels.exclude" in told
    assert "controls.source" in told
    belief = {"roi": {"C": {"mean": 1, "sd": 1}}}
    assert warned(placeholder(0.001), priors=belief) == []
    assert warned(placeholder(3.0)) == []
    assert warned(with_values(matrix(), "C", spend=0.003, media_units=1.0), channels={"exclude": ["C"]}) == []


def test_a_channel_silent_in_a_market_has_a_scale_that_fits_its_later_media() -> None:
    """Channel A begins in the south in the holdout, with as much media per KPI as in the north."""
    apart = by_market(north=0.75, south=0.25)
    own = matrix().assign(market="south")
    own[["media_units", "spend", "kpi"]] *= 0.25
    late = own.loc[own["channel"].eq("A") & own["date"].ge(DATES[TRAIN])]
    dataset, _ = build_model_inputs(matrix(), settings(), None, (), pd.concat([apart, late.assign(kpi=0.0)]))
    data = train_data(dataset)

    of_north, of_south = data.media_scale[:, 0]
    np.testing.assert_allclose(of_south, of_north * data.kpi_scale[1] / data.kpi_scale[0])
    assert not data.media[1, :, 0].any()
    later = dataset["media"].sel(market="south", channel="A")[TRAIN:] / of_south
    assert 0 < later.mean() < 3


def by_market(**scale: float) -> pd.DataFrame:
    """The matrix in several markets, each its own multiple of it; channel A is in the first one only."""
    tables = [
        matrix().assign(market=name).assign(**{c: matrix()[c] * times for c in ("media_units", "spend", "kpi")})
        for name, times in scale.items()
    ]
    others = pd.concat(tables[1:]) if len(tables) > 1 else tables[0].iloc[:0]
    return pd.concat([tables[0], others.loc[others["channel"].ne("A")]], ignore_index=True)


def test_markets_have_their_own_series_and_scales() -> None:
    apart = by_market(north=0.75, south=0.25)
    dataset, _ = build_model_inputs(matrix(), settings(), None, (), apart)

    assert dataset["media"].dims == ("market", "time", "channel")
    assert dataset["kpi"].dims == ("market", "time")
    data = train_data(dataset)
    assert data.markets == ("north", "south")
    assert not data.media[1, :, 0].any()
    np.testing.assert_allclose(data.media[0].mean(axis=0), 1.0)
    np.testing.assert_allclose(data.media[1, :, 1:].mean(axis=0), 1.0)
    np.testing.assert_allclose(data.kpi.mean(axis=1), 1.0)
    np.testing.assert_allclose(data.media_scale[0], 0.75 * matrix().pivot(
        index="date", columns="channel", values="media_units").iloc[:TRAIN].mean())  # fmt: skip


def test_one_market_only_is_refused() -> None:
    with pytest.raises(CampaignDataError, match=r"columns\.market has one value only, 'north'"):
        build_model_inputs(matrix(), settings(), None, (), by_market(north=1.0))


def test_a_market_without_kpi_before_the_holdout_is_refused() -> None:
    apart = by_market(north=0.75, south=0.25)
    apart.loc[apart["market"].eq("south") & apart["date"].isin(DATES[:TRAIN]), "kpi"] = 0.0
    with pytest.raises(CampaignDataError, match=r"market 'south' has a KPI of 0 on every day before the holdout"):
        build_model_inputs(matrix(), settings(), None, (), apart)
