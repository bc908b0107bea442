"""What every template of a narrative must obey, in every language."""

from __future__ import annotations

import dataclasses
import re
import string
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import get_args

import pytest
from jinja2 import Environment

from mmm_pipeline.mmm.reasons import REASONS, Reason, stored_reasons
from mmm_pipeline.reporting.facts.result_facts import result_facts
from mmm_pipeline.reporting.narratives.template import offline_narratives, reason_words, verdict
from mmm_pipeline.reporting.results.tables import Language, ResultTables
from mmm_pipeline.reporting.text.wording import wording
from mmm_pipeline_tests.reporting.conftest import WrittenReport
from mmm_pipeline_tests.reporting.profiled_results import odd_results
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


def _english_in(text: str, names: Iterable[str]) -> list[str]:
    """Runs of three Latin words and more outside names, code, quotations and settings."""
    plain = re.sub(r"`[^`]*`|“[^”]*”|\]\([^)]*\)|^\|.*\..*\|$", "·", text.replace("\\", ""), flags=re.MULTILINE)
    for name in sorted(names, key=len, reverse=True):
        plain = plain.replace(name, "·")
    return re.findall(r"(?:[A-Za-z][A-Za-z'-]+[ ,.:;()]+){2,}[A-Za-z][A-Za-z'-]+", plain)


@pytest.mark.parametrize("tables", [*_RUNS, odd_results(20)], ids=["five", "quick", "forty", "target", "odd"])
def test_no_english_sentence_is_left_in_a_korean_text(tables: ResultTables) -> None:
    names = result_facts(tables).names
    assert _english_in("채널 A는 no spend on any day 때문에", names) == ["no spend on any day"]
    assert [run for text in texts_of(tables, "ko") for run in _english_in(text, names)] == []


def test_no_english_sentence_is_left_on_a_korean_page(report: WrittenReport) -> None:
    [page] = [path for path in report.files.markdown if path.name == "report.ko.md"]
    text = page.read_text(encoding="utf-8").partition("## 이번 실행의 설정")[0]
    assert _english_in(text, result_facts(report.tables).names) == []


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_is_told_in_korean_and_in_the_english_of_the_tables(code: str) -> None:
    values = {name: f"<{name}>" for _, name, _, _ in string.Formatter().parse(REASONS[code]) if name}
    reason = Reason(code, values)
    row = {"reason": str(reason), "reasons": stored_reasons([reason])}
    korean = reason_words(wording("ko"), row)
    assert wording("en")(f"reason.{code}", **values) == reason_words(wording("en"), row) == str(reason)
    assert re.search("[가-힣]{2}", korean)
    assert {name for name in values if f"<{name}>" not in korean} <= ({"error"} if code == "missing" else {"unit"})
