"""Pictures: complete, legible at any number of channels, the same bytes every time, and never a box for a letter."""

from __future__ import annotations

import dataclasses
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mmm_pipeline.reporting.charts.catalog import CHART_NAMES, draw_charts
from mmm_pipeline.reporting.charts.drawing import fonts, style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, chart_context
from mmm_pipeline.reporting.results.tables import Language, ResultTables
from mmm_pipeline_tests.reporting.charts.drawn_figures import assert_legible, figures, texts
from mmm_pipeline_tests.reporting.conftest import WrittenReport
from mmm_pipeline_tests.reporting.synthetic_results import HOSTILE_NAMES, resting_on, synthetic_results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

needs_hangul = pytest.mark.skipif(fonts.hangul_font() is None, reason="no font with Hangul is installed")


@pytest.fixture
def no_hangul(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without any font that has Hangul."""
    monkeypatch.setattr(fonts, "HANGUL_FONTS", ())
    for cached in (fonts.hangul_font, fonts.say_that_hangul_is_missing):
        cached.cache_clear()
    yield
    fonts.hangul_font.cache_clear()


_OPTIONAL = (
    *("rolling_origins", "roi_by_market", "engine_comparison"),
    *("activity", "kpi_profile", "collinearity", "lagged_correlation"),
)
"""Charts whose tables the plain results lack."""


def test_every_chart_is_written_in_every_language_with_its_words(report: WrittenReport) -> None:
    plain = [name for name in CHART_NAMES if name not in _OPTIONAL]
    for charts in report.charts.values():
        assert tuple(chart.name for chart in charts) == tuple(plain)
        for chart in charts:
            assert chart.path.name == f"{chart.name}.png"
            assert all((chart.title, chart.caption, chart.alt))
            assert "{" not in chart.title + chart.caption + chart.alt


def test_pictures_are_sharp_small_and_without_metadata(report: WrittenReport) -> None:
    for chart in report.charts["en"]:
        assert chart.path.stat().st_size < 200_000
        with Image.open(chart.path) as picture:
            assert picture.width == 1600
            assert set(picture.info) <= {"dpi"}
            assert picture.convert("RGB").getpixel((2, 2)) == (255, 255, 255)


def test_the_same_tables_give_the_same_bytes(report: WrittenReport, tmp_path: Path) -> None:
    again = draw_charts(report.tables, tmp_path, "ko", ("response_curves", "budget"))
    first = {chart.name: chart.path.read_bytes() for chart in report.charts["ko"]}
    assert {chart.name: chart.path.read_bytes() == first[chart.name] for chart in again} == {
        "response_curves": True,
        "budget": True,
    }


def test_other_tables_give_other_pictures(report: WrittenReport, tmp_path: Path) -> None:
    other = synthetic_results(5, seed=1)
    (drawn,) = draw_charts(other, tmp_path, "en", ("roi",))
    assert drawn.path.read_bytes() != next(c for c in report.charts["en"] if c.name == "roi").path.read_bytes()


_MARKETS = ("Germany", "France", "The Netherlands and Belgium", "대한민국")
_CROWDED = ("roi_and_spend", "response_curves")  # of another layout at 20 than at 40


_ENGINES = ("LightweightMMM", "Meridian", "PyMC-Marketing", "An engine whose name is far too long for a legend")


@pytest.mark.parametrize(
    ("channels", "language", "names"), [(4, "ko", CHART_NAMES), (20, "ko", _CROWDED), (40, "en", CHART_NAMES)]
)
def test_nothing_overlaps_and_nothing_leaves_the_page(
    channels: int, language: Language, names: tuple[str, ...]
) -> None:
    for name, figure in figures(
        chart_context(synthetic_results(channels, windows=4, markets=_MARKETS, engines=_ENGINES), language), names
    ):
        assert_legible(name, figure)


@pytest.fixture(scope="module")
def hostile() -> tuple[ChartContext, dict[str, Figure]]:
    """Every chart in Korean, of channels as an attacker would name them."""
    context = chart_context(synthetic_results(HOSTILE_NAMES), "ko")
    return context, dict(figures(context))


def test_every_letter_drawn_exists_in_a_font(hostile: tuple[ChartContext, dict[str, Figure]]) -> None:
    context, drawn = hostile
    for name, figure in drawn.items():
        for text in texts(figure):
            line = text.get_text().replace("\n", " ")
            assert fonts.drawable(line, context.fonts) == " ".join(line.split()), f"{name}: {line!r}"


def test_hostile_names_stay_apart_and_draw_without_a_word_of_warning(tmp_path: Path) -> None:
    context = chart_context(synthetic_results(HOSTILE_NAMES), "en")
    assert len(set(context.labels.values())) == len(HOSTILE_NAMES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_charts(synthetic_results(HOSTILE_NAMES), tmp_path, "en", ("roi", "retention", "roi_and_spend"))


@needs_hangul
def test_korean_charts_have_korean_words(hostile: tuple[ChartContext, dict[str, Figure]]) -> None:
    for name, figure in hostile[1].items():
        assert any("가" <= letter <= "힣" for text in texts(figure) for letter in text.get_text()), name


@pytest.mark.usefixtures("no_hangul")
def test_without_a_hangul_font_the_picture_is_english_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tables = synthetic_results(["여름 세일", "검색 광고"])
    with caplog.at_level(logging.WARNING):
        (chart,) = draw_charts(tables, tmp_path, "ko", ("roi",))
    context = chart_context(tables, "ko")
    assert context.words.language == "en"
    assert set(context.labels.values()) == {"#1", "#2"}
    assert "한글 글꼴이 없어" in chart.caption
    assert "no font with Hangul" in caplog.text


@pytest.mark.usefixtures("no_hangul")
def test_english_charts_of_latin_names_say_nothing_of_hangul(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        draw_charts(synthetic_results(["Search", "Social"]), tmp_path, "en", ("roi",))
    assert caplog.text == ""


def test_a_family_without_a_bold_face_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    from matplotlib import font_manager

    fonts.families("en")
    with caplog.at_level(logging.WARNING):
        font_manager.findfont(font_manager.FontProperties(family=["DejaVu Sans"], weight=650))
    assert caplog.text == ""


def test_a_font_installed_after_matplotlib_made_its_list_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import font_manager

    hangul = fonts.hangul_font()
    if hangul is None:
        pytest.skip("no font with Hangul is installed")
    without = [e for e in font_manager.fontManager.ttflist if e.name not in fonts.HANGUL_FONTS]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", without)
    fonts.hangul_font.cache_clear()
    try:
        assert fonts.hangul_font() is not None
    finally:
        fonts.hangul_font.cache_clear()


def test_the_look_does_not_depend_on_the_users_matplotlib_settings(report: WrittenReport, tmp_path: Path) -> None:
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30, "lines.linewidth": 9}):
        (chart,) = draw_charts(report.tables, tmp_path, "en", ("marginal_roi",))
        assert matplotlib.rcParams["font.size"] == 30
    first = next(c for c in report.charts["en"] if c.name == "marginal_roi")
    assert chart.path.read_bytes() == first.path.read_bytes()


def test_pyplot_is_not_touched(report: WrittenReport) -> None:
    import matplotlib.pyplot as plt

    assert report.charts
    assert plt.get_fignums() == []


def _replaced(tables: ResultTables, name: str, **columns: object) -> ResultTables:
    return dataclasses.replace(tables, **{name: getattr(tables, name).assign(**columns)})


def test_a_vast_interval_does_not_flatten_the_others() -> None:
    tables = synthetic_results(10)
    high = tables.attribution["roi_high"].to_numpy().copy()
    high[3] = 5_000.0
    context = chart_context(_replaced(tables, "attribution", roi_high=high), "en")
    ((_, figure),) = figures(context, ("roi",))
    (axes,) = figure.axes
    assert axes.get_xlim()[1] < 100
    assert any("5,000" in text.get_text() for text in texts(figure))


def test_missing_figures_are_told_and_do_not_stop_a_chart() -> None:
    tables = synthetic_results(4)
    nothing = pd.Series([np.nan, 1.2, 0.8, 1.1])
    tables = _replaced(
        tables, "attribution", spend=[0.0, 5.0, 5.0, 5.0], roi=nothing, roi_low=nothing, roi_high=nothing
    )
    tables = _replaced(tables, "leaderboard", mape=tables.leaderboard["mape"].where(lambda m: m.index != 8))
    drawn = dict(figures(chart_context(tables, "en"), ("roi", "leaderboard", "contribution", "roi_and_spend")))
    assert any("no spend" in text.get_text() for text in texts(drawn["roi"]))
    assert any(text.get_text() == "not converged" for text in texts(drawn["leaderboard"]))


def test_the_steps_of_a_waterfall_are_seen_at_forty_channels_and_end_at_the_fitted_total() -> None:
    tables = synthetic_results(40)
    ((_, figure),) = figures(chart_context(tables, "en"), ("waterfall",))
    (axes,) = figure.axes
    assert "other channels (26)" in [label.get_text() for label in axes.get_yticklabels()]
    ends = [patch.get_x() + patch.get_width() for patch in axes.patches]
    assert ends[-1] == pytest.approx(tables.contribution_over_time["mean"].sum())
    assert ends[-2] == pytest.approx(ends[-1])


def test_a_proposal_beyond_anything_tried_is_marked() -> None:
    tables = synthetic_results(6)
    curves = tables.response_curves
    dearest = tables.budget_plan.sort_values("optimal_spend")["channel"].iloc[-1]
    untried = curves["is_extrapolated"] | ((curves["channel"] == dearest) & (curves["spend"] > 0))
    within, beyond = (
        dict(figures(chart_context(_replaced(tables, "response_curves", is_extrapolated=flags), "en"), ("budget",)))
        for flags in (False, untried)
    )
    assert "proposed, beyond the data" not in [text.get_text() for text in texts(within["budget"])]
    assert "proposed, beyond the data" in [text.get_text() for text in texts(beyond["budget"])]


def test_a_channel_without_spend_has_no_relative_change() -> None:
    tables = synthetic_results(4)
    plan = tables.budget_plan
    nothing = plan["current_spend"].where(plan.index != 2, 0.0)
    ((_, figure),) = figures(chart_context(_replaced(tables, "budget_plan", current_spend=nothing), "en"), ("budget",))
    assert [text.get_text() for text in texts(figure)].count("nothing spent now") == 1


def test_a_plan_of_another_total_is_not_compared_with_what_is_called_now(tmp_path: Path) -> None:
    tables = synthetic_results(3)
    dearer = _replaced(tables, "budget_summary", total_today=tables.budget_summary["total"] / 1.2)
    (same,) = draw_charts(tables, tmp_path, "en", ("budget",))
    (other,) = draw_charts(dearer, tmp_path, "en", ("budget",))
    assert "Today costs" not in same.caption
    assert f"Today costs USD {tables.budget_summary['total'].iloc[0] / 1.2:,.0f}" in other.caption
    for name, figure in figures(chart_context(dearer, "en"), ("budget", "marginal_roi")):
        assert "today's split at this total" in [text.get_text() for text in texts(figure)], name


def test_every_forecast_without_a_model_has_its_bar() -> None:
    tables = synthetic_results(3)
    ((_, figure),) = figures(chart_context(tables, "en"), ("leaderboard",))
    (axes,) = figure.axes
    lengths = sorted(patch.get_width() for patch in axes.patches)
    mapes = [*tables.leaderboard["mape"], *tables.naive_forecasts["mape"]]
    assert lengths == pytest.approx(sorted(mapes))


def test_a_first_run_has_no_picture_of_changes_not_even_an_old_one(tmp_path: Path) -> None:
    (drawn,) = draw_charts(synthetic_results(3), tmp_path, "en", ("drift",))
    assert drawn.path.is_file()
    assert draw_charts(synthetic_results(3, refreshed=False), tmp_path, "en", ("drift",)) == []
    assert not drawn.path.exists()


def test_advice_that_turned_round_without_support_stands_out() -> None:
    tables = synthetic_results(5)
    supported = _replaced(tables, "drift", recommendation="same")
    told = [
        [text.get_text() for text in texts(figure)]
        for shown in (tables, supported)
        for _, figure in figures(chart_context(shown, "en"), ("drift",))
    ]
    assert ["advice reversed without support" in texts for texts in told] == [True, False]


def test_channels_that_came_or_went_are_named_in_the_picture_of_changes() -> None:
    tables = synthetic_results(4)
    drift = tables.drift.copy()
    drift.loc[0, ["roi_now", "change", "change_learned", "change_mcse"]] = np.nan
    drift.loc[0, ["channel", "verdict"]] = ["Brand 9 closed", "gone"]
    drift.loc[1, ["roi_before", "change", "change_learned", "change_mcse", "plan_before", "spend_before"]] = np.nan
    drift.loc[1, "verdict"] = "new_channel"
    context = chart_context(dataclasses.replace(tables, drift=drift), "en")
    ((_, figure),) = figures(context, ("drift",))
    told = [text.get_text() for text in texts(figure)]
    assert {"Brand 9 closed", "gone", "new"} <= set(told)


def test_the_histograms_of_the_predictive_check_count_every_day() -> None:
    tables = synthetic_results(2, days=120)
    ((_, figure),) = figures(chart_context(tables, "en"), ("predictive_check",))
    counted = [sum(bar.get_height() for bar in axes.containers[0]) for axes in figure.axes[1:]]
    assert counted == [92, 28]


def test_chains_that_disagree_leave_the_band_of_ranks() -> None:
    from matplotlib.patches import Rectangle, StepPatch

    ((_, figure),) = figures(chart_context(synthetic_results(2), "en"), ("traces",))
    highest = {}
    for position, axes in ((0, figure.axes[1]), (3, figure.axes[7])):
        (band,) = (patch for patch in axes.patches if isinstance(patch, Rectangle))
        lines = [patch for patch in axes.patches if isinstance(patch, StepPatch)]
        assert len(lines) == 4
        highest[position] = max(line.get_data().values.max() for line in lines) / (band.get_y() + band.get_height())
    assert highest[0] > 2 > highest[3]


def test_a_channel_the_data_is_silent_about_looks_so() -> None:
    tables = synthetic_results(6)
    context = chart_context(resting_on(tables, [0.9, 0.1, 0.1, 0.1, 0.1, 0.1]), "en")
    ((_, figure),) = figures(context, ("prior_posterior",))
    silent = [
        axes.get_title(loc="left") for axes in figure.axes for line in axes.lines if line.get_color() == style.GREY
    ]
    assert silent == [context.labels[tables.attribution["channel"].iloc[0]]]


@pytest.mark.parametrize(("error", "words"), [("wape", "15.0%"), ("crps", "95")])
def test_the_leaderboard_shows_the_error_that_ranks(error: str, words: str) -> None:
    tables = synthetic_results(2, settings={"ranking": {"error": error}})
    tables = _replaced(tables, "leaderboard", **{error: 0.15 if error == "wape" else 95.0})
    ((_, figure),) = figures(chart_context(tables, "en"), ("leaderboard",))
    told = [text.get_text() for text in texts(figure)]
    assert sum(text.startswith(words) for text in told) == len(tables.leaderboard)
    assert any(error.upper() in text for text in told)


def test_every_forecast_window_has_its_mark() -> None:
    tables = synthetic_results(2, windows=3)
    ((_, figure),) = figures(chart_context(tables, "en"), ("rolling_origins",))
    (axes,) = figure.axes
    shown = sorted(float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() not in ("None", "|"))
    singles = tables.rolling_origins[~tables.rolling_origins["is_pooled"]]
    assert shown == pytest.approx(sorted(singles["mape"]))
    hollow = [line for line in axes.lines if line.get_color() == "white"]
    assert len(hollow) == (~singles["converged"]).sum() == 1


def test_channels_in_dispute_between_models_stand_out() -> None:
    tables = synthetic_results(8)
    context = chart_context(tables, "en")
    ((_, figure),) = figures(context, ("spec_agreement",))
    (axes,) = figure.axes
    bold = {label.get_text() for label in axes.get_yticklabels() if label.get_fontweight() == "bold"}
    disputed = tables.spec_agreement.loc[tables.spec_agreement["verdict"] != "agree", "channel"]
    assert bold == {context.labels[name] for name in disputed}


def test_channels_on_which_engines_contradict_stand_out_and_every_engine_has_its_dot() -> None:
    tables = synthetic_results(5, engines=("Peer", "Other"))
    context = chart_context(tables, "en")
    ((_, figure),) = figures(context, ("engine_comparison",))
    (axes,) = figure.axes
    bold = [label.get_text() for label in axes.get_yticklabels() if label.get_fontweight() == "bold"]
    assert bold == [context.labels[tables.attribution["channel"].iloc[0]]]
    dots = [line for line in axes.lines if line.get_marker() in ("D", "o", "s")]
    assert len(dots) == 3 * 5


def test_every_market_has_its_dot_beside_all_markets() -> None:
    tables = synthetic_results(3, markets=("north", "south"))
    context = chart_context(tables, "en")
    ((_, figure),) = figures(context, ("roi_by_market",))
    assert len(figure.axes) == 3
    by_place = tables.attribution_by_market.set_index(["channel", "market"])["roi"]
    for axes, channel in zip(figure.axes, context.labels, strict=True):
        markets, pooled = (line.get_xdata() for line in axes.lines[:2])
        np.testing.assert_allclose(markets, [by_place.get((channel, name), np.nan) for name in ("north", "south")])
        np.testing.assert_allclose(pooled, tables.attribution.set_index("channel").at[channel, "roi"])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["north", "south", "all markets"]


def test_of_many_markets_the_largest_are_shown_and_the_picture_says_so() -> None:
    tables = synthetic_results(2, markets=[f"market {position}" for position in range(30)])
    ((_, figure),) = figures(chart_context(tables, "en"), ("roi_by_market",))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [*(f"market {position}" for position in range(11)), "all markets"]
    assert any("The 11 of 30 markets" in text.get_text() for text in texts(figure))


def test_one_spec_alone_cannot_disagree() -> None:
    alone = _replaced(synthetic_results(2), "spec_agreement", specs=1, verdict="single_spec")
    assert list(figures(chart_context(alone, "en"), ("spec_agreement",))) == []


def test_the_spend_of_half_saturation_is_marked_where_a_curve_has_one() -> None:
    tables = synthetic_results(3)
    curves = tables.response_curves
    first = (curves["channel"] == curves["channel"].iloc[0]) & (curves["spend"] == curves["spend"].iloc[5])
    marked = _replaced(tables, "response_curves", is_half_saturation=first)
    ((_, plain),), ((_, figure),) = (
        figures(chart_context(shown, "en"), ("response_curves",)) for shown in (tables, marked)
    )
    assert "half of its ceiling" not in [text.get_text() for text in texts(plain)]
    assert "half of its ceiling" in [text.get_text() for text in texts(figure)]


def test_three_years_of_days_stay_legible() -> None:
    context = chart_context(synthetic_results(5, days=1095), "en")
    ((_, figure),) = figures(context, ("kpi_forecast",))
    (axes,) = figure.axes
    low, high = axes.get_xlim()
    assert high - low < 200
    assert any("The last" in text.get_text() for text in texts(figure))


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    (first,) = draw_charts(synthetic_results(2), tmp_path, "en", ("leaderboard",))
    draw_charts(synthetic_results(3), tmp_path, "en", ("leaderboard",))
    Image.open(io.BytesIO(first.path.read_bytes())).verify()
    assert [file.name for file in tmp_path.iterdir()] == ["leaderboard.png"]
