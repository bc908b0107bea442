"""Labels beside points, only where they hide nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["place_labels"]

_SIDES = ((1, 0, "left", "center"), (-1, 0, "right", "center"), (0, 1, "center", "bottom"), (0, -1, "center", "top"))


def place_labels(
    axes: Axes, x: np.ndarray, y: np.ndarray, radii: np.ndarray, labels: Sequence[str], at_most: int
) -> int:
    """Write each label beside its point, the first points first; one that would cover another or leave is left out.

    Args:
        axes: where the N bubbles are drawn already.
        x: data coordinates.
        y: data coordinates.
        radii: of the bubbles, in points.
        labels: texts.
        at_most: how many are written; more would be a thicket.

    Returns:
        How many labels were written.
    """
    from matplotlib.figure import Figure
    from matplotlib.patheffects import withStroke

    figure = axes.figure
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()  # fixes the layout, so that pixels mean something
    pixels = axes.transData.transform(np.column_stack([x, y]))
    per_point = figure.dpi / 72
    frame = axes.get_window_extent()
    bubbles = np.column_stack([pixels - radii[:, None] * per_point, pixels + radii[:, None] * per_point])
    taken: list[np.ndarray] = []
    for position, label in enumerate(labels):
        if len(taken) == at_most:
            break
        others = np.delete(bubbles, position, axis=0)
        for right, up, horizontal, vertical in _SIDES:
            offset = (right * (radii[position] + 2), up * (radii[position] + 2))
            text = axes.annotate(
                label,
                (x[position], y[position]),
                xytext=offset,
                textcoords="offset points",
                ha=horizontal,
                va=vertical,
                fontsize=8,
                path_effects=[withStroke(linewidth=2.2, foreground="white")],
            )
            box = text.get_window_extent()
            edges = np.array([box.x0, box.y0, box.x1, box.y1])
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            if inside and not _overlaps(edges, [*taken, *others]):
                taken.append(edges)
                break
            text.remove()
    return len(taken)


def _overlaps(box: np.ndarray, others: Sequence[np.ndarray]) -> bool:
    if not others:
        return False
    low_x, low_y, high_x, high_y = np.array(others).T
    return bool(((box[0] < high_x) & (low_x < box[2]) & (box[1] < high_y) & (low_y < box[3])).any())
