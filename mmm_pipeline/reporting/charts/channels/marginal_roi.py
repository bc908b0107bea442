"""What the next unit of currency brings back, before and after the plan."""

from __future__ import annotations

import numpy as np

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing, format_axis
from mmm_pipeline.reporting.charts.drawing.style import BLUE, INK, MUTED, PALE

__all__ = ["marginal_roi"]


def marginal_roi(context: ChartContext) -> Drawing:
    """Marginal ROI per channel at the current spend and at the plan: a good plan brings them together."""
    from matplotlib.lines import Line2D

    words = context.words
    plan = context.labelled_plan.sort_values("marginal_roi_current", ascending=False, kind="stable")
    page = style.new_page(
        style.row_height(len(plan)),
        words("charts.marginal_roi.title"),
        words(f"charts.marginal_roi.subtitle{'_implausible' if context.found.implausible else ''}", kpi=context.kpi),
        [
            (Line2D([], [], color=MUTED, marker="o", linestyle="", markerfacecolor="white"), context.current_words),
            (Line2D([], [], color=BLUE, marker="o", linestyle=""), words("legend.optimal")),
        ],
    )
    axes = style.row_axes(page, plan["label"].tolist())
    rows = np.arange(len(plan))
    before, after = plan["marginal_roi_current"], plan["marginal_roi_optimal"]
    axes.hlines(rows, before, after, color=PALE, linewidth=2)
    axes.plot(before, rows, "o", color=MUTED, markerfacecolor="white", markersize=5)
    axes.plot(after, rows, "o", color=BLUE, markersize=5)
    if context.has_break_even:
        axes.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_xlim(
        min(0.0, float(np.nanmin([before, after]))),
        1.05 * max(float(np.nanmax([before, after])), 1.0 if context.has_break_even else 0.0),
    )
    format_axis(axes, "x", context.format.tick)
    axes.set_xlabel(words("axis.marginal_roi", kpi=context.kpi))
    spread = context.prose.between(context.prose.figure(after.min()), context.prose.figure(after.max()))
    return Drawing(page.figure, {"spread": spread})
