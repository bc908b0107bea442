"""A scenario's picture: spend today and in the scenario, and what the split gains with its interval."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import LABEL_WIDTH, format_axis
from mmm_pipeline.reporting.charts.drawing.fonts import chart_language, drawable, families
from mmm_pipeline.reporting.charts.drawing.style import BLUE, INK, MUTED, PALE
from mmm_pipeline.reporting.results.tables import Language
from mmm_pipeline.reporting.text.formatting import Formatter
from mmm_pipeline.reporting.text.names import clean, distinct, shorten
from mmm_pipeline.reporting.text.wording import wording
from mmm_pipeline.settings.pipeline import Settings

__all__ = ["scenario_chart"]

_UPLIFT_HEIGHT = 0.7  # inches


def scenario_chart(table: pd.DataFrame, summary: Mapping[str, Any], settings: Settings) -> bytes:
    """A PNG: the uplift against the same money in today's mix, above spend per channel with its bounds.

    Args:
        table: that of `Scenario`.
        summary: that of `Scenario`.
        settings: for language, currency and the size of the interval.
    """
    import matplotlib

    asked: Language = settings.report.languages[0]
    language = chart_language(asked)
    fonts = tuple(families(language))
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(style.rc(fonts))
        warnings.filterwarnings("ignore", message=".*missing from font.*")
        return _draw(table, summary, settings, language, fonts)


def _draw(
    table: pd.DataFrame, summary: Mapping[str, Any], settings: Settings, language: Language, fonts: tuple[str, ...]
) -> bytes:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    words = wording(language).of_step(Step(summary["step"]))
    write = Formatter(language, drawable(settings.report.currency, fonts))
    plan = table.sort_values("today_spend", ascending=False, kind="stable").reset_index(drop=True)
    height = max(len(plan), 3) * 0.27 + 0.75
    low, middle, high = (float(summary[key]) for key in ("uplift_low", "uplift", "uplift_high"))
    page = style.new_page(
        height + _UPLIFT_HEIGHT,
        words("scenario.title", total=write.money(summary["total"]), periods=int(summary["horizon"])),
        words(
            "scenario.subtitle",
            today=write.money(summary["total_today"]),
            kpi_today=write.compact(summary["expected_kpi_today"]),
            kpi=write.compact(summary["expected_kpi_optimal"]),
            uplift=_signed(write, middle),
            span=write.span(write.compact(low), write.compact(high)),
            interval=write.percent(settings.report.credible_interval),
            probability=write.probability(summary["probability_of_gain"]),
        ),
        [
            (Patch(color=PALE), words("scenario.today")),
            (Patch(color=BLUE), words("scenario.plan")),
            (Line2D([], [], color=INK, linewidth=0.9, marker="|", markersize=5), words("legend.bounds")),
        ],
    )
    grid = page.figure.add_gridspec(2, 1, height_ratios=(_UPLIFT_HEIGHT, height))
    axes = style.row_axes(page, [words("scenario.uplift")], page.figure.add_subplot(grid[0, 0]))
    axes.axvline(0, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.hlines(0, low, high, color=BLUE, linewidth=3)
    axes.plot(middle, 0, "o", color=BLUE, markeredgecolor="white", markersize=8)
    format_axis(axes, "x", lambda value: _signed(write, value) if value else "0")
    labels = distinct(shorten(drawable(clean(name), fonts), LABEL_WIDTH) for name in plan["channel"])
    held = plan["is_held"].to_numpy(dtype=bool)
    locked = plan["is_locked"].to_numpy(dtype=bool) | held
    fixed, kept, unknown = (words(f"chart_text.{name}") for name in ("locked", "held", "no_evidence"))
    blind = (~plan["has_evidence"] & (plan["change"] != 0)).to_numpy(dtype=bool)
    named = [
        f"{label} {kept if is_held else fixed}" if is_locked else f"{label} {unknown}" if is_blind else label
        for label, is_locked, is_held, is_blind in zip(labels, locked, held, blind, strict=True)
    ]
    axes = style.row_axes(page, named, page.figure.add_subplot(grid[1, 0]))
    rows = np.arange(len(plan))
    axes.barh(rows - 0.19, plan["today_spend"], height=0.34, color=PALE)
    axes.barh(rows + 0.19, plan["optimal_spend"], height=0.34, color=BLUE)
    free = ~locked
    axes.hlines(rows[free] + 0.19, plan["low"][free], plan["high"][free], color=INK, linewidth=0.9)
    for end in ("low", "high"):
        axes.plot(plan[end][free], rows[free] + 0.19, "|", color=INK, markersize=4, markeredgewidth=0.9)
    ends = plan[["today_spend", "optimal_spend"]].max(axis=1).where(locked, plan[["today_spend", "high"]].max(axis=1))
    for row, (end, change) in enumerate(zip(ends, plan["optimal_spend"] - plan["today_spend"], strict=True)):
        text = "" if locked[row] else _signed(write, change)
        axes.annotate(text, (end, row), (6, 0), textcoords="offset points", va="center", fontsize=7.5, color=MUTED)
    axes.set_xlim(0, 1.14 * max(float(ends.max()), 1e-9))
    format_axis(axes, "x", write.compact_money, ticks=5)
    axes.set_xlabel(words("axis.spend_horizon", periods=int(summary["horizon"])))
    warning = words("implausible.headline") if summary["verdict"] == "implausible" else ""
    return style.to_png(page.figure, warning)


def _signed(write: Formatter, value: float) -> str:
    return ("+" if value > 0 else "") + write.compact(value)
