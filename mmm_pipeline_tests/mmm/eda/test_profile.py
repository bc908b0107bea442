"""The data profile says what is in the data, and finds what was put there to be found."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.mmm.eda.profile import LAGS, eda_profile
from mmm_pipeline.mmm.simulation.simulate import DEAD_CHANNEL, Market, market_rows, simulate_market
from mmm_pipeline.tables.catalog import violations

START = dt.date(2024, 1, 1)
HOLDOUT = START + dt.timedelta(days=112)
DAYS = 140


def _matrix(media: dict[str, Any], kpi: np.ndarray, start: dt.date = START) -> pd.DataFrame:
    """A media matrix with spend of one cent per media unit; the first channel's rows carry the KPI."""
    dates = pd.date_range(start, periods=len(kpi), freq="D")
    parts = [
        pd.DataFrame({"date": dates, "channel": name, "kind": "paid", "media_units": np.asarray(values, dtype=float)})
        for name, values in media.items()
    ]
    matrix = pd.concat(parts, ignore_index=True)
    matrix["spend"] = matrix["media_units"] * 0.01
    matrix["kpi"] = np.where(matrix["channel"] == next(iter(media)), np.tile(kpi, len(media)), 0.0)
    assert violations("media_matrix", matrix).empty
    return matrix


def _noise(seed: int, size: int = DAYS, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, scale, size)


def _media(seed: int, size: int = DAYS) -> np.ndarray:
    return 1000 * np.exp(_noise(seed, size, 0.5))


def _profile(media: dict[str, Any], kpi: np.ndarray, **options: Any) -> dict[str, Any]:
    return eda_profile(_matrix(media, kpi), holdout_start=HOLDOUT, **options)


def _codes(profile: dict[str, Any], channel: str | None = None) -> list[str]:
    return [row["code"] for row in profile["findings"] if channel is None or row["channel"] == channel]


def _market_matrix(market: Market) -> pd.DataFrame:
    rows = market_rows(market, dirty=False)
    rows["date"] = pd.to_datetime(rows["Date"])
    totals = rows.groupby(["date", "Ad group alias"])[["Impressions", "Spend", "Sales"]].sum()
    names = [*market.channel_names, DEAD_CHANNEL]
    index = pd.MultiIndex.from_product([pd.DatetimeIndex(market.dates), names])
    matrix = totals.reindex(index, fill_value=0.0).reset_index()
    matrix.columns = pd.Index(["date", "channel", "media_units", "spend", "kpi"])
    return matrix


def _within(low: float, high: float, seed: int) -> np.ndarray:
    """Noise without tails: nothing in it is an outlier."""
    return np.random.default_rng(seed).uniform(low, high, DAYS)


@pytest.fixture(scope="module")
def quiet() -> dict[str, Any]:
    return _profile({"Search": _within(600, 1400, 1), "Video": _within(600, 1400, 2)}, _within(450, 550, 3))


def test_totals_and_shares_are_those_of_the_matrix() -> None:
    matrix = _matrix({"Search": _media(1), "Video": _media(2)}, 500 + _noise(3, scale=20))
    profile = eda_profile(matrix, holdout_start=HOLDOUT)
    assert profile["totals"]["spend"] == pytest.approx(matrix["spend"].sum())
    assert profile["totals"]["kpi"] == pytest.approx(matrix["kpi"].sum())
    assert sum(row["spend_share"] for row in profile["channels"]) == pytest.approx(1.0)
    assert [row["cost_per_thousand"] for row in profile["channels"]] == pytest.approx([10.0, 10.0])
    assert profile["window"]["train_periods"] + profile["window"]["holdout_periods"] == DAYS


def test_quiet_data_gives_only_the_remark_on_the_short_window(quiet: dict[str, Any]) -> None:
    assert [code for code in _codes(quiet) if code != "short_window"] == []


def test_profile_is_plain_json(quiet: dict[str, Any]) -> None:
    assert json.loads(json.dumps(quiet, allow_nan=False)) == quiet


def test_row_order_of_the_matrix_does_not_matter() -> None:
    matrix = _matrix({"Search": _media(1), "Video": _media(2)}, 500 + _noise(3, scale=20))
    shuffled = matrix.sample(frac=1.0, random_state=0)
    assert eda_profile(shuffled, holdout_start=HOLDOUT) == eda_profile(matrix, holdout_start=HOLDOUT)


