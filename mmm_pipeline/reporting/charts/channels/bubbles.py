"""ROI against spend: where the money is, and what it brings back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing
from mmm_pipeline.reporting.charts.drawing.evidence import MARKS, dot_legend
from mmm_pipeline.reporting.charts.drawing.placement import place_labels
from mmm_pipeline.reporting.charts.drawing.style import INK

if TYPE_CHECKING:
    from matplotlib.axis import Axis

__all__ = ["roi_and_spend"]

NAMED = 16
"""Labels at most, those of the largest contributions; all channels are in the tables."""
_SMALLEST, _LARGEST = 18.0, 700.0
"""Areas of bubbles, in square points."""


def roi_and_spend(context: ChartContext) -> Drawing:
    """Each channel as a bubble: spend, ROI with its interval, and contribution as area; labels where they fit."""
    words = context.words
    table = context.ordered
    table = table[np.isfinite(table["roi"].astype(float)) & (table["spend"] > 0)]
    page = style.new_page(
        4.9,
        words("charts.roi_and_spend.title"),
        words("charts.roi_and_spend.subtitle", kpi=context.kpi, interval=context.interval),
        dot_legend(context, table),
    )
    axes = page.figure.subplots()
    axes.set_xscale("log")
    axes.set_yscale("log")
    spend, heights = (table[column].to_numpy(dtype=float) for column in ("spend", "roi"))
    bottom, top = _roi_range(table, 1.0 if context.has_break_even else float(table["roi"].max()))
    heights = np.clip(heights, bottom, top)
    largest = max(float(table["contribution"].max()), 1e-12)
    area = _SMALLEST + _LARGEST * np.clip(table["contribution"].to_numpy(dtype=float), 0, None) / largest
    if context.has_break_even:
        axes.axhline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    for evidence, mark in MARKS.items():
        those = (table["evidence"] == evidence).to_numpy()
        if not those.any():
            continue
        lows, highs = (
            np.clip(table[end].fillna(table["roi"]).to_numpy(dtype=float)[those], bottom, top)
            for end in ("roi_low", "roi_high")
        )
        axes.vlines(spend[those], lows, highs, color=style.face(mark.colour, 0.5), linewidth=1.1)
        for ends, edge, arrow in ((lows, bottom, "v"), (highs, top, "^")):
            beyond = ends == edge
            if beyond.any():
                axes.plot(spend[those][beyond], ends[beyond], arrow, color=mark.colour, markersize=4, clip_on=False)
        axes.scatter(
            spend[those],
            heights[those],
            s=area[those],
            marker=mark.shape,
            facecolor="white" if mark.hollow else style.face(mark.colour, 0.85),
            edgecolor=mark.colour if mark.hollow else "white",
            linewidth=1.2 if mark.hollow else 0.8,
            zorder=3,
        )
    axes.set_ylim(bottom, top)
    axes.margins(x=0.06)
    axes.set_xlabel(words("axis.spend_window_log"))
    axes.set_ylabel(words("axis.roi_log", kpi=context.kpi))
    _log_axis(axes.xaxis, context.format.compact_money)
    _log_axis(axes.yaxis, context.format.tick)
    named = place_labels(axes, spend, heights, np.sqrt(area / np.pi), table["label"].tolist(), NAMED)
    return Drawing(page.figure, {"named": str(named), "count": str(len(table))})


def _roi_range(table: pd.DataFrame, shown: float) -> tuple[float, float]:
    """Ends of the ROI axis: every estimate, nearly every interval and `shown`; what goes on is marked by an arrow."""
    positive = table.loc[table["roi"] > 0]
    if positive.empty:
        return 0.1, 10.0
    estimates = positive["roi"].to_numpy(dtype=float)
    lows, highs = positive["roi_low"].fillna(positive["roi"]), positive["roi_high"].fillna(positive["roi"])
    bottom = min(max(float(lows.min()), estimates.max() / 100), float(estimates.min()), shown) / 1.15
    return bottom, max(min(float(highs.max()), 4 * estimates.max()), shown) * 1.15


def _log_axis(axis: Axis, write: Callable[[float], str]) -> None:
    """Ticks at 1, 2, 5, 10, or at powers of ten alone where there are many of them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0,) if high / low > 300 else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _position: write(value)))
    axis.set_minor_formatter(NullFormatter())
