"""Both languages say the same things."""

from __future__ import annotations

import inspect
import re
import string
from importlib import resources
from typing import get_args

import pytest

from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.mmm.eda import eda_findings
from mmm_pipeline.reporting.findings.findings import findings
from mmm_pipeline.reporting.gemini.faults import ReasonCode
from mmm_pipeline.reporting.results.tables import Language
from mmm_pipeline.reporting.text.wording import wording
from mmm_pipeline_tests.reporting.synthetic_results import synthetic_results


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_phrase_exists_in_both_languages() -> None:
    english, korean = ({key.partition("@")[0] for key in wording(language).texts} for language in ("en", "ko"))
    assert english == korean


def test_a_translation_asks_for_no_value_that_the_english_phrase_does_not_get() -> None:
    english = wording("en").texts
    asking = {
        key: _placeholders(text)
        - _placeholders(english.get(key) or english[key.partition("@")[0]])
        - ({"kpi", "per"} if "@" in key else set())
        - set(wording("ko").period)
        for key, text in wording("ko").texts.items()
    }
    assert {key: names for key, names in asking.items() if names} == {}


def test_periods_of_every_step_have_the_same_words() -> None:
    for language in get_args(Language):
        words = wording(language)
        assert {step: set(words.of_step(step).period) for step in Step} == {key: set(words.period) for key in Step}


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_phrase_names_the_periods_of_the_data(language: Language) -> None:
    told = {step: wording(language).of_step(step)("charts.budget.title", periods=8) for step in Step}
    assert (
        told
        == {
            "en": {
                Step.DAY: "Budget for 8 days: now and proposed",
                Step.WEEK: "Budget for 8 weeks: now and proposed",
                Step.MONTH: "Budget for 8 months: now and proposed",
            },
            "ko": {
                Step.DAY: "8일 예산: 현재와 제안",
                Step.WEEK: "8주 예산: 현재와 제안",
                Step.MONTH: "8개월 예산: 현재와 제안",
            },
        }[language]
    )


def test_korean_is_korean() -> None:
    sentences = [text for key, text in wording("ko").texts.items() if key.endswith((".caption", ".title", ".note"))]
    assert sentences
    assert all(any("가" <= letter <= "힣" for letter in text) for text in sentences)


def test_every_narrative_exists_in_both_languages() -> None:
    folder = resources.files("mmm_pipeline.reporting").joinpath("templates")
    names = [{file.name for file in folder.joinpath(language).iterdir()} for language in ("en", "ko")]
    assert names[0] == names[1]


def test_a_missing_value_is_an_error_and_never_a_blank() -> None:
    with pytest.raises(KeyError):
        wording("en")("page.title_that_does_not_exist")
    with pytest.raises(KeyError):
        wording("en")("charts.roi.caption", kpi="Sales")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_judgement_has_words(language: str) -> None:
    found = findings(synthetic_results(40))
    words = wording(language)  # type: ignore[arg-type]
    for channel in found.channels:
        assert words(f"evidence.{channel.evidence}")
    for trust in ("none", "low", "fair", "good"):
        assert words(f"trust.{trust}")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_reason_of_a_template_has_its_words(language: Language) -> None:
    words = wording(language)
    reasons = [words(f"narrative.reason.{code}", detail="503") for code in get_args(ReasonCode)]
    assert len(set(reasons)) == len(reasons)


def test_every_finding_of_the_data_profile_has_its_words() -> None:
    codes = set(re.findall(r'Finding\(\s*"(\w+)"', inspect.getsource(eda_findings)))
    assert len(codes) > 10
    for language in get_args(Language):
        assert {code for code in codes if f"eda.{code}.text" not in wording(language).texts} == set()


def test_a_phrase_of_a_variant_stands_in_for_its_plain_one() -> None:
    words = wording("en").about("count", kpi="Orders", per="KRW 1,000")
    assert words("term.roi") == "Orders per KRW 1,000"
    assert words("evidence.no_evidence") == wording("en")("evidence.no_evidence")
    assert wording("en")("term.roi") == "ROI"
