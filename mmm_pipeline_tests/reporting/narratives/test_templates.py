"""What every template of a narrative must obey, in every language."""

from __future__ import annotations

import dataclasses
import re
from importlib import resources
from pathlib import Path
from typing import get_args

import pytest
from jinja2 import Environment

from mmm_pipeline.reporting.narratives.template import offline_narratives, verdict
from mmm_pipeline.reporting.results.tables import Language, ResultTables
from mmm_pipeline_tests.reporting.synthetic_results import synthetic_results

LANGUAGES: tuple[Language, ...] = get_args(Language)
_TEMPLATES = sorted(
    Path(str(path))
    for language in LANGUAGES
    for path in resources.files("mmm_pipeline.reporting").joinpath("templates", language).iterdir()
)
_RUNS = [
    synthetic_results(5),
    synthetic_results(1, material=False, quick=True),
    synthetic_results(40, beats_naive=False, seed=1),
    synthetic_results(6, settings={"budget": {"target_marginal_roi": 1.25}}),
]


def texts_of(tables: ResultTables, language: Language) -> list[str]:
    """Every text that the templates write about a run."""
    return [*dataclasses.astuple(offline_narratives(tables, language)), *verdict(tables, language).values()]


@pytest.mark.parametrize("template", _TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_value_begins_or_ends_with_a_blank(template: Path) -> None:
    """Escaping takes blanks at the ends of a value away, so that they have to stand in the template's own text."""
    inside, edges = False, []
    for _, kind, text in Environment().lex(template.read_text(encoding="utf-8")):
        inside = (inside or kind == "variable_begin") and kind != "variable_end"
        if inside and kind == "string" and text[1:-1] != text[1:-1].strip():
            edges.append(text)
    assert edges == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tables", _RUNS, ids=["five", "one, quick", "forty, uncertain", "target"])
def test_amounts_stand_apart_from_words(tables: ResultTables, language: Language) -> None:
    texts = [re.sub(r"`[^`]*`", "code", text) for text in texts_of(tables, language)]
    assert any("USD" in text for text in texts)
    assert [
        glued for text in texts for glued in re.findall(r"[^\W\d]USD.*|USD ?[\d,.]+[A-JLN-SU-Za-jl-z].*", text)
    ] == []
    assert [odd for text in texts for odd in re.findall(r".*[^|*] [,.;:](?:\s|$).*|.*[a-z][;,][A-Za-z].*", text)] == []
