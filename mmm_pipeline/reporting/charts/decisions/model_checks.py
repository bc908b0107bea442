"""Whether to believe the model: does the data look like its own, and did the sampler do its work?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing, format_axis
from mmm_pipeline.reporting.charts.drawing.fonts import drawable
from mmm_pipeline.reporting.charts.drawing.style import BLUE, GRID, INK, MUTED, ORANGE, PALETTE, RED
from mmm_pipeline.reporting.text.names import clean, shorten

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["predictive_check", "traces"]

_BY_CHANCE = 0.9
"""Probability of the bands that show what chance alone does."""
_RANK_BINS = 15
_SPARE_CHAIN = MUTED
"""Colour of the chains beyond the palette."""


def predictive_check(context: ChartContext) -> Drawing | None:
    """Observed distribution of the daily KPI in the band of the model's own; PIT histograms of train and holdout."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    words, write = context.words, context.format
    table, days = context.tables.predictive_distribution, context.tables.predictive_pit
    if table.empty or days.empty:
        return None
    table, held = table.sort_values("kpi"), days["is_holdout"].to_numpy(dtype=bool)
    band = style.face(BLUE, 0.2)
    page = style.new_page(
        3.5,
        words("charts.predictive_check.title", kpi=context.kpi),
        words("charts.predictive_check.subtitle", kpi=context.kpi),
        [
            (Line2D([], [], color=INK, linewidth=1.6), words("legend.observed")),
            (Line2D([], [], color=BLUE, linewidth=1.4, linestyle=(0, (4, 2))), words("legend.model_mean")),
            (Patch(color=band), words("legend.band", interval=context.interval)),
            (Patch(color=GRID), words("legend.by_chance", share=write.percent(_BY_CHANCE))),
        ],
    )
    grid = page.figure.add_gridspec(2, 2, width_ratios=(1.35, 1))
    left = page.figure.add_subplot(grid[:, 0])
    left.fill_between(table["kpi"], table["share_low"], table["share_high"], color=band, linewidth=0)
    left.plot(table["kpi"], table["expected_share"], color=BLUE, linewidth=1.4, linestyle=(0, (4, 2)))
    left.step(table["kpi"], table["observed_share"], where="post", color=INK, linewidth=1.6)
    left.set_ylim(0, 1)
    left.margins(x=0)
    format_axis(left, "x", write.compact, ticks=5)
    format_axis(left, "y", write.percent_tick, ticks=5)
    left.set_xlabel(words("axis.kpi_day", kpi=context.kpi))
    left.set_ylabel(words("axis.share_at_or_below"))
    for position, (which, those, colour) in enumerate((("train", ~held, BLUE), ("holdout", held, ORANGE))):
        axes = page.figure.add_subplot(grid[position, 1])
        pit = days.loc[those, "pit"].to_numpy(dtype=float)
        _histogram(axes, pit, style.face(colour, 0.75))
        axes.set_title(words(f"chart_text.pit_{which}", periods=len(pit)), fontsize=8.5, loc="left", pad=3)
        axes.set_xticks([0, 0.5, 1], [words(f"chart_text.pit_{end}") for end in ("low", "middle", "high")])
        first, _, last = axes.get_xticklabels()
        first.set_horizontalalignment("left")
        last.set_horizontalalignment("right")
        format_axis(axes, "y", write.number, ticks=3)
    inside = (table["observed_share"] >= table["share_low"]) & (table["observed_share"] <= table["share_high"])
    ahead = days.loc[held, "pit"]
    return Drawing(
        page.figure,
        {
            "inside": context.prose.percent(inside.mean()),
            "above": context.prose.percent((ahead > 0.5).mean()) if len(ahead) else "–",
        },
    )


