"""One look for every chart: colours, type, page geometry, and how a figure becomes a small file of the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmm_pipeline.reporting.text.names import display_width, shorten

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["BLUE", "GREEN", "GREY", "GRID", "INK", "MUTED", "ORANGE", "PALE", "PALETTE", "RED", "SKY"]
__all__ += ["Page", "face", "new_page", "panel_columns", "panel_height", "panel_title", "panels", "rc"]
__all__ += ["row_axes", "row_height", "side_by_side", "to_png"]

# Okabe & Ito 2008: told apart with every common colour-vision deficiency.
BLUE, ORANGE, GREEN, RED, SKY, PURPLE, YELLOW = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#56B4E9",
    "#CC79A7",
    "#F0E442",
)
INK, MUTED, GREY, PALE, GRID = "#1f2328", "#656d76", "#9199a1", "#b6bcc4", "#e6e8eb"
PALETTE = (BLUE, ORANGE, GREEN, RED, SKY, PURPLE, YELLOW)

WIDTH = 8.0  # inches; shown about 800 px wide, so the resolution is twice the screen's
DPI = 200
ROW = 0.235  # inches per channel in a chart of rows
_MARGIN = 0.14
_BANNER_HEIGHT = 0.3  # inches
_COLUMNS = 114  # characters of the subtitle's size across the page


@dataclass(frozen=True)
class Page:
    """A figure and the height that its heading takes, in inches."""

    figure: Figure
    header: float


def rc(families: Sequence[str]) -> Any:
    """Matplotlib settings of the house style; `text.parse_math` is off, because `$` is a letter in a name."""
    return {
        "font.family": list(families),
        "font.size": 9,
        "text.parse_math": False,
        "text.color": INK,
        "axes.unicode_minus": True,
        "axes.edgecolor": PALE,
        "axes.labelcolor": MUTED,
        "axes.labelsize": 8.5,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "xtick.major.size": 0,
        "xtick.minor.size": 0,
        "ytick.major.size": 0,
        "ytick.minor.size": 0,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
        "hatch.linewidth": 0.6,
    }


def new_page(
    body: float, title: str, subtitle: str = "", legend: Sequence[tuple[Artist, str]] = (), columns: int = 4
) -> Page:
    """An empty page with a heading: title, subtitle, legend.

    Args:
        body: inches for the axes.
        title: in bold.
        subtitle: wrapped where it is too long.
        legend: handles and their texts.
        columns: legend entries to a line.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    lines = _wrapped(subtitle)
    legend_rows = -(-len(legend) // columns)
    header = _MARGIN + 0.3 + 0.18 * len(lines) + 0.2 * legend_rows + 0.08
    height = body + header
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
    rect = (0.008, 0.004, 0.984, 1 - header / height - 0.004)
    figure.set_layout_engine(ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.04, rect=rect))
    left = _MARGIN / WIDTH

    def at(inches: float) -> float:
        return 1 - inches / height

    figure.text(left, at(_MARGIN), title, fontsize=12, fontweight="bold", va="top")
    for number, line in enumerate(lines):
        figure.text(left, at(_MARGIN + 0.28 + 0.18 * number), line, color=MUTED, va="top")
    if legend:
        handles, texts = zip(*legend, strict=True)
        box = figure.legend(
            handles,
            texts,
            loc="upper left",
            bbox_to_anchor=(left, at(_MARGIN + 0.28 + 0.18 * len(lines))),
            ncols=min(columns, len(legend)),
            borderpad=0,
            borderaxespad=0.2,
            handlelength=1.6,
            columnspacing=1.6,
            labelspacing=0.35,
        )
        box.set_in_layout(False)
    return Page(figure, header)


def side_by_side(page: Page) -> None:
    """Keep axes beside one another so far apart that their outermost ticks do not meet."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    engine = page.figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(wspace=0.07)


def row_axes(page: Page, labels: Sequence[str], axes: Axes | None = None) -> Axes:
    """Axes (by default the page's only ones) with one row per label, the first at the top."""
    axes = axes or page.figure.subplots()
    axes.set_yticks(range(len(labels)), labels, color=INK)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    return axes


def row_height(rows: int) -> float:
    """Inches for a chart of rows, its axis included."""
    return max(rows, 3) * ROW + 0.55


def panels(page: Page, count: int, columns: int, gap: float, left: float | None = None) -> list[Axes]:
    """A grid of `count` axes, `gap` inches apart sideways and `left` from the edge; the cells left over are empty.

    The geometry is given, not solved for: solving for 40 panels takes longer than drawing them.
    """
    rows = -(-count // columns)
    height = page.figure.get_figheight()
    page.figure.set_layout_engine("none")
    left = gap if left is None else left
    width = (WIDTH - left - _MARGIN - gap * (columns - 1)) / columns
    cell = (height - page.header - 0.02) / rows
    grid = page.figure.subplots(
        rows,
        columns,
        squeeze=False,
        gridspec_kw={
            "left": left / WIDTH,
            "right": 1 - _MARGIN / WIDTH,
            "top": 1 - (page.header + 0.2) / height,
            "bottom": 0.25 / height,
            "wspace": gap / width,
            "hspace": 0.45 / (cell - 0.45),
        },
    )
    cells: list[Axes] = [axes for line in grid for axes in line]
    for axes in cells[count:]:
        axes.set_axis_off()
    return cells[:count]


def panel_columns(count: int) -> int:
    """Small multiples per line: few stay large, many still fit a page."""
    return min(count, 3) if count <= 6 else 4 if count <= 20 else 5


def panel_height(columns: int) -> float:
    """Inches of one of the small multiples, its title and axis included."""
    return {1: 2.8, 2: 2.3, 3: 1.8, 4: 1.4}.get(columns, 1.22)


def panel_title(axes: Axes, label: str, columns: int) -> None:
    """Name one of the small multiples."""
    text, size = shorten(label, 26 if columns <= 4 else 22), 8.5 if columns <= 3 else 7.5
    axes.set_title(text, fontsize=size, loc="left", pad=3, y=1.0)  # a given height saves measuring every panel


def face(colour: str, strength: float) -> tuple[float, float, float]:
    """A colour mixed with white: what transparency would show, but the same in every renderer."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return (1 - strength * (1 - red), 1 - strength * (1 - green), 1 - strength * (1 - blue))


def to_png(figure: Figure, warning: str = "") -> bytes:
    """The figure as a PNG of 256 colours without metadata: a third of the size, and the same bytes every time.

    Args:
        figure: what to draw.
        warning: a line that stands above all of it; empty: none.
    """
    import numpy as np
    from PIL import Image

    parts = [*([_pixels(_banner(warning))] if warning else []), _pixels(figure)]
    picture = Image.fromarray(np.concatenate(parts)).convert("RGB")
    small = picture.quantize(colors=256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    small.putpalette([255 if level >= 250 else level for level in small.getpalette() or []])  # white stays white
    stream = io.BytesIO()
    small.save(stream, format="PNG", dpi=(DPI, DPI))
    return stream.getvalue()


def _banner(text: str) -> Figure:
    """A strip as wide as a page: a picture that is sent on alone keeps the warning."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, _BANNER_HEIGHT), dpi=DPI, facecolor=face(RED, 0.14))
    figure.text(_MARGIN / WIDTH, 0.5, text, color=RED, fontweight="bold", va="center_baseline")
    return figure


def _pixels(figure: Figure) -> np.ndarray:
    """(height, width, 4)"""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def _wrapped(text: str) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and display_width(f"{lines[-1]} {word}") <= _COLUMNS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