def test_channels_that_move_together_are_named_with_their_correlation() -> None:
    media = _media(1)
    twin = 2 * media * np.exp(_noise(4, scale=0.05))
    profile = _profile({"A": media, "B": twin, "C": _media(5)}, 500 + _noise(3))
    finding = next(row for row in profile["findings"] if row["code"] == "moves_together")
    assert (finding["channel"], finding["values"]["other_channel"]) == ("A", "B")
    assert finding["values"]["correlation"] == pytest.approx(np.corrcoef(media[:112], twin[:112])[0, 1])


def test_channel_that_is_the_sum_of_others_is_found_though_no_pair_is_correlated() -> None:
    parts = {name: _media(seed) for seed, name in enumerate("ABCD")}
    profile = _profile({**parts, "Sum": sum(parts.values())}, 500 + _noise(9))
    assert "moves_together" not in _codes(profile)
    assert "predictable_from_others" in _codes(profile, "Sum")
    assert all(row["vif"] is None and row["is_linear_combination"] for row in profile["channels"])


def test_vif_is_one_over_one_minus_r_squared() -> None:
    media = {"A": _media(1), "B": _media(2), "C": _media(3)}
    media["C"] = media["C"] + 0.8 * media["A"]
    profile = _profile(media, 500 + _noise(9))
    train = {name: values[:112] for name, values in media.items()}
    design = np.column_stack([np.ones(112), train["A"], train["B"]])
    residual = train["C"] - design @ np.linalg.lstsq(design, train["C"], rcond=None)[0]
    expected = train["C"].var() / residual.var()
    assert next(row["vif"] for row in profile["channels"] if row["channel"] == "C") == pytest.approx(expected)


@pytest.mark.parametrize("lag", [0, 4, 13])
def test_lag_at_which_the_kpi_answers_is_found(lag: int) -> None:
    media = _media(1, DAYS + 20)
    kpi = 500 + 0.2 * media[20 - lag : 20 - lag + DAYS] + _noise(3, scale=10)
    profile = _profile({"Search": media[20:], "Video": _media(2)}, kpi)
    row = profile["channels"][0]
    assert row["strongest_lag"] == lag
    assert row["strongest_correlation"] > 0.9
    assert len([r for r in profile["lagged_correlations"] if r["channel"] == "Search"]) == LAGS[Step.DAY]


def test_common_growth_alone_is_no_lagged_correlation() -> None:
    growth = np.linspace(1, 3, DAYS)
    profile = _profile({"Search": 1000 * growth + _noise(1, scale=50)}, 500 * growth + _noise(2, scale=10))
    assert abs(profile["channels"][0]["strongest_correlation"]) < 0.35


def test_kpi_spike_and_drop_are_found_on_their_days_in_spite_of_trend_and_weekday() -> None:
    day = np.arange(DAYS)
    kpi = 500 + 2 * day + 150 * (day % 7 == 5) + _within(-20, 20, 3)
    kpi[60] += 120
    kpi[90] -= 120
    profile = _profile({"Search": _media(1)}, kpi)
    by_code = {row["code"]: row["values"].get("dates") for row in profile["findings"]}
    assert by_code["kpi_spikes"] == [str(START + dt.timedelta(days=60))]
    assert by_code["kpi_drops"] == [str(START + dt.timedelta(days=90))]
    assert "trend" in by_code


def test_trend_is_the_slope_per_week_and_one_spike_does_not_move_it() -> None:
    kpi = 500 + 3.0 * np.arange(DAYS)
    kpi[10] = 50_000
    trend = _profile({"Search": _media(1)}, kpi)["kpi"]["trend"]
    assert trend["slope"] == pytest.approx(21.0, rel=1e-3)


def test_weekday_profile_shows_the_strong_day() -> None:
    kpi = np.where(np.arange(DAYS) % 7 == 5, 800.0, 500.0) + _noise(1)
    weekdays = {
        row["weekday"]: row["ratio_to_median"] for row in _profile({"Search": _media(1)}, kpi)["kpi"]["weekdays"]
    }
    assert max(weekdays, key=lambda name: weekdays[name]) == "Saturday"
    assert weekdays["Saturday"] == pytest.approx(1.6, rel=0.02)


def test_zero_days_of_the_kpi_are_listed() -> None:
    kpi = 500 + _noise(3)
    kpi[[5, 6]] = 0
    profile = _profile({"Search": _media(1)}, kpi)
    assert profile["kpi"]["zero_periods"] == ["2024-01-06", "2024-01-07"]
    assert "kpi_zero_periods" in _codes(profile)


