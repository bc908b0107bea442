"""What the data changed, as small multiples: the prior beside the posterior of a quantity, channel by channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing, format_axis
from mmm_pipeline.reporting.charts.drawing.style import BLUE, GREY, INK, MUTED

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["prior_posterior", "retention"]

_PRIOR_FILL = "#eceef0"
_ON_WHITE = {"facecolor": "white", "linewidth": 0, "pad": 0.6, "alpha": 0.7}


def prior_posterior(context: ChartContext) -> Drawing | None:
    """Density of each channel's ROI before and after the data, with how much narrower it became."""
    from matplotlib.patches import Patch

    words, densities = context.words, _by_channel(context.tables.prior_posterior_density, "roi")
    names = [name for name in context.labels if (name, "posterior") in densities]
    if not names:
        return None
    columns = style.panel_columns(len(names))
    page = style.new_page(
        -(-len(names) // columns) * (style.panel_height(columns) - 0.1),
        words("charts.prior_posterior.title"),
        words("charts.prior_posterior.subtitle", kpi=context.kpi),
        [*_legend(context), (Patch(facecolor=style.face(GREY, 0.3), edgecolor=GREY), words("legend.nothing_learned"))],
    )
    table = context.ordered.set_index("channel")
    widths = table["prior_width_ratio"].astype(float).to_dict()
    for axes, name in zip(style.panels(page, len(names), columns, gap=0.16), names, strict=True):
        silent = table.at[name, "evidence"] == "no_evidence"
        _densities(axes, densities, name, "roi", GREY if silent else BLUE)
        _, end = axes.get_xlim()
        if end > 1 and context.has_break_even:
            axes.axvline(1, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        format_axis(axes, "x", context.format.tick, ticks=3)
        if np.isfinite(widths[name]):
            text = words("chart_text.width", width=context.format.percent(widths[name]))
            axes.text(
                1, 0.98, text, transform=axes.transAxes, ha="right", va="top", fontsize=6.5, color=MUTED, bbox=_ON_WHITE
            )
        style.panel_title(axes, context.labels[name], columns)
    told = int((table.loc[names, "evidence"] != "no_evidence").sum())
    return Drawing(page.figure, {"count": str(len(names)), "told": str(told)})


def retention(context: ChartContext) -> Drawing:
    """Prior and posterior density of each channel's retention."""
    words, densities = context.words, _by_channel(context.tables.retention_density, "retention")
    names = [name for name in context.labels if (name, "posterior") in densities]
    columns = style.panel_columns(len(names))
    page = style.new_page(
        -(-len(names) // columns) * (style.panel_height(columns) - 0.2),
        words("charts.retention.title"),
        words("charts.retention.subtitle"),
        _legend(context),
    )
    for axes, name in zip(style.panels(page, len(names), columns, gap=0.16), names, strict=True):
        _densities(axes, densities, name, "retention", BLUE)
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        style.panel_title(axes, context.labels[name], columns)
    means = [_mean(densities[(name, "posterior")], "retention") for name in names]
    figure = context.prose.number
    span = context.prose.span(figure(min(means), 2), figure(max(means), 2)) if means else ""
    return Drawing(page.figure, {"count": str(len(names)), "span": span})


def _by_channel(table: pd.DataFrame, quantity: str) -> dict[tuple[str, str], pd.DataFrame]:
    return {
        (str(key[0]), str(key[1])): part.sort_values(quantity) for key, part in table.groupby(["channel", "source"])
    }


def _legend(context: ChartContext) -> list[tuple[Artist, str]]:
    from matplotlib.patches import Patch

    return [
        (Patch(facecolor=_PRIOR_FILL, edgecolor=MUTED), context.words("legend.prior")),
        (Patch(facecolor=style.face(BLUE, 0.3), edgecolor=BLUE), context.words("legend.posterior")),
    ]


def _densities(
    axes: Axes, densities: dict[tuple[str, str], pd.DataFrame], name: str, quantity: str, colour: str
) -> None:
    """Prior behind posterior; heights are densities, whose scale has no meaning, so there is none."""
    for source, line, fill in (("prior", MUTED, _PRIOR_FILL), ("posterior", colour, style.face(colour, 0.3))):
        part = densities.get((name, source))
        if part is not None:
            axes.fill_between(part[quantity], part["density"], color=fill, linewidth=0)
            axes.plot(part[quantity], part["density"], color=line, linewidth=1.2)
            axes.set_xlim(0, float(part[quantity].max()) or 1)
    axes.set_ylim(0, 1.12 * max(axes.dataLim.y1, 1e-9))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(labelsize=7)


def _mean(density: pd.DataFrame, quantity: str) -> float:
    weight = density["density"].to_numpy(dtype=float)
    return float((density[quantity] * weight).sum() / max(weight.sum(), 1e-12))
