"""How the judgement on a channel looks: a colour and, so that no one has to tell colours apart, a shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from mmm_pipeline.reporting.charts.drawing.context import ChartContext
from mmm_pipeline.reporting.charts.drawing.style import BLUE, GREY, ORANGE, RED, SKY

if TYPE_CHECKING:
    from matplotlib.artist import Artist

__all__ = ["MARKS", "Mark", "bar_legend", "dot_legend"]


@dataclass(frozen=True)
class Mark:
    """The look of one judgement; hollow where the data has nothing to say."""

    colour: str
    shape: str
    hollow: bool = False

    def dot(self, size: float) -> dict[str, Any]:
        """Keywords of `Axes.plot` for a dot of `size` points."""
        face = "white" if self.hollow else self.colour
        edge = self.colour if self.hollow else "white"
        return {"marker": self.shape, "color": face, "markeredgecolor": edge, "markersize": size, "linestyle": ""}


MARKS = {
    "pays_back": Mark(BLUE, "o"),
    "unclear": Mark(ORANGE, "D"),
    "below_spend": Mark(RED, "v"),
    "measured": Mark(BLUE, "o"),
    "implausible": Mark(GREY, "X"),
    "no_evidence": Mark(GREY, "o", hollow=True),
    "organic": Mark(SKY, "o", hollow=True),
}


def bar_legend(context: ChartContext, table: pd.DataFrame) -> list[tuple[Artist, str]]:
    """Legend of the judgements that occur in `table`, as bars."""
    from matplotlib.patches import Patch

    return [(Patch(color=MARKS[name].colour), context.words(f"evidence.{name}")) for name in _present(table)]


def dot_legend(context: ChartContext, table: pd.DataFrame) -> list[tuple[Artist, str]]:
    """Legend of the judgements that occur in `table`, as dots."""
    from matplotlib.lines import Line2D

    return [(Line2D([], [], **MARKS[name].dot(6)), context.words(f"evidence.{name}")) for name in _present(table)]


def _present(table: pd.DataFrame) -> list[str]:
    present = set(table["evidence"])
    return [name for name in MARKS if name in present]
