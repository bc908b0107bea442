"""Markdown that cannot carry anything but text: escaping on the way in, a narrow renderer on the way out."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from mmm_pipeline.reporting.text.names import isolated

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

__all__ = ["Markdown", "defused", "demoted", "escape_markdown", "markdown_to_html"]

_SPECIAL = re.compile(r"([\\`*_\[\]#|&!$@]|<(?!\d)|(?<!\s)~|~(?!\s))")
_BLOCK_START = re.compile(r"\A(?:(?=[-=>])|(?=\+(?:\s|\Z))|\d{1,9}(?=[.)](?:\s|\Z)))")
_LIVE = re.compile(r"(?<!\\)((?:\\\\)*)(\]?)((?<=\])[(:\[]|<)")
_LINKS = re.compile(r"(www)\.|(:)//", re.IGNORECASE)


class Markdown(str):
    """Text that already is Markdown, so that templates put it in unescaped."""

    __slots__ = ()


def escape_markdown(value: object) -> Markdown:
    """One line of plain text as Markdown (CommonMark and GitHub tables): renders as the same characters.

    Pipes, HTML, links, emphasis, headings, list markers and bare web addresses lose their meaning.
    """
    if isinstance(value, Markdown):
        return value
    line = " ".join(str(value).split())
    line = _SPECIAL.sub(r"\\\1", line)
    line = _LINKS.sub(lambda match: f"{match[1]}\\." if match[1] else ":\\/\\/", line)
    return Markdown(isolated(_BLOCK_START.sub(r"\g<0>\\", line)))


def defused(text: str) -> Markdown:
    """A whole Markdown text, whoever wrote it, without live HTML, links or images; what is escaped stays so."""
    return Markdown(_LIVE.sub(r"\1\2\\\3", text))


def demoted(text: str, levels: int = 1) -> Markdown:
    """The same text with headings `levels` lower, to sit under another heading."""
    return Markdown(re.sub(r"(?m)^(#{1,5}) ", lambda match: "#" * min(len(match[1]) + levels, 6) + " ", text))


def markdown_to_html(text: str) -> Markup:
    """HTML of a narrative, whoever wrote it: headings, paragraphs, emphasis, lists, tables.

    Raw HTML is shown as text; links and images are not recognised, so nothing can be requested or clicked. Headings
    start at `<h3>`, below those of the page.
    """
    renderer = _renderer()
    tokens = renderer.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
    return Markup(renderer.renderer.render(tokens, renderer.options, {}))


@cache
def _renderer() -> MarkdownIt:
    from markdown_it import MarkdownIt

    options: dict[str, Any] = {"html": False, "linkify": False}
    renderer = MarkdownIt("commonmark", options).enable("table")
    # A wide table scrolls in a box of its own, never the page.
    renderer.add_render_rule("table_open", lambda *_: '<div class="scroll"><table>\n')
    renderer.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return renderer.disable(["link", "image", "autolink", "reference", "html_inline", "html_block"])
