"""All specs, and below them the forecasts that need no model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing, format_axis
from mmm_pipeline.reporting.charts.drawing.style import BLUE, GREY, INK, MUTED, PALE, RED, SKY
from mmm_pipeline.reporting.results.tables import records
from mmm_pipeline.reporting.text.wording import wording

__all__ = ["leaderboard"]

_ON_WHITE = {"facecolor": "white", "linewidth": 0, "pad": 0.8, "alpha": 0.85}


def leaderboard(context: ChartContext) -> Drawing:
    """The error that ranks, of every spec and of every naive forecast, with a line at the best of these."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    words, board, error = context.words, context.tables.leaderboard, context.ranking_error
    naive = context.tables.naive_forecasts.sort_values(error, kind="stable")
    best = context.found.best_naive
    page = style.new_page(
        max(style.row_height(len(board) + len(naive)), 2.0) + 0.2,
        words("charts.leaderboard.title"),
        words("charts.leaderboard.subtitle"),
        [
            (Patch(color=BLUE), words("legend.champion")),
            (Patch(color=SKY), words("legend.rival")),
            (Patch(color=style.face(SKY, 0.45)), words("legend.converged")),
            (Patch(facecolor="white", edgecolor=PALE, hatch="////"), words("legend.cannot_win")),
            (Patch(color=GREY), words("legend.naive")),
            (
                Line2D([], [], color=RED, linestyle=(0, (4, 2)), linewidth=1.6),
                words("legend.best_naive", name=words.get(f"naive.{best['forecast']}", str(best["forecast"]))),
            ),
        ],
        columns=4,
    )
    names = [context.spec_label(row) for row in records(board)]
    names += [words.get(f"naive.{name}", str(name)) for name in naive["forecast"]]
    axes = style.row_axes(page, names)
    errors = pd.concat([board[error].dropna(), naive[error]]).to_numpy(dtype=float)
    limit = _limit(errors, float(best[error]))
    rows = [*((row[error], *_look(context, row)) for row in records(board))]
    rows += [(value, {"color": GREY}, "") for value in naive[error]]
    for position, (value, look, note) in enumerate(rows):
        if not np.isfinite(value):
            axes.text(0.01 * limit, position, note, va="center", color=MUTED, fontsize=8)
            continue
        end = min(value, limit)
        axes.barh(position, end, height=0.62, **look)
        text = context.error_text(value) + (f" · {note}" if note else "") + (" →" if value > limit else "")
        axes.text(end + 0.008 * limit, position, text, va="center", fontsize=8, bbox=_ON_WHITE)
    axes.axhline(len(board) - 0.5, color=PALE, linewidth=0.8)
    axes.axvline(best[error], color=RED, linewidth=1.6, linestyle=(0, (4, 2)))
    champion = board["is_champion"].to_numpy(dtype=bool)
    for label, bold in zip(axes.get_yticklabels(), champion, strict=False):
        label.set_fontweight("bold" if bold else "normal")
        label.set_color(INK)
    axes.set_xlim(0, 1.25 * limit)
    format_axis(axes, "x", context.error_tick)
    axes.set_xlabel(words(f"error.{error}", kpi=context.kpi))
    prose = wording(context.prose.language).of_step(context.tables.window.step)
    return Drawing(
        page.figure,
        {
            "error": prose(f"error.{error}", kpi=context.found.kpi),
            "champion_error": context.error_text(context.found.champion[error], context.prose),
            "naive_error": context.error_text(best[error], context.prose),
        },
    )


def _look(context: ChartContext, row: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """How the bar of a spec is filled, and what is written behind it."""
    if row["status"] == "converged":
        return {"color": BLUE if row["is_champion"] else SKY if row["is_rival"] else style.face(SKY, 0.45)}, ""
    status = context.words.get(f"status.{row['status']}", str(row["status"]))
    return {"facecolor": "white", "edgecolor": PALE, "hatch": "////"}, status


def _limit(errors: np.ndarray, naive: float) -> float:
    """Where the axis ends: a spec that went astray must not squeeze the others."""
    return float(max(min(errors.max(), 5 * np.median(errors)), 1.15 * naive))
