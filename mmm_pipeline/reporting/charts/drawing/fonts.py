"""Fonts that can really draw what is asked of them: Hangul, and names in any script; never a box for a letter."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mmm_pipeline.reporting.results.tables import Language

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

__all__ = ["HANGUL_FONTS", "chart_language", "drawable", "families", "hangul_font", "say_that_hangul_is_missing"]

logger = logging.getLogger(__name__)

HANGUL_FONTS = (
    "Noto Sans KR",
    "Noto Sans CJK KR",
    "Pretendard",
    "NanumGothic",
    "NanumBarunGothic",
    "Noto Sans CJK JP",
    "Apple SD Gothic Neo",
    "AppleGothic",
    "Malgun Gothic",
    "Source Han Sans KR",
    "UnDotum",
    "Baekmuk Gulim",
    "Arial Unicode MS",
)
"""Tried in this order; free ones of Linux first, then those that macOS and Windows bring."""

_LANGUAGE = re.compile(r"(CJK|Han Sans) (?:KR|JP)$")  # one file has the families of several languages
_BUNDLED = "DejaVu Sans"  # comes with matplotlib: Latin, Greek, Cyrillic, Arabic, Hebrew, symbols; no Hangul
_PROBE = "한글값"
_HANGUL = re.compile("[\uac00-\ud7a3]")


@cache
def hangul_font() -> str | None:
    """Family name of an installed font with Hangul, or None.

    Matplotlib's list of fonts is cached on disk and may be older than the fonts, so files are looked at too.
    """
    from matplotlib import font_manager

    listed = {entry.name for entry in font_manager.fontManager.ttflist if Path(entry.fname).is_file()}
    for family in HANGUL_FONTS:
        if family in listed and _covers(family, _PROBE):
            return family
    for file in sorted(font_manager.findSystemFonts()):
        if _plausible(Path(file)):
            try:
                font_manager.fontManager.addfont(file)
                family = font_manager.get_font(file).family_name
            except (OSError, RuntimeError):  # a damaged font file
                continue
            if _covers(family, _PROBE):
                return family
    return None


def chart_language(asked: Language) -> Language:
    """The language that charts can be labelled in: English where no installed font has Hangul, which is said once."""
    if asked == "ko" and hangul_font() is None:
        say_that_hangul_is_missing()
        return "en"
    return asked


@cache
def say_that_hangul_is_missing() -> None:
    """Once in a process."""
    logger.warning(
        "no font with Hangul found (looked for %s): charts are labelled in English, and Hangul in names is left out; "
        "on Debian or Ubuntu install fonts-nanum or fonts-noto-cjk",
        ", ".join(HANGUL_FONTS[:4]),
    )


def families(language: Language) -> list[str]:
    """Font families, all of them installed, in the order in which a glyph is looked for."""
    # The families were chosen among what is installed; that one of them has no bold face is nobody's concern.
    logging.getLogger("matplotlib.font_manager").addFilter(_without_findfont)
    hangul = hangul_font()
    if hangul is None:
        return [_BUNDLED]
    return [hangul, _BUNDLED] if language == "ko" else [_BUNDLED, hangul]


def drawable(text: str, fonts: Sequence[str]) -> str:
    """The text without the characters that none of the fonts has (emoji, rare scripts); may be empty."""
    if _HANGUL.search(text) and hangul_font() is None:
        say_that_hangul_is_missing()
    kept = "".join(c for c in text if c == " " or any(_covers(family, c) for family in fonts))
    return " ".join(kept.split())


@cache
def _covers(family: str, characters: str) -> bool:
    font = _font(family)
    return all(font.get_char_index(ord(character)) for character in characters)


@cache
def _font(family: str) -> FT2Font:
    from matplotlib import font_manager

    return font_manager.get_font(font_manager.findfont(font_manager.FontProperties(family=[family])))


def _without_findfont(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("findfont:")


def _plausible(file: Path) -> bool:
    """Whether the file's name is that of a wanted font; opening every font on a machine takes seconds."""
    name = file.stem.lower().replace("-", "").replace("_", "")
    wanted = [_LANGUAGE.sub(r"\1", family).lower().replace(" ", "") for family in HANGUL_FONTS]
    return any(name.startswith(stem) for stem in wanted)
