"""Charts as figures, and whether all that is written on them can be read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import matplotlib

from mmm_pipeline.reporting.charts.catalog import _DRAWINGS, CHART_NAMES
from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

__all__ = ["assert_legible", "figures", "texts"]


def figures(context: ChartContext, names: tuple[str, ...] = CHART_NAMES) -> Iterator[tuple[str, Figure]]:
    """Charts, laid out but not written."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(style.rc(context.fonts))
        for name in names:
            drawing = _DRAWINGS[name](context)
            if drawing is not None:
                drawing.figure.draw_without_rendering()
                yield name, drawing.figure


def texts(figure: Figure) -> list[Text]:
    """Every text that is drawn; a tick outside the view has a label, but no ink."""
    from matplotlib.text import Text

    unseen = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    }
    return [
        text for text in figure.findobj(Text) if text not in unseen and text.get_visible() and text.get_text().strip()
    ]


def assert_legible(name: str, figure: Figure) -> None:
    """Nothing written overlaps its neighbour, is cut off or lacks a value."""
    page, drawn = figure.bbox, set(texts(figure))
    for text in drawn:
        box = text.get_window_extent()
        edges = (box.x0 - page.x0, box.y0 - page.y0, page.x1 - box.x1, page.y1 - box.y1)
        assert min(edges) >= -1, f"{name}: {text.get_text()!r} is cut off"
        assert "{" not in text.get_text(), f"{name}: {text.get_text()!r} lacks a value"
    for axes in figure.axes:
        rows = [label.get_window_extent() for label in axes.get_yticklabels() if label in drawn]
        order = sorted(rows, key=lambda box: box.y0)
        assert all(low.y1 <= high.y0 + 1 for low, high in itertools.pairwise(order)), f"{name}: rows touch"
        columns = [label.get_window_extent() for label in axes.get_xticklabels() if label in drawn]
        order = sorted(columns, key=lambda box: box.x0)
        assert all(one.x1 <= two.x0 + 1 for one, two in itertools.pairwise(order)), f"{name}: ticks touch"
    ticks = [label.get_window_extent() for axes in figure.axes for label in axes.get_xticklabels() if label in drawn]
    touching = [1 for i, one in enumerate(ticks) for two in ticks[i + 1 :] if one.overlaps(two)]
    assert not touching, f"{name}: ticks of neighbours touch"
    titles = [axes.title.get_window_extent() for axes in figure.axes] + [
        axes._left_title.get_window_extent() for axes in figure.axes if axes._left_title.get_text()
    ]
    assert not any(
        one.overlaps(two) for i, one in enumerate(titles) for two in titles[i + 1 :] if one.width and two.width
    ), f"{name}: panel titles overlap"
