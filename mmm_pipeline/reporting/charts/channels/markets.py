"""What every channel brings back, market by market, beside all markets together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing, format_axis, readable_limit
from mmm_pipeline.reporting.charts.drawing.fonts import drawable
from mmm_pipeline.reporting.charts.drawing.style import BLUE, INK, PALE
from mmm_pipeline.reporting.text.names import clean, distinct, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["roi_by_market"]

SHOWN_MARKETS = 11
"""Markets with a row of their own, largest spend first; more would be too small to read."""
_ROW = 0.15  # inches


def roi_by_market(context: ChartContext) -> Drawing | None:
    """A panel per channel: ROI of every market with its interval, and the pooled total below; one scale for all."""
    from matplotlib.lines import Line2D

    words, table = context.words, context.tables.attribution_by_market
    if table.empty:
        return None
    markets = table.groupby("market")["spend"].sum().sort_values(ascending=False, kind="stable").index.tolist()
    shown = markets[:SHOWN_MARKETS]
    channels = [name for name in context.labels if name in set(table["channel"])]
    columns = min(4, style.panel_columns(len(channels)))
    height = 0.52 + _ROW * (len(shown) + 1)
    subtitle = "all" if len(shown) == len(markets) else "largest"
    page = style.new_page(
        -(-len(channels) // columns) * height + 0.1,
        words("charts.roi_by_market.title"),
        words(
            f"charts.roi_by_market.subtitle.{subtitle}",
            kpi=context.kpi,
            interval=context.interval,
            shown=len(shown),
            count=len(markets),
        ),
        [
            (Line2D([], [], color=BLUE, marker="o", linewidth=1.6), words("legend.market")),
            (Line2D([], [], color=INK, marker="D", markersize=4.5, linewidth=1.6), words("legend.all_markets")),
        ],
    )
    names = distinct(shorten(drawable(clean(name), context.fonts), 12) for name in shown)
    limit = readable_limit(table["roi"], table["roi_high"])
    pooled = context.tables.attribution.set_index("channel")
    by_place = table.set_index(["channel", "market"])
    for position, (axes, channel) in enumerate(
        zip(style.panels(page, len(channels), columns, gap=0.14, left=0.95), channels, strict=True)
    ):
        rows = by_place.reindex([(channel, market) for market in shown])
        _intervals(axes, np.arange(len(shown)), rows, limit, BLUE, "o")
        _intervals(axes, np.array([len(shown)]), pooled.loc[[channel]], limit, INK, "D")
        if context.has_break_even:
            axes.axvline(1, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
        axes.axhline(len(shown) - 0.5, color=PALE, linewidth=0.6)
        axes.set_xlim(0, 1.05 * limit)
        axes.set_ylim(len(shown) + 0.6, -0.6)
        first = position % columns == 0
        labels = [*names, words("legend.all_markets")] if first else [""] * (len(shown) + 1)
        axes.set_yticks(range(len(shown) + 1), labels, color=INK)
        axes.grid(axis="y", visible=False)
        axes.spines["left"].set_visible(False)
        axes.tick_params(labelsize=7)
        format_axis(axes, "x", context.format.tick, ticks=4)
        style.panel_title(axes, context.labels[channel], columns)
    return Drawing(page.figure, {"markets": str(len(markets)), "count": str(len(channels))})


def _intervals(axes: Axes, rows: np.ndarray, table: pd.DataFrame, limit: float, colour: str, shape: str) -> None:
    """Dots with intervals; a market where the channel did not run stays empty, what goes on ends in an arrow."""
    low, middle, high = (table[key].to_numpy(dtype=float) for key in ("roi_low", "roi", "roi_high"))
    axes.hlines(rows, low, np.minimum(high, limit), color=style.face(colour, 0.6), linewidth=1.6)
    axes.plot(np.minimum(middle, limit), rows, shape, color=colour, markersize=3.6)
    beyond = high > limit
    if beyond.any():
        axes.plot(np.full(beyond.sum(), limit), rows[beyond], ">", color=colour, markersize=3, clip_on=False)
