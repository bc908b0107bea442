"""The budget before and after: what the plan promises, what moves, and how far each channel could have moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing, format_axis
from mmm_pipeline.reporting.charts.drawing.style import BLUE, GREY, INK, MUTED, ORANGE, PALE
from mmm_pipeline.reporting.results.tables import records
from mmm_pipeline.reporting.text.wording import wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["budget"]

_UPLIFT_HEIGHT = 0.62  # inches
_WIDEST_CHANGE = 2.5
"""Relative changes beyond this leave the picture; the amounts are written beside the bars."""


def budget(context: ChartContext) -> Drawing:
    """The uplift with its interval; spend per channel now and proposed; and relative changes within their bounds."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    words, prose, summary = context.words, context.prose, context.found.budget
    plan = _plan(context)
    verdict: str = context.found.plan_verdict
    if context.found.material and context.found.trust in ("none", "low"):
        verdict += "_if_right"
    legend = [
        (Patch(color=PALE), context.current_words),
        (Patch(color=BLUE), words("legend.optimal")),
        (Line2D([], [], color=GREY, linewidth=2.4), words("legend.bounds")),
    ]
    if plan["beyond_data"].any():
        look: dict[str, Any] = {"marker": "o", "linestyle": "", "color": ORANGE, "markeredgecolor": INK}
        legend.append((Line2D([], [], **look), words("legend.beyond_data")))
    write = context.format
    height = max(len(plan), 3) * 0.27 + 0.75
    page = style.new_page(
        height + _UPLIFT_HEIGHT,
        words("charts.budget.title", periods=int(summary["horizon"])),
        words(
            "charts.budget.subtitle",
            kpi=context.kpi,
            uplift=_signed(write.compact(summary["uplift"])),
            span=write.span(write.compact(summary["uplift_low"]), write.compact(summary["uplift_high"])),
            interval=context.interval,
            verdict=words(f"verdict.{verdict}"),
        ),
        legend,
    )
    style.side_by_side(page)
    grid = page.figure.add_gridspec(2, 2, height_ratios=(_UPLIFT_HEIGHT, height), width_ratios=(1.9, 1))
    _uplift(page.figure.add_subplot(grid[0, :]), context)
    blind = {name for name, label in context.found.labels.items() if label in context.found.without_evidence}
    locked, held, unknown = (words(f"chart_text.{name}") for name in ("locked", "held", "no_evidence"))
    labels = [
        f"{row['label']} {locked}"
        if row["is_locked"]
        else f"{row['label']} {held}"
        if row["is_held"]
        else f"{row['label']} {unknown}"
        if moved
        else row["label"]
        for row, moved in zip(records(plan), (plan["change"] != 0) & plan["channel"].isin(blind), strict=True)
    ]
    amounts = style.row_axes(page, labels, page.figure.add_subplot(grid[1, 0]))
    _amounts(amounts, context, plan)
    changes = style.row_axes(page, [""] * len(plan), page.figure.add_subplot(grid[1, 1]))
    _relative_changes(changes, context, plan)
    moved = float(plan["change"].abs().sum()) / 2
    scaled = ""
    if context.plan_is_scaled:
        scaled = " " + wording(prose.language)("chart_text.scaled", today=prose.money(summary["total_today"]))
    values = {"moved": prose.money(moved), "total": prose.money(summary["total"]), "count": str(len(plan))}
    return Drawing(page.figure, {**values, "scaled": scaled})


