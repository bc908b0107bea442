"""What changed since the earlier champion: ROI and recommended spend, with how much of it is only noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing, format_axis, readable_limit
from mmm_pipeline.reporting.charts.drawing.fonts import drawable
from mmm_pipeline.reporting.charts.drawing.style import BLUE, GREY, INK, MUTED, PALE, RED
from mmm_pipeline.reporting.text.names import clean, shorten

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["drift"]

_WIDEST_CHANGE = 2.5
"""Recommended changes beyond this share of the current spend end in an arrow."""


def drift(context: ChartContext) -> Drawing | None:
    """ROI before and now, and the change of spend that was and is recommended, one row per channel."""
    words, table = context.words, _rows(context)
    if table.empty:
        return None
    page = style.new_page(
        max(len(table), 3) * 0.25 + 0.95,
        words("charts.drift.title"),
        words("charts.drift.subtitle", interval=context.interval),
        _legend(context, table),
        columns=3,
    )
    style.side_by_side(page)
    grid = page.figure.add_gridspec(1, 2, width_ratios=(1.25, 1))
    left = style.row_axes(page, table["label"].tolist(), page.figure.add_subplot(grid[0, 0]))
    right = style.row_axes(page, [""] * len(table), page.figure.add_subplot(grid[0, 1]))
    _roi(left, context, table)
    _recommendation(right, context, table)
    by_data = int((table["verdict"] == "data").sum())
    flips = int((table["recommendation"] == "flip_unsupported").sum())
    before = pd.Timestamp(table["window_end_before"].iloc[0])
    return Drawing(
        page.figure,
        {
            "before": context.prose.date(before),
            "by_data": str(by_data),
            "count": str(len(table)),
            "flips": str(flips),
        },
    )


def _rows(context: ChartContext) -> pd.DataFrame:
    """The drift table in the order of contribution, channels that are gone last, with labels and today's interval."""
    table = context.tables.drift
    order = {name: position for position, name in enumerate(context.labels)}
    table = table.assign(order=table["channel"].map(order).fillna(len(order))).sort_values("order", kind="stable")
    labels = [
        context.labels.get(name) or shorten(drawable(clean(name), context.fonts), 26) for name in table["channel"]
    ]
    today = context.tables.attribution[["channel", "roi_low", "roi_high"]]
    return table.assign(label=labels).merge(today, on="channel", how="left")


def _legend(context: ChartContext, table: pd.DataFrame) -> list[tuple[Artist, str]]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    words = context.words
    legend: list[tuple[Artist, str]] = [
        (Line2D([], [], color="white", marker="o", linestyle="", markeredgecolor=MUTED), words("legend.before")),
        (Line2D([], [], color=GREY, marker="o", linestyle=""), words("legend.now_noise")),
        (Line2D([], [], color=BLUE, marker="o", linestyle=""), words("legend.now_data")),
        (Patch(color=PALE), words("legend.sampler_noise")),
    ]
    if (table["recommendation"] == "flip_unsupported").any():
        legend.append((Line2D([], [], color=RED, marker="X", linestyle="", markersize=7), words("legend.flip")))
    return legend


def _roi(axes: Axes, context: ChartContext, table: pd.DataFrame) -> None:
    limit = readable_limit(table[["roi_before", "roi_now"]].max(axis=1), table["roi_high"])
    rows = np.arange(len(table))
    before, now = (np.minimum(table[key].to_numpy(dtype=float), limit) for key in ("roi_before", "roi_now"))
    noise = 2 * table["change_mcse"].to_numpy(dtype=float)
    colours = np.where(table["verdict"] == "data", BLUE, GREY)
    if context.has_break_even:
        axes.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.hlines(rows, table["roi_low"], table["roi_high"].clip(upper=limit), color=PALE, linewidth=1.2)
    axes.hlines(rows, np.maximum(now - noise, 0), np.minimum(now + noise, limit), color=PALE, linewidth=6)
    axes.hlines(rows, np.fmin(before, now), np.fmax(before, now), colors=colours.tolist(), linewidth=2)
    _dots(axes, rows, before, now, colours, np.full(len(table), "o"))
    for row in np.flatnonzero(~np.isfinite(before) | ~np.isfinite(now)):
        note = context.words(f"chart_text.{'new' if table['verdict'].iloc[row] == 'new_channel' else 'gone'}")
        at = (np.nanmax([before[row], now[row], 0.0]), row)
        axes.annotate(note, at, (8, 0), textcoords="offset points", va="center", fontsize=7.5, color=MUTED)
    axes.set_xlim(0, limit * 1.04)
    format_axis(axes, "x", context.format.tick)
    axes.set_xlabel(context.words("axis.roi", kpi=context.kpi))


def _recommendation(axes: Axes, context: ChartContext, table: pd.DataFrame) -> None:
    rows = np.arange(len(table))
    axes.axvline(0, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    (before, noise_before), (now, noise_now) = _relative(table, "before"), _relative(table, "now")
    for middle, noise in ((before, noise_before), (now, noise_now)):
        low, high = (np.clip(middle + side * noise, -1, _WIDEST_CHANGE) for side in (-2, 2))
        axes.hlines(rows, low, high, color=PALE, linewidth=6)
    flipped = (table["recommendation"] == "flip_unsupported").to_numpy()
    moved = table["recommendation"].isin(["flip_by_data", "flip_by_spend", "shifted"]) & (table["verdict"] == "data")
    colours = np.where(flipped, RED, np.where(moved, BLUE, GREY))
    axes.hlines(rows, np.fmin(before, now), np.fmax(before, now), colors=colours.tolist(), linewidth=2)
    _dots(axes, rows, before, now, colours, np.where(flipped, "X", "o"))
    write = context.format
    format_axis(axes, "x", lambda value: write.signed_percent(value) if value else "0", ticks=5)
    axes.set_xlabel(context.words("axis.recommended_change"))


def _dots(
    axes: Axes, rows: np.ndarray, before: np.ndarray, now: np.ndarray, colours: np.ndarray, shapes: np.ndarray
) -> None:
    """Hollow for then, filled for now."""
    axes.plot(before, rows, "o", color="white", markeredgecolor=MUTED, markersize=5.5)
    for colour, shape in dict.fromkeys(zip(colours.tolist(), shapes.tolist(), strict=True)):
        those = (colours == colour) & (shapes == shape)
        axes.plot(now[those], rows[those], shape, color=colour, markersize=7 if shape == "X" else 5.5)


def _relative(table: pd.DataFrame, moment: str) -> tuple[np.ndarray, np.ndarray]:
    """Recommended changes of spend, and the sampler noise in them, as shares of the spend then."""
    spend, plan, noise = (table[f"{name}_{moment}"].to_numpy(dtype=float) for name in ("spend", "plan", "plan_noise"))
    base = np.where(spend > 0, spend, np.nan)
    return np.minimum(plan / base - 1, _WIDEST_CHANGE), noise / base
