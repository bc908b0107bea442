"""Two Jinja environments, both safe by default: HTML escapes as HTML, Markdown as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from mmm_pipeline.reporting.text.markdown import Markdown, escape_markdown
from mmm_pipeline.reporting.text.particles import with_particles

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["render_block", "render_html", "render_markdown"]


def render_html(template: str, values: Mapping[str, Any]) -> str:
    """A page; every value is escaped unless it is `markupsafe.Markup`."""
    return _environment("html").get_template(template).render(values)


def render_markdown(template: str, values: Mapping[str, Any]) -> Markdown:
    """A narrative; every value is escaped unless it is `Markdown`."""
    return _told(template, _environment("md").get_template(template).render(values))


def render_block(template: str, block: str, values: Mapping[str, Any]) -> Markdown:
    """One `{% block %}` of a Markdown template alone."""
    loaded = _environment("md").get_template(template)
    return _told(template, "".join(loaded.blocks[block](loaded.new_context(dict(values)))))


def _told(template: str, text: str) -> Markdown:
    return Markdown(_tidy(with_particles(text) if template.startswith("ko/") else text))


@cache
def _environment(kind: str) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("mmm_pipeline.reporting", "templates"),
        autoescape=kind == "html",
        finalize=escape_markdown if kind == "md" else None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _tidy(text: str) -> str:
    """At most one empty line in a row, and one line end at the end."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.strip() or (lines and lines[-1]):
            lines.append(line.rstrip())
    return "\n".join(lines).strip() + "\n"
