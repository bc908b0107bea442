"""All specs against the best forecast that needs no model."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmm_pipeline.reporting.charts import style
from mmm_pipeline.reporting.charts.context import ChartContext, Drawing, format_axis
from mmm_pipeline.reporting.charts.style import BLUE, MUTED, PALE, RED, SKY
from mmm_pipeline.reporting.tables import records

__all__ = ["leaderboard"]

_ON_WHITE = {"facecolor": "white", "linewidth": 0, "pad": 0.8, "alpha": 0.85}


def leaderboard(context: ChartContext) -> Drawing:
    """Holdout MAPE of every spec, with the naive forecasts as lines."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    words, board = context.words, context.tables.leaderboard
    naive = context.tables.naive_forecasts
    best = context.found.best_naive
    page = style.new_page(
        max(style.row_height(len(board)), 2.0) + 0.1,
        words("charts.leaderboard.title"),
        words("charts.leaderboard.subtitle"),
        [
            (Patch(color=BLUE), words("legend.champion")),
            (Patch(color=SKY), words("legend.converged")),
            (Patch(facecolor="white", edgecolor=PALE, hatch="////"), words("legend.cannot_win")),
            (
                Line2D([], [], color=RED, linestyle=(0, (4, 2)), linewidth=1.6),
                words("legend.best_naive", name=words.get(f"naive.{best['forecast']}", str(best["forecast"]))),
            ),
        ],
        columns=4,
    )
    labels = [
        words(
            "chart_text.spec",
            adstock=words.get(f"adstock.{row['adstock']}", str(row["adstock"])),
            degrees=row["degrees"],
        )
        for row in records(board)
    ]
    axes = style.row_axes(page, labels)
    limit = _limit(board["mape"].dropna().to_numpy(dtype=float), float(best["mape"]))
    for position, row in enumerate(records(board)):
        converged = row["status"] == "converged"
        status = words.get(f"status.{row['status']}", str(row["status"]))
        if not np.isfinite(row["mape"]):
            text = status
            axes.text(0.01 * limit, position, text, va="center", color=MUTED, fontsize=8)
            continue
        look: dict[str, Any] = {"facecolor": "white", "edgecolor": PALE, "hatch": "////"}
        if converged:
            look = {"color": BLUE if row["is_champion"] else SKY}
        end = min(row["mape"], limit)
        axes.barh(position, end, height=0.62, **look)
        text = context.format.percent(row["mape"], 1)
        if not converged:
            text += f" · {status}"
        axes.text(end + 0.008 * limit, position, text, va="center", fontsize=8, bbox=_ON_WHITE)
    for mape in naive["mape"]:
        if mape != best["mape"] and mape <= limit:
            axes.axvline(mape, color=PALE, linewidth=0.9, linestyle=":")
    axes.axvline(best["mape"], color=RED, linewidth=1.6, linestyle=(0, (4, 2)))
    axes.set_xlim(0, 1.25 * limit)
    format_axis(axes, "x", context.format.percent_tick)
    axes.set_xlabel(words("axis.mape"))
    prose = context.prose
    return Drawing(
        page.figure,
        {
            "mape": prose.percent(context.found.champion["mape"], 1),
            "naive_mape": prose.percent(best["mape"], 1),
        },
    )


def _limit(mapes: np.ndarray, naive: float) -> float:
    """Where the axis ends: a spec that went astray must not squeeze the others."""
    if not mapes.size:
        return 1.5 * naive
    return float(max(min(mapes.max(), 5 * np.median(mapes)), 1.15 * naive))
