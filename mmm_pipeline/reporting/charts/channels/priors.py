"""What was believed of media before any KPI was seen, beside the KPI that was observed."""

from __future__ import annotations

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing, format_axis
from mmm_pipeline.reporting.charts.drawing.style import INK, ORANGE
from mmm_pipeline.reporting.results.tables import records

__all__ = ["prior_check"]


def prior_check(context: ChartContext) -> Drawing | None:
    """KPI by day as observed, and the KPI that media would cause by the priors alone, with its interval."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    words, write, champion = context.words, context.format, context.found.champion["adstock"]
    series = context.tables.prior_kpi
    series = series.loc[series["adstock"] == champion]
    believed = context.tables.prior_check
    together = records(believed.loc[(believed["adstock"] == champion) & believed["channel"].isna()])
    if series.empty or not together:
        return None
    band = style.face(ORANGE, 0.25)
    page = style.new_page(
        2.6,
        words("charts.prior_check.title"),
        words("charts.prior_check.subtitle", kpi=context.kpi),
        [
            (Line2D([], [], color=INK, marker=".", linestyle=""), words("legend.observed")),
            (Line2D([], [], color=ORANGE, linewidth=1.4), words("legend.media_by_prior")),
            (Patch(color=band), words("legend.band", interval=context.interval)),
        ],
    )
    axes = page.figure.subplots()
    when = date2num(series["date"])
    axes.fill_between(when, series["media_low"], series["media_high"], color=band, linewidth=0)
    axes.plot(when, series["media"], color=ORANGE, linewidth=1.4)
    axes.plot(when, series["observed"], ".", color=INK, markersize=3.5)
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    locator = AutoDateLocator(minticks=4, maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    format_axis(axes, "y", write.compact, ticks=5)
    axes.set_ylabel(words("axis.kpi_day", kpi=context.kpi))
    row, prose = together[0], context.prose
    return Drawing(
        page.figure,
        {
            "share": prose.percent(row["share"]),
            "span": prose.span(prose.percent(row["share_low"]), prose.percent(row["share_high"])),
            "above": prose.probability(row["probability_above_kpi"]),
        },
    )
