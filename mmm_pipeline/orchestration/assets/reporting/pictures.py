"""Pictures inside an event of Dagster's log: small enough that a year of runs stays a small database."""

from __future__ import annotations

import base64
import io

import dagster as dg

__all__ = ["inline_picture"]

_WIDTH = 640  # pixels: the UI shows them in a dialog of about this width
_COLOURS = 96


def inline_picture(png: bytes, name: str) -> dg.MarkdownMetadataValue:
    """A picture of the report as the UI shows it in place: `_WIDTH` pixels wide, few colours.

    Args:
        png: the file's content.
        name: what it is called where it cannot be shown.
    """
    from PIL import Image

    with Image.open(io.BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    if picture.width > _WIDTH:
        height = max(1, round(picture.height * _WIDTH / picture.width))
        picture = picture.resize((_WIDTH, height), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    # An octree keeps colours that few pixels have, such as a single line.
    small = picture.quantize(colors=_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    small.putpalette([255 if level >= 250 else level for level in small.getpalette() or []])
    small.save(stream, format="PNG", optimize=True)
    return dg.MetadataValue.md(f"![{name}](data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()})")
