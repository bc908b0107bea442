"""When every channel ran: a strip of days per channel, with what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.calendar import HALF_DAY, date_axis, is_smoothed, mark_holdout
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing
from mmm_pipeline.reporting.charts.drawing.style import BLUE, INK, MUTED, ORANGE, RED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

__all__ = ["activity"]

_STEPS = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Upper ends of the colours, as shares of the channel's highest day."""
_DARKEST = (0.0, 0.19, 0.35)
_COLUMNS = {"active": 52, "spend": 96, "price": 148}
"""Right ends of the columns of figures, in points from the strip."""


def _colours() -> tuple[Any, ...]:
    """From pale to dark, one per step; made when it is drawn, because matplotlib mixes them."""
    return (*(style.face(BLUE, strength) for strength in (0.22, 0.42, 0.66, 1.0)), _DARKEST)


def activity(context: ChartContext) -> Drawing | None:
    """Media units of every channel by day (by week in a long window), with active days, spend and price."""
    from matplotlib.patches import Patch

    words, write, table, channels = context.words, context.format, context.tables.media_matrix, context.profiled
    if table.empty or not channels:
        return None
    order = [row["channel"] for row in channels]
    media, spend = (_by_channel(table, column, order) for column in ("media_units", "spend"))
    periods, weekly = len(media), is_smoothed(context, len(media))
    if weekly:
        media, spend = media.resample("7D").mean(), spend.resample("7D").mean()
    unpaired = ((media <= 0) & (spend > 0)).to_numpy().T
    legend = [
        (Patch(color=colour), words("legend.share_of_highest", share=write.percent(share)))
        for colour, share in zip(_colours(), _STEPS, strict=True)
    ]
    if unpaired.any():
        legend.append((Patch(color=RED), words("legend.spend_without_media")))
    page = style.new_page(
        style.row_height(len(order)) + 0.3,
        words("charts.activity.title"),
        words(f"charts.activity.subtitle.{'weekly' if weekly else 'daily'}"),
        legend,
        columns=6,
    )
    axes = style.row_axes(page, [context.profiled_labels[name] for name in order])
    window = context.tables.window
    after = media.index[-1] + pd.Timedelta(days=7) if weekly else pd.Timestamp(window.grid.date(periods))
    edges = pd.DatetimeIndex([*media.index, after]).to_numpy() - HALF_DAY.to_timedelta64()
    _strips(axes, edges, media.to_numpy().T, unpaired)
    axes.set_xlim(edges[0], pd.Timestamp(window.end) + HALF_DAY)  # type: ignore[arg-type]
    if window.holdout_periods:
        before = window.train_periods > 0.4 * periods
        mark_holdout(axes, context, window.holdout_start, window.end, label_before=before, before=HALF_DAY)
        held = [pd.Timestamp(window.holdout_start) - HALF_DAY, pd.Timestamp(window.end) + HALF_DAY]
        top = axes.get_xaxis_transform()  # the strips hide the shade
        axes.plot(held, [1, 1], color=ORANGE, linewidth=4, solid_capstyle="butt", clip_on=False, transform=top)  # type: ignore[arg-type]
    for position, row in enumerate(channels):
        for column, text in _figures(context, row).items():
            _beside(axes, position, _COLUMNS[column], text, INK if row["active_periods"] else MUTED)
    for column, right in _COLUMNS.items():
        _beside(axes, None, right, words(f"axis.{column}"), MUTED)
    date_axis(axes, context, periods)
    always = sum(row["active_periods"] == periods for row in channels)
    never = sum(row["active_periods"] == 0 for row in channels)
    return Drawing(
        page.figure,
        {
            "count": str(len(order)),
            "always": str(always),
            "never": str(never),
            "currency": context.prose.currency,
            "unpaired": str(sum(row["spend_without_media_periods"] for row in channels)),
        },
    )


def _by_channel(table: pd.DataFrame, column: str, order: list[str]) -> pd.DataFrame:
    wide = table.pivot(index="date", columns="channel", values=column).sort_index().reindex(columns=order)
    return wide.set_axis(pd.DatetimeIndex(wide.index), axis="index").astype(float)


def _strips(axes: Axes, edges: np.ndarray, media: np.ndarray, unpaired: np.ndarray) -> None:
    """One colour per step; a day without media has none, so that the shade of the holdout shows."""
    from matplotlib.colors import ListedColormap

    highest = np.nanmax(media, axis=1, keepdims=True)
    share = media / np.where(highest > 0, highest, 1.0)
    colour = np.searchsorted(_STEPS, share - 1e-12).astype(float)
    colour[media <= 0] = np.nan
    colour[unpaired] = len(_STEPS)
    rows = np.arange(len(media) + 1) - 0.5
    mesh = ListedColormap([*_colours(), RED])
    axes.pcolormesh(edges, rows, np.ma.masked_invalid(colour), cmap=mesh, vmin=-0.5, vmax=len(_STEPS) + 0.5, zorder=2)
    axes.hlines(rows, edges[0], edges[-1], color="white", linewidth=2.5, zorder=3)


def _figures(context: ChartContext, row: Mapping[str, Any]) -> dict[str, str]:
    write = context.format
    return {
        "active": write.number(row["active_periods"]),
        "spend": write.compact(row["spend"]),
        "price": write.figure(row["cost_per_thousand"]),
    }


def _beside(axes: Axes, row: int | None, right: float, text: str, colour: str) -> None:
    """Text right of the strip: in a row, or above all of them."""
    where = (1.0, 1.0 if row is None else row)
    axes.annotate(
        text,
        where,
        (right, 2 if row is None else 0),
        xycoords="axes fraction" if row is None else axes.get_yaxis_transform(),
        textcoords="offset points",
        ha="right",
        va="bottom" if row is None else "center",
        fontsize=8,
        color=colour,
        annotation_clip=False,
    )
