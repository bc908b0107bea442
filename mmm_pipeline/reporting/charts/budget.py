"""The budget before and after, and what the next unit of currency brings in either."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.charts import style
from mmm_pipeline.reporting.charts.context import ChartContext, Drawing, format_axis
from mmm_pipeline.reporting.charts.style import BLUE, INK, MUTED, PALE
from mmm_pipeline.reporting.tables import records

__all__ = ["budget", "marginal_roi"]


def budget(context: ChartContext) -> Drawing:
    """Current and optimal spend per channel with the allowed range; the uplift with its interval in the heading."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    words, prose, summary = context.words, context.prose, context.found.budget
    plan = _plan(context)
    doubt = "_if_right" if context.found.material and context.found.trust in ("none", "low") else ""
    legend = [
        (Patch(color=PALE), words("legend.current")),
        (Patch(color=BLUE), words("legend.optimal")),
        (Line2D([], [], color=INK, linewidth=0.9, marker="|", markersize=5), words("legend.bounds")),
    ]
    write = context.format
    page = style.new_page(
        max(len(plan), 3) * 0.29 + 0.55,
        words("charts.budget.title", days=int(summary["horizon_days"])),
        words(
            "charts.budget.subtitle",
            kpi=context.kpi,
            uplift=_signed(write.compact(summary["uplift"])),
            span=write.span(write.compact(summary["uplift_low"]), write.compact(summary["uplift_high"])),
            interval=context.interval,
            verdict=words(f"verdict.{summary['verdict']}{doubt}"),
        ),
        legend,
    )
    labels = [
        label + (" " + words("chart_text.locked") if locked else "")
        for label, locked in zip(plan["label"], plan["is_locked"], strict=True)
    ]
    axes = style.row_axes(page, labels)
    rows = np.arange(len(plan))
    axes.barh(rows - 0.19, plan["current_spend"], height=0.34, color=PALE)
    axes.barh(rows + 0.19, plan["optimal_spend"], height=0.34, color=BLUE)
    free = ~plan["is_locked"].to_numpy(dtype=bool)
    axes.hlines(rows[free] + 0.19, plan["low"][free], plan["high"][free], color=INK, linewidth=0.9)
    for end in ("low", "high"):
        axes.plot(plan[end][free], rows[free] + 0.19, "|", color=INK, markersize=4, markeredgewidth=0.9)
    ends = plan[["current_spend", "optimal_spend", "high"]].max(axis=1)
    for row, (end, text) in enumerate(zip(ends, _changes(context, plan), strict=True)):
        axes.annotate(text, (end, row), (6, 0), textcoords="offset points", va="center", fontsize=7.5, color=MUTED)
    axes.set_xlim(0, 1.22 * max(float(ends.max()), 1e-9))
    format_axis(axes, "x", context.format.compact_money)
    axes.set_xlabel(words("axis.spend_horizon", days=int(summary["horizon_days"])))
    moved = float(plan["change"].abs().sum()) / 2
    return Drawing(
        page.figure,
        {"moved": prose.money(moved), "total": prose.money(summary["total"]), "count": str(len(plan))},
    )


def marginal_roi(context: ChartContext) -> Drawing:
    """Marginal ROI per channel at the current spend and at the plan: a good plan brings them together."""
    from matplotlib.lines import Line2D

    words, plan = context.words, _plan(context)
    plan = plan.sort_values("marginal_roi_current", ascending=False, kind="stable")
    page = style.new_page(
        style.row_height(len(plan)),
        words("charts.marginal_roi.title"),
        words("charts.marginal_roi.subtitle", kpi=context.kpi),
        [
            (Line2D([], [], color=MUTED, marker="o", linestyle="", markerfacecolor="white"), words("legend.current")),
            (Line2D([], [], color=BLUE, marker="o", linestyle=""), words("legend.optimal")),
        ],
    )
    axes = style.row_axes(page, plan["label"].tolist())
    rows = np.arange(len(plan))
    before, after = plan["marginal_roi_current"], plan["marginal_roi_optimal"]
    axes.hlines(rows, before, after, color=PALE, linewidth=2)
    axes.plot(before, rows, "o", color=MUTED, markerfacecolor="white", markersize=5)
    axes.plot(after, rows, "o", color=BLUE, markersize=5)
    axes.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_xlim(min(0.0, float(np.nanmin([before, after]))), 1.05 * max(float(np.nanmax([before, after])), 1.0))
    format_axis(axes, "x", context.format.tick)
    axes.set_xlabel(words("axis.marginal_roi", kpi=context.kpi))
    spread = context.prose.span(context.prose.figure(after.min()), context.prose.figure(after.max()))
    return Drawing(page.figure, {"spread": spread})


def _changes(context: ChartContext, plan: pd.DataFrame) -> list[str]:
    """What happens to each channel, in words that stay readable where the bars are slivers."""
    texts = []
    for row in records(plan):
        change = _signed(context.format.compact(row["change"]))
        if row["is_locked"]:
            texts.append("")
        elif row["current_spend"] > 0:
            texts.append(f"{change} ({context.format.signed_percent(row['optimal_spend'] / row['current_spend'] - 1)})")
        else:
            texts.append(change)
    return texts


def _plan(context: ChartContext) -> pd.DataFrame:
    """The budget plan, largest current spend first, with labels."""
    plan = context.tables.budget_plan
    plan = plan.assign(label=[context.labels.get(name, name) for name in plan["channel"]])
    return plan.sort_values("current_spend", ascending=False, kind="stable").reset_index(drop=True)


def _signed(text: str) -> str:
    return text if text.startswith("\u2212") else f"+{text}"