def test_channel_without_activity_is_told_apart_from_one_with_few_days() -> None:
    rare = np.zeros(DAYS)
    rare[[3, 50, 80]] = 900
    profile = _profile({"Search": _media(1), "Dead": np.zeros(DAYS), "Rare": rare}, 500 + _noise(3))
    assert _codes(profile, "Dead") == ["no_activity"]
    assert "few_active_periods" in _codes(profile, "Rare")
    rows = {row["channel"]: row for row in profile["channels"]}
    assert (rows["Rare"]["first_active"], rows["Rare"]["last_active"]) == ("2024-01-04", "2024-03-21")
    assert rows["Dead"]["first_active"] is None
    assert rows["Dead"]["cost_per_thousand"] is None


def test_channel_active_only_in_the_holdout_has_no_activity_to_learn_from() -> None:
    late = np.where(np.arange(DAYS) >= 112, 1000.0, 0.0)
    assert _codes(_profile({"Search": _media(1), "Late": late}, 500 + _noise(3)), "Late") == ["no_activity"]


def test_nearly_constant_channel_is_not_identifiable() -> None:
    flat = 1000 + _noise(2, scale=20)
    assert "nearly_constant" in _codes(_profile({"Search": _media(1), "Flat": flat}, 500 + _noise(3)), "Flat")


def test_spend_spike_is_found_among_active_days_only() -> None:
    rng = np.random.default_rng(0)
    media = np.where(np.arange(DAYS) % 3 == 0, 0.0, 1000 * np.exp(rng.normal(0, 0.1, DAYS)))
    media[61] = 9000
    profile = _profile({"Search": media, "Video": _media(2)}, 500 + _noise(3))
    assert [(row["channel"], row["date"]) for row in profile["spend_outliers"]] == [("Search", "2024-03-02")]
    assert profile["spend_outliers"][0]["expected"] == pytest.approx(10.0, rel=0.2)


def test_spend_on_days_without_media_is_reported() -> None:
    matrix = _matrix({"Search": _media(1)}, 500 + _noise(3))
    matrix.loc[4, "media_units"] = 0
    matrix.loc[4, "spend"] = 99.0
    profile = eda_profile(matrix, holdout_start=HOLDOUT)
    finding = next(row for row in profile["findings"] if row["code"] == "spend_without_media")
    assert finding["values"] == {"spend": 99.0, "periods": 1}


@pytest.mark.parametrize(("season", "code"), [(365.0, "short_window"), (100.0, "one_season"), (60.0, ""), (None, "")])
def test_a_short_window_is_one_of_less_than_the_season_that_the_model_has(season: float | None, code: str) -> None:
    matrix = _matrix({"Search": _media(1)}, 500 + _noise(3))
    found = _codes(eda_profile(matrix, holdout_start=HOLDOUT, season_days=season))

    assert [c for c in found if c in ("short_window", "one_season")] == ([code] if code else [])


def test_markets_are_judged_by_themselves() -> None:
    matrix = _matrix({"Search": _media(1)}, 500 + _noise(3))
    south = matrix.assign(market="south", kpi=matrix["kpi"] / 100)
    south.loc[south["date"].eq(pd.Timestamp(START)), "kpi"] = 0.0
    south.loc[south["date"].ge(pd.Timestamp(HOLDOUT)), "kpi"] *= 2
    profile = eda_profile(
        matrix, holdout_start=HOLDOUT, series=pd.concat([matrix.assign(market="north"), south], ignore_index=True)
    )

    by_code = {row["code"]: row for row in profile["findings"]}
    assert by_code["market_zero_periods"]["values"] == {"markets": 1, "periods": 1, "names": ["south"]}
    assert by_code["market_level_shift"]["values"]["names"] == ["south"]
    assert "level_shift" not in by_code
    assert "kpi_zero_periods" not in by_code


def test_level_shift_of_the_holdout_is_reported() -> None:
    kpi = np.where(np.arange(DAYS) < 112, 500.0, 300.0) + _noise(3)
    finding = next(row for row in _profile({"Search": _media(1)}, kpi)["findings"] if row["code"] == "level_shift")
    assert finding["values"]["change"] == pytest.approx(-0.4, abs=0.01)


@pytest.mark.parametrize(("days", "code"), [(364, "short_window"), (365, "one_season"), (729, "one_season"), (730, "")])
def test_length_of_the_window_decides_what_is_said_of_seasonality(days: int, code: str) -> None:
    matrix = _matrix({"Search": _media(1, days)}, 500 + _noise(3, days))
    found = _codes(eda_profile(matrix, holdout_start=HOLDOUT))
    assert [c for c in found if c in ("short_window", "one_season")] == ([code] if code else [])


def test_rejected_rows_are_counted_by_reason() -> None:
    rejected = pd.DataFrame({"reason": ["negative spend", "unparseable date", "negative spend"]})
    profile = _profile({"Search": _media(1)}, 500 + _noise(3), rejected=rejected)
    assert profile["rejected"] == {
        "rows": 3,
        "reasons": [{"reason": "negative spend", "rows": 2}, {"reason": "unparseable date", "rows": 1}],
    }
    assert "rejected_rows" in _codes(profile)


