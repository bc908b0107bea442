"""Pictures of the data before any model: every figure from the profile or the media matrix, legible at any size."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from markupsafe import escape

from mmm_pipeline.reporting.charts.catalog import draw_charts
from mmm_pipeline.reporting.charts.drawing import fonts
from mmm_pipeline.reporting.charts.drawing.context import chart_context
from mmm_pipeline.reporting.results.tables import Language, ResultTables
from mmm_pipeline.tables.catalog import empty_table
from mmm_pipeline_tests.reporting.charts.drawn_figures import assert_legible, figures, texts
from mmm_pipeline_tests.reporting.conftest import written_report
from mmm_pipeline_tests.reporting.profiled_results import with_own_profile
from mmm_pipeline_tests.reporting.synthetic_results import HOSTILE_NAMES, synthetic_results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("activity", "kpi_profile", "collinearity", "lagged_correlation")


@pytest.fixture(scope="module")
def profiled() -> ResultTables:
    """Five channels and one that never ran."""
    return with_own_profile(synthetic_results(5))


@pytest.fixture(scope="module")
def drawn(profiled: ResultTables) -> dict[str, Figure]:
    return dict(figures(chart_context(profiled, "en"), NAMES))


@pytest.mark.parametrize(("channels", "language", "days"), [(20, "en", 400), (40, "ko", 120)])
def test_the_pictures_of_the_profile_can_be_read(channels: int, language: Language, days: int) -> None:
    context = chart_context(with_own_profile(synthetic_results(channels, days=days)), language)
    shown = dict(figures(context, NAMES))
    assert tuple(shown) == NAMES
    for name, figure in shown.items():
        assert_legible(name, figure)
        hangul = any("가" <= letter <= "힣" for text in texts(figure) for letter in text.get_text())
        assert hangul == (context.words.language == "ko"), name


def test_hostile_names_are_drawn_with_letters_that_exist() -> None:
    context = chart_context(with_own_profile(synthetic_results(HOSTILE_NAMES)), "en")
    for name, figure in figures(context, NAMES):
        for text in texts(figure):
            line = text.get_text().replace("\n", " ")
            assert fonts.drawable(line, context.fonts) == " ".join(line.split()), f"{name}: {line!r}"


def test_days_without_media_are_empty_and_spend_on_them_stands_out(
    profiled: ResultTables, drawn: dict[str, Figure]
) -> None:
    axes = drawn["activity"].axes[0]
    cells = axes.collections[0].get_array()
    media = profiled.media_matrix.pivot(index="channel", columns="date", values="media_units")
    spend = profiled.media_matrix.pivot(index="channel", columns="date", values="spend")
    order = [row["channel"] for row in chart_context(profiled, "en").profiled]
    np.testing.assert_array_equal(np.ma.getmaskarray(cells), ((media <= 0) & (spend <= 0)).loc[order].to_numpy())
    assert (cells == cells.max()).sum() == ((media <= 0) & (spend > 0)).to_numpy().sum() > 0


def test_the_figures_beside_the_calendar_are_those_of_the_profile(
    profiled: ResultTables, drawn: dict[str, Figure]
) -> None:
    shown = [text.get_text() for text in texts(drawn["activity"])]
    for row in profiled.eda_profile["channels"]:
        assert str(row["active_periods"]) in shown
    assert shown.count("–") == 1  # a channel that never ran has no price


def test_doubles_are_beside_one_another_and_determined(profiled: ResultTables, drawn: dict[str, Figure]) -> None:
    left, right = drawn["collinearity"].axes
    labels = [label.get_text().split("  ", 1)[1] for label in left.get_yticklabels()]
    first, second = profiled.attribution["channel"][:2]
    assert abs(labels.index(first) - labels.index(second)) == 1
    assert "Never ran" not in labels
    assert "1.00" in [text.get_text() for text in left.texts]
    assert [text.get_text() for text in right.texts].count("fixed by others") == 2


def test_the_written_correlations_are_those_of_the_train_days(profiled: ResultTables, drawn: dict[str, Figure]) -> None:
    media = profiled.media_matrix.pivot(index="date", columns="channel", values="media_units").drop(columns="Never ran")
    expected = np.corrcoef(media.iloc[: profiled.window.train_periods].to_numpy().T)
    written = [float(text.get_text().replace("−", "-")) for text in drawn["collinearity"].axes[0].texts]
    pairs = sorted(value for value in written if value == 1.0 or not value.is_integer())[: len(expected) * 2]
    below = np.sort(expected[np.tril_indices(len(expected), k=-1)])
    np.testing.assert_allclose(pairs[: len(below) - 1], below[:-1], atol=0.0051)


def test_the_unusual_day_and_the_trend_are_those_of_the_profile(
    profiled: ResultTables, drawn: dict[str, Figure]
) -> None:
    axes = drawn["kpi_profile"].axes[0]
    marks = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "D"]
    assert marks == [row["value"] for row in profiled.eda_profile["kpi"]["outliers"]]
    assert 14_000 in marks
    trend = next(line for line in axes.lines if len(line.get_ydata()) > 2 and line.get_linestyle() == "--").get_ydata()
    assert (trend[7] - trend[0]) == pytest.approx(profiled.eda_profile["kpi"]["trend"]["slope"])
    assert np.median(trend) == pytest.approx(profiled.eda_profile["kpi"]["median"])


def test_every_lag_has_its_bar(profiled: ResultTables, drawn: dict[str, Figure]) -> None:
    panels = drawn["lagged_correlation"].axes[:5]
    bars = sorted(patch.get_height() for axes in panels for patch in axes.patches)
    stored = [row["correlation"] for row in profiled.eda_profile["lagged_correlations"]]
    assert bars == pytest.approx(sorted(value for value in stored if value is not None))


def test_without_a_profile_there_is_no_picture_not_even_an_old_one(profiled: ResultTables, tmp_path: Path) -> None:
    assert [chart.name for chart in draw_charts(profiled, tmp_path, "en", NAMES)] == list(NAMES)
    bare = dataclasses.replace(profiled, eda_profile={}, media_matrix=empty_table("media_matrix"))
    assert draw_charts(bare, tmp_path, "en", NAMES) == []
    assert list(tmp_path.iterdir()) == []


def test_the_pictures_stand_in_the_section_about_the_data(profiled: ResultTables, tmp_path: Path) -> None:
    written = written_report(profiled, tmp_path, ("activity",))
    html = written.files.html.read_text(encoding="utf-8")
    for language, (chart,) in written.charts.items():
        section = html[html.index(f'id="{language}-data"') : html.index(f'id="{language}-appendix"')]
        assert f'alt="{escape(chart.alt)}"' in section
        assert str(escape(chart.caption)) in section


def test_one_channel_alone_has_nothing_to_move_with() -> None:
    shown = dict(figures(chart_context(with_own_profile(synthetic_results(1)), "en"), NAMES))
    assert list(shown) == ["activity", "kpi_profile", "lagged_correlation"]
