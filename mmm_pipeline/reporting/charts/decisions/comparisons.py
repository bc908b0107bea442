"""Fits held against one another: over several forecast windows, and over specs that predict about equally well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing, format_axis, readable_limit
from mmm_pipeline.reporting.charts.drawing.style import BLUE, GREY, INK, PALETTE, RED
from mmm_pipeline.reporting.results.tables import records

if TYPE_CHECKING:
    from matplotlib.artist import Artist

__all__ = ["rolling_origins", "spec_agreement"]

_SHAPES = "osD^vP*X"
"""Windows are told apart by shape and, as far as it goes, by colour."""


def rolling_origins(context: ChartContext) -> Drawing | None:
    """The error that ranks, of every spec in every forecast window, and in all together with its standard error."""
    from matplotlib.lines import Line2D

    words, write, table = context.words, context.format, context.tables.rolling_origins
    if table.empty:
        return None
    error = context.ranking_error
    windows = sorted(table["origin"].dropna().unique())
    looks = {
        origin: {"marker": _SHAPES[i % len(_SHAPES)], "color": PALETTE[1:][i % (len(PALETTE) - 1)]}
        for i, origin in enumerate(windows)
    }
    legend: list[tuple[Artist, str]] = [
        (Line2D([], [], color=INK, marker="|", markersize=9, linewidth=2), words("legend.all_windows"))
    ]
    legend += [
        (Line2D([], [], linestyle="", **look), words("legend.window", date=write.short_date(origin)))  # type: ignore[arg-type]
        for origin, look in looks.items()
    ]
    specs = [
        own
        for row in records(context.tables.leaderboard)
        if not (own := table[(table["adstock"] == row["adstock"]) & (table["degrees"] == row["degrees"])]).empty
    ]
    page = style.new_page(
        max(len(specs), 3) * 0.3 + 0.6,
        words("charts.rolling_origins.title"),
        words("charts.rolling_origins.subtitle"),
        legend,
        columns=5,
    )
    axes = style.row_axes(page, [context.spec_label(own.iloc[0]) for own in specs])
    errors = table[error].to_numpy(dtype=float)
    limit = float(min(np.nanmax(errors), 5 * np.nanmedian(errors)))
    for row, own in enumerate(specs):
        for part in records(own[~own["is_pooled"].astype(bool)]):
            look = looks[part["origin"]]
            face = look["color"] if part["converged"] else "white"
            at = min(part[error], limit)
            axes.plot(at, row, look["marker"], color=face, markeredgecolor=look["color"], markersize=6, zorder=3)
        pooled = own[own["is_pooled"].astype(bool)].iloc[0]
        middle, noise = float(pooled[error]), float(pooled["standard_error"])
        if np.isfinite(noise) and error != "rmse":  # that of RMSE is the standard error of its square
            axes.hlines(row, max(middle - noise, 0), min(middle + noise, limit), color=INK, linewidth=2)
        axes.plot(min(middle, limit), row, "|", color=INK, markersize=12, markeredgewidth=2, zorder=4)
    naive = table.loc[table["is_pooled"].astype(bool), "naive_error"].dropna()
    if len(naive):
        axes.axvline(float(naive.iloc[0]), color=RED, linewidth=1.4, linestyle=(0, (4, 2)))
    axes.set_xlim(0, 1.06 * max(limit, float(naive.iloc[0]) if len(naive) else 0.0))
    format_axis(axes, "x", context.error_tick)
    axes.set_xlabel(words(f"error.{error}", kpi=context.kpi))
    stray = int((~table.loc[~table["is_pooled"].astype(bool), "converged"].astype(bool)).sum())
    return Drawing(page.figure, {"windows": str(len(windows)), "count": str(len(specs)), "stray": str(stray)})


def spec_agreement(context: ChartContext) -> Drawing | None:
    """ROI per channel as the specs that predict about equally well see it; where they disagree it stands out."""
    from matplotlib.lines import Line2D

    words, table = context.words, context.tables.spec_agreement
    if table.empty or int(table["specs"].max()) < 2:
        return None
    held = context.tables.window.holdout_periods
    order = {name: position for position, name in enumerate(context.labels)}
    table = table[table["channel"].isin(order)].sort_values("channel", key=lambda names: names.map(order))
    page = style.new_page(
        style.row_height(len(table)),
        words("charts.spec_agreement.title"),
        words("charts.spec_agreement.subtitle", interval=context.interval, periods=held),
        [
            (
                Line2D([], [], color=INK, marker="D", markersize=4.5, linestyle=""),
                words("legend.champion"),
            ),
            (Line2D([], [], color=BLUE, linewidth=5), words("legend.estimates")),
            (Line2D([], [], color=RED, linewidth=5), words("legend.disputed")),
            (Line2D([], [], color=GREY, linewidth=1.2), words("legend.all_intervals", interval=context.interval)),
        ],
    )
    axes = style.row_axes(page, [context.labels[name] for name in table["channel"]])
    if context.has_break_even:
        axes.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    limit = readable_limit(table["roi_highest"], table["band_high"])
    for row, channel in enumerate(records(table)):
        disputed = str(channel["verdict"]).startswith("disagree")
        axes.hlines(row, channel["band_low"], min(channel["band_high"], limit), color=GREY, linewidth=1.2)
        if channel["band_high"] > limit:
            axes.plot(limit, row, ">", color=GREY, markersize=4, clip_on=False)
        ends = (min(channel["roi_lowest"], limit), min(channel["roi_highest"], limit))
        axes.hlines(row, *ends, color=RED if disputed else BLUE, linewidth=5)
        axes.plot(min(channel["roi_champion"], limit), row, "D", color=INK, markersize=4.5)
        if disputed:
            label = axes.get_yticklabels()[row]
            label.set_fontweight("bold")
            label.set_color(RED)
    axes.set_xlim(0, 1.04 * limit)
    format_axis(axes, "x", context.format.tick)
    axes.set_xlabel(words("axis.roi", kpi=context.kpi))
    disputes = int(table["verdict"].str.startswith("disagree").sum())
    values = {
        "specs": str(int(table["specs"].max())),
        "disputed": str(disputes),
        "count": str(len(table)),
        "periods": str(held),
    }
    return Drawing(page.figure, values)