def test_breakdown_shares_are_within_their_dimension() -> None:
    breakdown = pd.DataFrame(
        {
            "dimension": ["marketplace", "marketplace", "brand"],
            "value": ["Amazon", None, "Brand 1"],
            "rows": [10, 30, 40],
            "spend": [25.0, 75.0, 100.0],
            "media_units": [1.0, 3.0, 4.0],
            "kpi": [60.0, 40.0, 100.0],
        }
    )
    rows = _profile({"Search": _media(1)}, 500 + _noise(3), breakdown=breakdown)["breakdown"]
    assert [(row["dimension"], row["value"], row["spend_share"], row["kpi_share"]) for row in rows] == [
        ("brand", "Brand 1", 1.0, 1.0),
        ("marketplace", None, 0.75, 0.4),
        ("marketplace", "Amazon", 0.25, 0.6),
    ]


def test_breakdown_without_a_column_is_refused_by_name() -> None:
    with pytest.raises(ModelInputError, match="breakdown lacks rows, media_units"):
        _profile(
            {"Search": _media(1)},
            500 + _noise(3),
            breakdown=pd.DataFrame({"dimension": ["a"], "value": ["b"], "spend": [1.0], "kpi": [1.0]}),
        )


def test_warnings_come_before_remarks() -> None:
    kpi = 500 + _noise(3)
    kpi[60] += 100
    severities = [row["severity"] for row in _profile({"A": _media(1), "Dead": np.zeros(DAYS)}, kpi)["findings"]]
    assert severities == sorted(severities, key=["warning", "info"].index)
    assert set(severities) == {"warning", "info"}


def test_matrix_with_a_hole_is_refused_with_its_size() -> None:
    matrix = _matrix({"A": _media(1), "B": _media(2)}, 500 + _noise(3))
    with pytest.raises(ModelInputError, match="1 values of media_units are missing"):
        eda_profile(matrix.drop(index=5), holdout_start=HOLDOUT)


def test_holdout_over_everything_is_refused() -> None:
    with pytest.raises(ModelInputError, match="leaves nothing to learn from"):
        eda_profile(_matrix({"A": _media(1)}, 500 + _noise(3)), holdout_start=START)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), channels=st.integers(1, 6), days=st.integers(1, 40), zeros=st.booleans())
def test_any_contract_keeping_matrix_can_be_profiled(seed: int, channels: int, days: int, zeros: bool) -> None:
    rng = np.random.default_rng(seed)
    media = {f"C{number}": rng.integers(0, 3, days) * (0 if zeros else 1) for number in range(channels)}
    matrix = _matrix(media, rng.integers(0, 2, days).astype(float))
    profile = eda_profile(matrix, holdout_start=START + dt.timedelta(days=max(days - 5, 1)))
    json.dumps(profile, allow_nan=False)
    assert len(profile["channels"]) == channels


def test_demo_profile_names_the_twins_and_the_dead_channel() -> None:
    market = simulate_market()
    profile = eda_profile(_market_matrix(market), holdout_start=dt.date(2025, 7, 21))
    twins = profile["correlated_pairs"][0]
    patterns = {channel.name: channel.pattern for channel in market.channels}
    assert {patterns[twins["channel"]], patterns[twins["other_channel"]]} == {"pulsing", "follower"}
    assert _codes(profile, DEAD_CHANNEL) == ["no_activity"]


def test_real_export_profile_finds_black_friday_and_the_dead_ad_group(campaign_export: Path) -> None:
    rows = pd.read_excel(campaign_export)
    days = pd.date_range(rows["Date"].min(), rows["Date"].max())
    totals = rows.groupby(["Date", "Ad group alias"])[["Impressions", "Spend", "Sales"]].sum()
    index = pd.MultiIndex.from_product([days, sorted(rows["Ad group alias"].unique())])
    matrix = totals.reindex(index, fill_value=0.0).reset_index()
    matrix.columns = pd.Index(["date", "channel", "media_units", "spend", "kpi"])
    profile = eda_profile(matrix, holdout_start=dt.date(2021, 12, 15))
    assert "2021-11-26" in [row["date"] for row in profile["kpi"]["outliers"]]
    assert [row["channel"] for row in profile["findings"] if row["code"] == "no_activity"] == ["Brand 1 Ad Group 12"]
    assert profile["totals"]["spend"] == pytest.approx(222_617.764)
    assert profile["totals"]["kpi"] == pytest.approx(2_540_328.6075)