def _uplift(axes: Axes, context: ChartContext) -> None:
    """The expected gain with its interval against zero."""
    summary = context.found.budget
    low, middle, high = (float(summary[key]) for key in ("uplift_low", "uplift", "uplift_high"))
    axes.axvline(0, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.hlines(0, low, high, color=BLUE, linewidth=3)
    axes.plot(middle, 0, "o", color=BLUE, markeredgecolor="white", markersize=8)
    axes.set_yticks([0], [context.words("chart_text.uplift", kpi=context.kpi)], color=INK)
    axes.set_ylim(-1, 1)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    low, high = min(low, middle, 0.0), max(high, middle, 0.0)
    room = 0.08 * max(high - low, 1e-9)
    axes.set_xlim(low - room, high + room)
    format_axis(axes, "x", lambda value: _signed(context.format.compact(value)) if value else "0")


def _amounts(axes: Axes, context: ChartContext, plan: pd.DataFrame) -> None:
    rows = np.arange(len(plan))
    axes.barh(rows - 0.19, plan["current_spend"], height=0.34, color=PALE)
    axes.barh(rows + 0.19, plan["optimal_spend"], height=0.34, color=BLUE)
    ends = plan[["current_spend", "optimal_spend"]].max(axis=1)
    fixed = plan["is_locked"] | plan["is_held"]
    for row, (end, change, stays) in enumerate(zip(ends, plan["change"], fixed, strict=True)):
        text = "" if stays else _signed(context.format.compact(change))
        axes.annotate(text, (end, row), (5, 0), textcoords="offset points", va="center", fontsize=7.5, color=MUTED)
    axes.set_xlim(0, 1.18 * max(float(ends.max()), 1e-9))
    format_axis(axes, "x", context.format.compact_money, ticks=5)
    axes.set_xlabel(context.words("axis.spend_horizon", periods=int(context.found.budget["horizon"])))


def _relative_changes(axes: Axes, context: ChartContext, plan: pd.DataFrame) -> None:
    """What happens to each channel compared with now: legible for a small channel beside a huge one."""
    from matplotlib.ticker import MaxNLocator

    write = context.format
    axes.axvline(0, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    for row, channel in enumerate(records(plan)):
        now = channel["current_spend"]
        stays = channel["is_locked"] or channel["is_held"]
        if stays or not now > 0:
            text = "" if stays else context.words("chart_text.from_nothing")
            axes.annotate(text, (0, row), (5, 0), textcoords="offset points", va="center", fontsize=7.5, color=MUTED)
            continue
        low, change, high = (channel[key] / now - 1 for key in ("low", "optimal_spend", "high"))
        axes.hlines(row, low, min(high, _WIDEST_CHANGE), color=PALE, linewidth=2.4)
        colours: dict[str, Any] = (
            {"color": ORANGE, "markeredgecolor": INK} if channel["beyond_data"] else {"color": BLUE}
        )
        axes.plot(min(change, _WIDEST_CHANGE), row, "o", markersize=5.5, **colours)
        at = max(min(high, _WIDEST_CHANGE), min(change, _WIDEST_CHANGE))
        text = write.signed_percent(change)
        axes.annotate(text, (at, row), (6, 0), textcoords="offset points", va="center", fontsize=7.5, color=MUTED)
    left, right = axes.get_xlim()
    ticks = [tick for tick in MaxNLocator(4).tick_values(left, right) if left <= tick <= right]
    axes.set_xticks(ticks, [write.signed_percent(tick) if tick else "0" for tick in ticks])
    axes.set_xlim(left, right + 0.28 * (right - left))  # room for the figures
    axes.set_xlabel(context.words("axis.relative_change"))


def _plan(context: ChartContext) -> pd.DataFrame:
    """The budget plan, largest current spend first, with labels and whether a proposal was ever tried on a day."""
    plan = context.labelled_plan
    curves = context.tables.response_curves
    observed = curves[~curves["is_extrapolated"].astype(bool)].groupby("channel")["spend"].max()
    limits = plan["channel"].map(observed).fillna(np.inf).to_numpy(dtype=float)
    daily = plan["optimal_spend"].to_numpy(dtype=float) / float(context.found.budget["horizon"])
    return plan.assign(beyond_data=daily > limits * (1 + 1e-9))


def _signed(text: str) -> str:
    return text if text.startswith("\u2212") else f"+{text}"
