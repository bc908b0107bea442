"""A backtest's picture: forecast error by date against the best naive forecast, ROI and advice by channel."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import LABEL_WIDTH, format_axis, readable_limit
from mmm_pipeline.reporting.charts.drawing.fonts import chart_language, drawable, families
from mmm_pipeline.reporting.charts.drawing.style import BLUE, GREY, INK, MUTED, ORANGE, PALE
from mmm_pipeline.reporting.results.tables import Language
from mmm_pipeline.reporting.text.formatting import Formatter
from mmm_pipeline.reporting.text.names import clean, distinct, shorten
from mmm_pipeline.reporting.text.wording import wording
from mmm_pipeline.settings.pipeline import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["backtest_chart"]

_MOST_CHANNELS = 9
_COLUMNS = 3
_ERROR_HEIGHT, _PANEL_HEIGHT = 1.7, 1.45  # inches
_LOOKS = {"increase": (BLUE, "^"), "hold": (GREY, "o"), "decrease": (ORANGE, "v")}


def backtest_chart(
    table: pd.DataFrame, channels: pd.DataFrame, summary: Mapping[str, Any], settings: Settings
) -> bytes:
    """A PNG; of many channels, those with most spend on the last date.

    Args:
        table: the contract `backtest`, with at least one scored date.
        channels: the contract `backtest_channels`.
        summary: of `mmm.evaluation.backtest.backtest_summary`.
        settings: for the language and the size of the interval.
    """
    import matplotlib

    asked: Language = settings.report.languages[0]
    language = chart_language(asked)
    fonts = tuple(families(language))
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(style.rc(fonts))
        warnings.filterwarnings("ignore", message=".*missing from font.*")
        return _draw(table, channels, summary, settings, language, fonts)


def _draw(
    table: pd.DataFrame,
    channels: pd.DataFrame,
    summary: Mapping[str, Any],
    settings: Settings,
    language: Language,
    fonts: tuple[str, ...],
) -> bytes:
    from matplotlib.lines import Line2D

    words, write = wording(language).of_step(Step(summary["step"])), Formatter(language)
    scored = table.loc[table["status"] == "scored"]
    last = channels.loc[channels["as_of"] == channels["as_of"].max()]
    largest = last.sort_values("current_spend", ascending=False, kind="stable")["channel"].head(_MOST_CHANNELS)
    rows = -(-len(largest) // _COLUMNS)
    page = style.new_page(
        _ERROR_HEIGHT + rows * _PANEL_HEIGHT,
        words("backtest.title", dates=int(summary["scored"])),
        words(
            "backtest.subtitle",
            wape=write.percent(summary["wape"], 1),
            naive=write.percent(summary["naive_wape"], 1),
            beaten=int(summary["beaten"]),
            dates=int(summary["scored"]),
            inside=write.percent(summary["coverage_90"]),
            flips=int(summary["flips"]),
            compared=int(summary["compared"]),
        ),
        [
            (Line2D([], [], color=BLUE, marker="o", markersize=5), words("backtest.model")),
            (Line2D([], [], color=GREY, marker="s", markersize=4, linestyle=(0, (3, 2))), words("backtest.naive")),
            *(
                (Line2D([], [], color=colour, marker=shape, linestyle="", markersize=6), words(f"backtest.{direction}"))
                for direction, (colour, shape) in _LOOKS.items()
            ),
        ],
        columns=5,
    )
    grid = page.figure.add_gridspec(1 + rows, _COLUMNS, height_ratios=[_ERROR_HEIGHT, *[_PANEL_HEIGHT] * rows])
    dates = pd.DatetimeIndex(sorted(table["as_of"]))
    axes = page.figure.add_subplot(grid[0, :])
    axes.plot(scored["as_of"], scored["wape"], color=BLUE, marker="o", markersize=5)
    axes.plot(scored["as_of"], scored["naive_wape"], color=GREY, marker="s", markersize=4, linestyle=(0, (3, 2)))
    axes.set_ylim(0, 1.12 * float(scored[["wape", "naive_wape"]].max().max()))
    format_axis(axes, "y", write.percent_tick, ticks=4)
    _title(axes, words("backtest.error", periods=int(summary["horizon"])), dates, write, ticks=8)
    labels = distinct(shorten(drawable(clean(name), fonts), LABEL_WIDTH) for name in largest)
    for position, (channel, label) in enumerate(zip(largest, labels, strict=True)):
        axes = page.figure.add_subplot(grid[1 + position // _COLUMNS, position % _COLUMNS])
        _roi(axes, channels.loc[channels["channel"] == channel])
        format_axis(axes, "y", write.tick, ticks=4)
        _title(axes, f"{words('backtest.roi')} {label}", dates, write, ticks=3)
    return style.to_png(page.figure)


def _roi(axes: Axes, rows: pd.DataFrame) -> None:
    """Interval and mean by date; the mark is the advice."""
    days = rows["as_of"].to_numpy()
    axes.vlines(days, rows["roi_low"], rows["roi_high"], color=PALE, linewidth=2)
    axes.plot(days, rows["roi"], color=MUTED, linewidth=0.9)
    for direction, (colour, shape) in _LOOKS.items():
        those = (rows["direction"] == direction).to_numpy()
        axes.plot(days[those], rows["roi"].to_numpy()[those], shape, color=colour, markersize=6)
    axes.set_ylim(0, max(readable_limit(rows["roi"], rows["roi_high"]), 1.08 * float(rows["roi"].max())))


def _title(axes: Axes, text: str, dates: pd.DatetimeIndex, write: Formatter, *, ticks: int) -> None:
    """Name the axes, and let all of them span the same dates."""
    from matplotlib.dates import date2num

    axes.set_title(text, fontsize=8.5, loc="left", pad=3, color=INK)
    span = max(dates[-1] - dates[0], pd.Timedelta(days=6))
    left, right = date2num([dates[0] - 0.06 * span, dates[-1] + 0.06 * span])
    axes.set_xlim(float(left), float(right))
    shown = dates[np.unique(np.linspace(0, len(dates) - 1, min(ticks, len(dates))).round().astype(int))]
    axes.set_xticks(shown.to_numpy(), [write.short_date(day) for day in shown])
    axes.grid(axis="x", visible=False)
