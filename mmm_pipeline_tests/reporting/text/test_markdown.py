"""Whatever a name or a narrative holds, Markdown shows text: no tags, links or images come out of it."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mmm_pipeline.reporting.text.markdown import Markdown, defused, demoted, escape_markdown, markdown_to_html
from mmm_pipeline.reporting.text.names import clean
from mmm_pipeline_tests.reporting.synthetic_results import HOSTILE_NAMES

# What a permissive viewer does: raw HTML, tables, strike-through.
PERMISSIVE = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
NASTY = st.text(alphabet=st.sampled_from(list("ab1 -+*_`#|<>[]()!\\&;:/~=.@$x\n")), max_size=40)


def _shown(rendered: str) -> str:
    """Text of rendered HTML, the fences of right-to-left names left out."""
    return html.unescape(re.sub(r"<[^>]*>", "", rendered)).replace("\u2068", "").replace("\u2069", "").strip()


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("template", ["- **{}**: x", "| {} | 1 |", "text {} text"])
def test_a_hostile_name_is_shown_letter_by_letter(name: str, template: str) -> None:
    label = clean(name) or "#1"
    written = template.format(escape_markdown(label))
    if written.startswith("|"):
        written = "| a | b |\n|---|---|\n" + written
    rendered = PERMISSIVE.render(written)
    assert label in _shown(rendered)
    assert not re.search(r"<(?!/?(ul|li|p|strong|table|thead|tbody|tr|th|td)\b)", rendered)


@given(NASTY)
def test_an_escaped_line_renders_as_itself_wherever_it_stands(text: str) -> None:
    line = " ".join(text.split())
    for template in ("{}", "- {}", "a {} b"):
        rendered = PERMISSIVE.render(template.format(escape_markdown(text)))
        assert _shown(rendered).split() == template.removeprefix("- ").format(line).split()
        assert set(re.findall(r"</?(\w+)", rendered)) <= {"p", "ul", "li"}


@given(NASTY)
def test_a_cell_never_breaks_its_table(text: str) -> None:
    rendered = PERMISSIVE.render(f"| a | b |\n|---|---|\n| {escape_markdown(text)} | end |\n")
    assert rendered.count("<td") == 2
    assert "<td>end</td>" in rendered


def test_what_already_is_markdown_is_not_escaped_again() -> None:
    assert escape_markdown(Markdown("**a**")) == "**a**"


def test_plain_numbers_and_amounts_stay_readable() -> None:
    assert [escape_markdown(text) for text in ("1.25", "USD 1,234 (0.5 to 2)", "90 ~ 120", "<0.1%", "−5%")] == [
        "1.25",
        "USD 1,234 (0.5 to 2)",
        "90 ~ 120",
        "<0.1%",
        "−5%",
    ]


@given(st.text(alphabet=st.sampled_from(list("a <>[]()!\\:/\"'\n`b#")), max_size=60))
def test_a_defused_text_has_no_live_html_links_or_images(text: str) -> None:
    rendered = PERMISSIVE.render(defused(text))
    assert set(re.findall(r"<(\w+)", rendered)) <= {"p", "h1", "h2", "code", "pre", "br", "blockquote", "hr"}


def test_defusing_keeps_what_a_template_escaped() -> None:
    written = f"- **{escape_markdown('<script>[x](y)')}**"
    assert _shown(PERMISSIVE.render(defused(written))) == "<script>[x](y)"


def test_narratives_are_rendered_without_links_images_or_html() -> None:
    text = (
        "# Title\n\n<img src=x onerror=alert(1)> [a](http://x) ![b](http://y) <http://z>\n\n| a |\n|---|\n| **b** |\n"
    )
    rendered = markdown_to_html(text)
    assert "<h3>Title</h3>" in rendered
    assert "<strong>b</strong>" in rendered
    assert not re.search(r"<(img|a|script)\b", rendered)


def test_headings_move_down_under_those_of_the_page() -> None:
    assert demoted("# A\ntext # b\n## C", 2) == "### A\ntext # b\n#### C"
