"""Charts with one row per channel (contribution, ROI, waterfall), and ROI against spend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.charts import style
from mmm_pipeline.reporting.charts.context import ChartContext, Drawing, format_axis
from mmm_pipeline.reporting.charts.placement import place_labels
from mmm_pipeline.reporting.charts.style import BLUE, INK, MUTED, ORANGE, PALE, RED
from mmm_pipeline.reporting.names import isolated

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["contribution", "roi", "roi_and_spend", "waterfall"]

EVIDENCE_COLOURS = {"pays_back": BLUE, "unclear": ORANGE, "below_spend": RED, "no_evidence": PALE}


def contribution(context: ChartContext) -> Drawing:
    """KPI caused per channel, largest first, with intervals."""
    words, table = context.words, context.ordered
    page = style.new_page(
        style.row_height(len(table)),
        words("charts.contribution.title", kpi=context.kpi),
        words("charts.contribution.subtitle", interval=context.interval),
        _evidence_legend(context, table),
    )
    axes = style.row_axes(page, table["label"].tolist())
    rows = np.arange(len(table))
    colours = [EVIDENCE_COLOURS[evidence] for evidence in table["evidence"]]
    axes.barh(rows, table["contribution"], height=0.62, color=colours)
    axes.hlines(rows, table["contribution_low"], table["contribution_high"], color=INK, linewidth=1.1)
    axes.axvline(0, color=PALE, linewidth=0.8)
    ends = table[["contribution", "contribution_high"]].max(axis=1).clip(lower=0)
    write = context.format
    for row, (end, (_, channel)) in enumerate(zip(ends, table.iterrows(), strict=True)):
        span = write.span(write.compact(channel["contribution_low"]), write.compact(channel["contribution_high"]))
        text = f"{write.compact(channel['contribution'])} ({span})"
        axes.annotate(text, (end, row), (4, 0), textcoords="offset points", va="center", fontsize=7.5, color=MUTED)
    axes.set_xlim(right=1.27 * max(float(ends.max()), 1e-9))
    format_axis(axes, "x", context.format.compact)
    axes.set_xlabel(words("axis.kpi_window", kpi=context.kpi))
    first = table.iloc[0]
    return Drawing(
        page.figure,
        {
            "channel": isolated(context.found.channels[0].label),
            "value": context.prose.compact(first["contribution"]),
            "span": context.prose.span(
                context.prose.compact(first["contribution_low"]), context.prose.compact(first["contribution_high"])
            ),
        },
    )


def roi(context: ChartContext) -> Drawing:
    """ROI per channel with intervals against the line at 1; a very wide interval ends in an arrow."""
    words = context.words
    table = context.ordered.sort_values("roi", ascending=False, kind="stable", na_position="last")
    page = style.new_page(
        style.row_height(len(table)),
        words("charts.roi.title"),
        words("charts.roi.subtitle", interval=context.interval, kpi=context.kpi),
        _evidence_legend(context, table),
    )
    axes = style.row_axes(page, table["label"].tolist())
    limit = _readable_limit(table["roi"], table["roi_high"])
    axes.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    for row, (_, channel) in enumerate(table.iterrows()):
        colour = EVIDENCE_COLOURS[channel["evidence"]]
        if not np.isfinite(channel["roi"]):
            axes.text(0, row, " " + words("chart_text.no_spend"), va="center", color=MUTED, fontsize=8)
            continue
        low, high = np.nan_to_num(channel["roi_low"], nan=channel["roi"]), np.nan_to_num(channel["roi_high"])
        axes.hlines(row, low, min(high, limit), color=colour, linewidth=2.6)
        axes.plot(min(channel["roi"], limit), row, "o", color=colour, markersize=5.5, markeredgecolor="white")
        if high > limit:
            axes.plot(limit, row, ">", color=colour, markersize=5, clip_on=False)
            text = f" {context.format.figure(high)}"
            axes.text(limit * 1.012, row, text, va="center", color=MUTED, fontsize=7.5, clip_on=False)
    axes.set_xlim(0, limit * (1.07 if (table["roi_high"] > limit).any() else 1.02))
    format_axis(axes, "x", context.format.tick)
    axes.set_xlabel(words("axis.roi", kpi=context.kpi))
    clear = sum(evidence == "pays_back" for evidence in table["evidence"])
    return Drawing(page.figure, {"clear": str(clear), "count": str(len(table))})


def waterfall(context: ChartContext) -> Drawing:
    """From the baseline, channel by channel, to the fitted KPI of the window."""
    words, parts = context.words, context.tables.contribution_over_time
    totals = parts.groupby("component")["mean"].sum()
    baseline = float(parts.loc[parts["is_baseline"].astype(bool), "mean"].sum())
    steps = [(label, float(totals.get(name, 0.0))) for name, label in context.labels.items()]
    labels = [words("legend.baseline"), *(label for label, _ in steps), words("legend.fitted_total")]
    values = np.array([baseline, *(value for _, value in steps)])
    ends = values.cumsum()
    page = style.new_page(
        style.row_height(len(labels)),
        words("charts.waterfall.title", kpi=context.kpi),
        words("charts.waterfall.subtitle"),
    )
    axes = style.row_axes(page, labels)
    rows = np.arange(len(values))
    axes.barh(rows[0], baseline, height=0.62, color=PALE)
    axes.barh(rows[1:], values[1:], left=ends[:-1], height=0.62, color=BLUE)
    axes.barh(len(values), ends[-1], height=0.62, color=MUTED)
    axes.vlines(ends, rows + 0.31, rows + 0.69, color=PALE, linewidth=0.8)
    room = max(ends.max(), 0.0)
    for row, (value, end) in enumerate(zip([*values, ends[-1]], [*ends, ends[-1]], strict=True)):
        share = context.format.percent(value / ends[-1]) if ends[-1] else ""
        axes.text(
            max(end, 0.0) + 0.008 * room, row, f"{context.format.compact(value)} · {share}", va="center", fontsize=7.5
        )
    axes.set_xlim(min(0.0, ends.min()), 1.13 * room)
    format_axis(axes, "x", context.format.compact)
    prose = context.prose
    return Drawing(
        page.figure,
        {
            "media": prose.compact(values[1:].sum()),
            "share": prose.percent(values[1:].sum() / ends[-1]) if ends[-1] else "",
            "total": prose.compact(ends[-1]),
        },
    )


def roi_and_spend(context: ChartContext) -> Drawing:
    """Each channel as a bubble: spend, ROI, and contribution as area; labels where they fit."""
    words = context.words
    table = context.ordered
    table = table[np.isfinite(table["roi"].astype(float)) & (table["spend"] > 0)]
    page = style.new_page(
        4.6,
        words("charts.roi_and_spend.title"),
        words("charts.roi_and_spend.subtitle", kpi=context.kpi),
        _evidence_legend(context, table),
    )
    axes = page.figure.subplots()
    axes.set_xscale("log")
    limit = _readable_limit(table["roi"], table["roi"])
    heights = np.minimum(table["roi"].to_numpy(dtype=float), limit)
    area = 18 + 900 * np.clip(table["contribution"], 0, None) / max(float(table["contribution"].max()), 1e-12)
    axes.scatter(
        table["spend"],
        heights,
        s=area,
        color=[EVIDENCE_COLOURS[evidence] for evidence in table["evidence"]],
        alpha=0.75,
        edgecolor="white",
        linewidth=0.8,
    )
    axes.axhline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_ylim(0, limit * 1.12)
    axes.set_xlabel(words("axis.spend_window_log"))
    axes.set_ylabel(words("axis.roi", kpi=context.kpi))
    _spend_axis(axes, context)
    format_axis(axes, "y", context.format.tick)
    radii = np.sqrt(area.to_numpy(dtype=float) / np.pi)
    named = place_labels(axes, table["spend"].to_numpy(dtype=float), heights, radii, table["label"].tolist())
    return Drawing(page.figure, {"named": str(named), "count": str(len(table))})


def _spend_axis(axes: Axes, context: ChartContext) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_xlim()
    subs = (1.0,) if high / low > 300 else (1.0, 2.0, 5.0)
    axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: context.format.compact_money(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _evidence_legend(context: ChartContext, table: pd.DataFrame) -> list[tuple[Artist, str]]:
    from matplotlib.patches import Patch

    present = set(table["evidence"])
    return [
        (Patch(color=colour), context.words(f"evidence.{evidence}"))
        for evidence, colour in EVIDENCE_COLOURS.items()
        if evidence in present
    ]


def _readable_limit(values: pd.Series, highs: pd.Series) -> float:
    """Where the axis ends: one vast interval must not flatten all others."""
    finite = highs[np.isfinite(highs.astype(float))].astype(float)
    if finite.empty:
        return 2.0
    usual = 2.5 * float(np.quantile(finite, 0.75))
    central = float(np.nanquantile(values.astype(float), 0.9))
    return max(min(float(finite.max()), max(usual, 1.3 * central)), 1.5)