def traces(context: ChartContext) -> Drawing | None:
    """Of the parameters that mixed worst: the chains draw by draw, and how evenly each took its ranks."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    words, write, table = context.words, context.format, context.tables.worst_parameter_draws
    if table.empty:
        return None
    parameters = list(dict.fromkeys(table["parameter"]))
    chains = sorted(table["chain"].unique())
    colours = {chain: PALETTE[i] if i < len(PALETTE) else _SPARE_CHAIN for i, chain in enumerate(chains)}
    legend: list[tuple[Artist, str]] = [
        (Line2D([], [], color=colours[chain], linewidth=1.6), words("legend.chain", number=int(chain) + 1))
        for chain in chains[: len(PALETTE)]
    ]
    legend.append((Patch(color=GRID), words("legend.by_chance", share=write.percent(_BY_CHANCE))))
    if table["is_divergent"].any():
        legend.append((Line2D([], [], color=RED, marker="x", linestyle=""), words("legend.divergent")))
    page = style.new_page(
        0.98 * len(parameters), words("charts.traces.title"), words("charts.traces.subtitle"), legend, columns=6
    )
    cells = style.panels(page, 2 * len(parameters), 2, gap=0.42)
    for position, parameter in enumerate(parameters):
        part = table[table["parameter"] == parameter]
        trace, ranks = cells[2 * position], cells[2 * position + 1]
        for chain, values in part.groupby("chain"):
            trace.plot(values["draw"], values["value"], color=colours[chain], linewidth=0.45)
        stray = part[part["is_divergent"].astype(bool)]
        trace.plot(stray["draw"], stray["value"], "x", color=RED, markersize=4)
        trace.margins(x=0)
        _ranks(ranks, part, colours)
        title = words(
            "chart_text.parameter",
            name=_parameter(context, parameter),
            rhat=write.number(part["rhat"].iloc[0], 3),
            ess=write.number(part[["ess_bulk", "ess_tail"]].iloc[0].min()),
        )
        trace.set_title(title, fontsize=8, loc="left", pad=3, y=1.0)
        format_axis(trace, "y", write.tick, ticks=2)
        trace.set_xticks([])
        for axes in (trace, ranks):
            axes.tick_params(labelsize=7)
    cells[-2].set_xlabel(words("axis.draw"), labelpad=2)
    cells[-1].set_xlabel(words("axis.rank"), labelpad=2)
    first = table.drop_duplicates("parameter")
    return Drawing(
        page.figure,
        {
            "count": str(len(parameters)),
            "rhat": context.prose.number(first["rhat"].max(), 3),
            "ess": context.prose.number(first[["ess_bulk", "ess_tail"]].min().min()),
        },
    )


def _histogram(axes: Axes, values: np.ndarray, colour: Any) -> None:
    """Counts of values between 0 and 1, on what chance does to even ones."""
    from scipy.stats import binom

    bins = int(np.clip(len(values) // 6, 4, 10))
    counts, edges = np.histogram(values, bins=bins, range=(0, 1))
    low, high = binom.interval(_BY_CHANCE, len(values), 1 / bins)
    axes.axhspan(low, high, color=GRID, linewidth=0, zorder=0)
    axes.bar(edges[:-1], counts, width=0.92 / bins, align="edge", color=colour)
    axes.axhline(len(values) / bins, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.1 * max(float(high), counts.max(), 1.0))
    axes.grid(visible=False)


def _ranks(axes: Axes, draws: pd.DataFrame, colours: dict[int, str]) -> None:
    """Histogram of each chain's ranks among all draws: chains that agree are level."""
    from scipy.stats import binom

    ranks = draws["value"].rank().to_numpy()
    edges = np.linspace(0.5, len(draws) + 0.5, _RANK_BINS + 1)
    chain_of = draws["chain"].to_numpy()
    even = len(draws) / len(colours) / _RANK_BINS  # draws of one chain in one bin, were all alike
    for chain, colour in colours.items():
        counts, _ = np.histogram(ranks[chain_of == chain], bins=edges)
        axes.stairs(counts / even, edges, baseline=None, color=colour, linewidth=1)
    low, high = binom.interval(_BY_CHANCE, round(even * _RANK_BINS), 1 / _RANK_BINS)
    axes.axhspan(low / even, high / even, color=GRID, linewidth=0, zorder=0)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    axes.set_yticks([1], ["1"])
    axes.set_xticks([])
    axes.grid(visible=False)


def _parameter(context: ChartContext, parameter: str) -> str:
    """`retention[channel A]` in words, with the channel's label."""
    match = re.fullmatch(r"(\w+)\[(.*)\]", parameter, flags=re.DOTALL)
    name, label = match.groups() if match else (parameter, "")
    text = context.words.get(f"parameters.{name}", clean(name))
    if not label:
        return text
    label = context.labels.get(label) or shorten(drawable(clean(label), context.fonts), 26)
    return f"{text}, {label}"
