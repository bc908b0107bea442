"""A narrative as statements with references: the shape in which a language model has to answer, and its check."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from mmm_pipeline.reporting.grounding.check import Problem, Reference, ungrounded_in_statement
from mmm_pipeline.reporting.grounding.facts import Facts
from mmm_pipeline.reporting.grounding.mentions import Mentions
from mmm_pipeline.reporting.results.tables import Language
from mmm_pipeline.reporting.text.markdown import Markdown, escape_markdown
from mmm_pipeline.reporting.text.names import clean

__all__ = ["Document", "Figure", "Part", "Shape", "Statement", "document_problems", "renamed", "render_document"]

_TEXT, _HEADING, _ROW = 3000, 600, 400  # names are put back later, which makes texts longer
_HANGUL, _LATIN = re.compile(r"[가-힣]"), re.compile(r"[A-Za-z]")
_LEAST_SHARE_OF_LANGUAGE = 0.5
_ADDRESS = re.compile(r"(?:\b(?:https?|ftp|file)://|\b(?:data|javascript|mailto):|\bwww\.)\S+", re.IGNORECASE)


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Figure(Shape):
    """One number or date of a statement, and the cell it is taken from."""

    text: str = Field(max_length=60, description="the figure exactly as it is written in the statement")
    table: str = Field(max_length=60)
    row: str = Field(max_length=_ROW, description="key of the row")
    column: str = Field(max_length=60)


class Statement(Shape):
    """One or two sentences of plain text."""

    text: str = Field(min_length=1, max_length=_TEXT)
    figures: Annotated[list[Figure], Field(max_length=30)] = []


class Part(Shape):
    """A section."""

    heading: str = Field(min_length=1, max_length=_HEADING, description="without figures")
    statements: list[Statement] = Field(min_length=1, max_length=14)


class Document(Shape):
    """A narrative: what matters most first, then sections."""

    summary: list[Statement] = Field(min_length=1, max_length=4)
    parts: list[Part] = Field(min_length=1, max_length=8)

    def own_statements(self) -> Iterator[Statement]:
        yield from self.summary
        for part in self.parts:
            yield from part.statements

    def statements(self) -> Iterator[Statement]:
        """Every statement, those of a subclass too."""
        yield from self.own_statements()


DocumentType = TypeVar("DocumentType", bound=Document)


def document_problems(document: Document, facts: Facts, language: Language) -> list[Problem]:
    """What is wrong with a document: figures without support, or another language than the one asked for."""
    problems = []
    for statement in document.statements():
        references = [Reference(figure.table, figure.row, figure.column) for figure in statement.figures]
        problems += ungrounded_in_statement(statement.text, references, facts)
    for part in document.parts:
        problems += ungrounded_in_statement(part.heading, [], facts)
    return [*problems, *_language_problems(document, facts, language)]


def _language_problems(document: Document, facts: Facts, language: Language) -> list[Problem]:
    mentions = Mentions(facts.names)
    text = " ".join(mentions.masked(statement.text)[0] for statement in document.statements())
    hangul, latin = len(_HANGUL.findall(text)), len(_LATIN.findall(text))
    # A syllable of Hangul is worth about two Latin letters.
    share = 2 * hangul / max(2 * hangul + latin, 1)
    wanted = share if language == "ko" else 1 - share
    if wanted >= _LEAST_SHARE_OF_LANGUAGE:
        return []
    name = {"ko": "Korean", "en": "English"}[language]
    return [Problem(next(document.statements()).text, "", f"the text has to be written in {name}")]


def render_document(document: Document, title: str, note: str) -> Markdown:
    """Markdown in which every statement is plain text: no HTML, link or image of the writer survives."""
    lines = [f"*{escape_markdown(note)}*", "", f"# {escape_markdown(title)}", ""]
    for statement in document.summary:
        lines += [_plain(statement.text, _TEXT), ""]
    for part in document.parts:
        lines += [f"## {_plain(part.heading, _HEADING)}", ""]
        lines += [f"- {_plain(statement.text, _TEXT)}" for statement in part.statements]
        lines.append("")
    return Markdown("\n".join(lines).rstrip() + "\n")


def _plain(text: str, limit: int) -> Markdown:
    return escape_markdown(clean(_ADDRESS.sub("(…)", text), limit=limit))


def renamed(document: DocumentType, names: Mapping[str, str]) -> DocumentType:
    """The document with names put in the place of the codes, or of the cleaned names, that were sent."""
    if not names:
        return document
    ordered: Sequence[str] = sorted(names, key=len, reverse=True)
    pattern = re.compile("|".join(f"(?<![A-Za-z0-9]){re.escape(name)}(?![0-9])" for name in ordered))

    def restore(value: object) -> object:
        if isinstance(value, str):
            return pattern.sub(lambda match: names[match[0]], value)
        if isinstance(value, list):
            return [restore(item) for item in value]
        if isinstance(value, dict):
            return {key: restore(item) for key, item in value.items()}
        return value

    return type(document).model_validate(restore(document.model_dump()))
