"""One table at a glance, for the page of its asset in the Dagster UI; the report's pictures need all tables."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import LABEL_WIDTH, format_axis, readable_limit
from mmm_pipeline.reporting.charts.drawing.fonts import drawable, families
from mmm_pipeline.reporting.charts.drawing.style import BLUE, GREY, INK, ORANGE, PALE, RED, SKY
from mmm_pipeline.reporting.text.formatting import Formatter
from mmm_pipeline.reporting.text.names import clean, distinct, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["budget_glance", "forecast_glance", "leaderboard_glance", "prior_glance", "roi_glance"]

_WRITE = Formatter("en", "")


def leaderboard_glance(board: pd.DataFrame, naive: pd.DataFrame, error: str) -> bytes:
    """A PNG: the error of every spec, the champion dark, one that cannot win hatched, and of the best naive forecast.

    Args:
        board: the contract `leaderboard`.
        naive: the contract `naive_forecasts`.
        error: the column that ranks.
    """

    def draw(fonts: tuple[str, ...]) -> Figure:
        best = naive.loc[naive["is_best"]].iloc[0]
        page = style.new_page(
            style.row_height(len(board)), f"{error.upper()} on the holdout, by model (adstock | degrees)"
        )
        axes = style.row_axes(page, [f"{row.adstock} | {row.degrees}" for row in board.itertuples()])
        errors = board[error].to_numpy(dtype=float)
        limit = 1.15 * float(best[error])
        if np.isfinite(errors).any():
            limit = max(limit, min(float(np.nanmax(errors)), 5 * float(np.nanmedian(errors))))
        won, can_win = board["is_champion"].to_numpy(bool), (board["status"] == "converged").to_numpy()
        for row, value in enumerate(np.fmin(errors, limit)):
            if not np.isfinite(value):
                axes.text(0, row, f" {board['status'].iloc[row]}", va="center", color=GREY, fontsize=8)
            elif can_win[row]:
                axes.barh(row, value, height=0.62, color=BLUE if won[row] else SKY)
            else:
                axes.barh(row, value, height=0.62, facecolor="white", edgecolor=PALE, hatch="////")
        axes.axvline(best[error], color=RED, linewidth=1.6, linestyle=(0, (4, 2)))
        axes.set_xlim(0, 1.05 * limit)
        format_axis(axes, "x", _WRITE.percent_tick if error in ("mape", "wape") else _WRITE.compact)
        axes.set_xlabel(
            f"dark: champion; hatched: did not converge; red line: best naive forecast ({best['forecast']})"
        )
        return page.figure

    return _png(draw)


def roi_glance(attribution: pd.DataFrame, *, has_break_even: bool, warning: str = "") -> bytes:
    """A PNG: ROI of every channel with its interval, beside 1 where that is break-even.

    Args:
        attribution: the contract of that name.
        has_break_even: whether the KPI is money.
        warning: a line to stand above it.
    """

    def draw(fonts: tuple[str, ...]) -> Figure:
        table = attribution.sort_values("roi", ascending=False, kind="stable")
        page = style.new_page(style.row_height(len(table)), "ROI by channel, with its credible interval")
        axes = style.row_axes(page, _labels(table["channel"], fonts))
        rows = np.arange(len(table))
        axes.hlines(rows, table["roi_low"], table["roi_high"], color=SKY, linewidth=3)
        axes.plot(table["roi"], rows, "o", color=BLUE, markersize=6)
        if has_break_even:
            axes.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_xlim(0, readable_limit(table["roi"], table["roi_high"]))
        format_axis(axes, "x", _WRITE.tick)
        axes.set_xlabel(
            "KPI per unit of spend"
            + ("; left of the dashed line a channel does not earn its spend" if has_break_even and not warning else "")
        )
        return page.figure

    return _png(draw, warning)


def budget_glance(plan: pd.DataFrame, warning: str = "") -> bytes:
    """A PNG: spend now and as planned, by channel; `plan`: the contract `budget_plan`, below a line of warning."""

    def draw(fonts: tuple[str, ...]) -> Figure:
        table = plan.sort_values("current_spend", ascending=False, kind="stable")
        page = style.new_page(
            max(len(table), 3) * 0.27 + 0.55, "Spend over the horizon: now (grey) and as planned (blue)"
        )
        axes = style.row_axes(page, _labels(table["channel"], fonts))
        rows = np.arange(len(table))
        axes.barh(rows - 0.19, table["current_spend"], height=0.34, color=PALE)
        axes.barh(rows + 0.19, table["optimal_spend"], height=0.34, color=BLUE)
        format_axis(axes, "x", _WRITE.compact)
        axes.set_xlabel("currency")
        return page.figure

    return _png(draw, warning)


def forecast_glance(forecast: pd.DataFrame) -> bytes:
    """A PNG: observed KPI and what was expected, with its interval; `forecast`: the contract of that name."""

    def draw(fonts: tuple[str, ...]) -> Figure:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

        page = style.new_page(2.4, "KPI: observed (dots), expected with its interval; orange: not seen")
        axes = page.figure.subplots()
        for ahead, colour in ((False, BLUE), (True, ORANGE)):
            days = forecast.loc[forecast["is_holdout"] == ahead]
            when = date2num(days["date"])
            axes.fill_between(when, days["low"], days["high"], color=style.face(colour, 0.25), linewidth=0)
            axes.plot(when, days["mean"], color=colour, linewidth=1.2)
            axes.plot(when, days["observed"], ".", color=INK, markersize=3)
        locator = AutoDateLocator(minticks=4, maxticks=8)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        format_axis(axes, "y", _WRITE.compact, ticks=5)
        return page.figure

    return _png(draw)


def prior_glance(series: pd.DataFrame) -> bytes:
    """A PNG: KPI by day, and what the priors say that media would cause; `series`: the contract `prior_kpi`."""

    def draw(fonts: tuple[str, ...]) -> Figure:
        from matplotlib.dates import date2num

        page = style.new_page(2.4, "KPI (dots), and what media would cause by the priors alone (line, interval)")
        axes = page.figure.subplots()
        when = date2num(series["date"])
        axes.fill_between(when, series["media_low"], series["media_high"], color=style.face(ORANGE, 0.25), linewidth=0)
        axes.plot(when, series["media"], color=ORANGE, linewidth=1.2)
        axes.plot(when, series["observed"], ".", color=INK, markersize=3)
        axes.set_ylim(bottom=0)
        axes.xaxis_date()
        format_axis(axes, "y", _WRITE.compact, ticks=5)
        return page.figure

    return _png(draw)


def _png(draw: Callable[[tuple[str, ...]], Figure], warning: str = "") -> bytes:
    import matplotlib

    fonts = tuple(families("en"))
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(style.rc(fonts))
        warnings.filterwarnings("ignore", message=".*missing from font.*")
        return style.to_png(draw(fonts), warning)


def _labels(channels: pd.Series, fonts: tuple[str, ...]) -> list[str]:
    return distinct(shorten(drawable(clean(name), fonts), LABEL_WIDTH) for name in channels)
