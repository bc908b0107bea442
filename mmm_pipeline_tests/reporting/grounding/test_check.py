"""The grounding check lets true figures pass and no others."""

from __future__ import annotations

import dataclasses

import pytest

from mmm_pipeline.reporting.advice.proposals import proposal_facts
from mmm_pipeline.reporting.advice.rules import data_proposals, model_proposals
from mmm_pipeline.reporting.facts.result_facts import result_facts
from mmm_pipeline.reporting.grounding.check import Reference, ungrounded_in_statement, ungrounded_in_text
from mmm_pipeline.reporting.grounding.facts import Facts
from mmm_pipeline.reporting.narratives.template import offline_narratives, verdict
from mmm_pipeline.reporting.results.tables import Language, ResultTables
from mmm_pipeline_tests.reporting.profiled_results import odd_results, profiled
from mmm_pipeline_tests.reporting.synthetic_results import HOSTILE_NAMES, synthetic_results

A, B = "Brand 1 Ad Group 001", "Brand 2 Ad Group 002"


@pytest.fixture(scope="module")
def tables() -> ResultTables:
    made = profiled(synthetic_results(3))
    table = made.attribution
    roi = table["channel"].map({A: 2.31, B: 0.87}).fillna(table["roi"])
    return dataclasses.replace(made, attribution=table.assign(roi=roi, spend=[12_345.6, 6_789.0, 1_000.0]))


@pytest.fixture(scope="module")
def facts(tables: ResultTables) -> Facts:
    return result_facts(tables)


def _texts(tables: ResultTables, language: Language) -> list[str]:
    narratives = offline_narratives(tables, language)
    return [narratives.eda, narratives.charts, narratives.budget, *verdict(tables, language).values()]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    "made",
    [
        synthetic_results(1),
        profiled(synthetic_results(5), days=400),
        synthetic_results(40, quick=True, beats_naive=False, material=False, seed=3),
        synthetic_results(HOSTILE_NAMES),
        synthetic_results(["2021", "7", "TV", "TV 2"]),
    ],
    ids=["one channel", "profiled", "forty, uncertain", "hostile names", "names that are numbers"],
)
def test_every_figure_of_the_offline_narratives_is_in_the_tables(made: ResultTables, language: Language) -> None:
    facts = result_facts(made)
    assert [problem for text in _texts(made, language) for problem in ungrounded_in_text(text, facts)] == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_template_that_told_another_run_s_figures_would_be_caught(language: Language, facts: Facts) -> None:
    other = _texts(synthetic_results(3, seed=9, holdout=21), language)
    assert sum(len(ungrounded_in_text(text, facts)) for text in other) > 10


@pytest.mark.parametrize(
    "lie",
    [
        f"{A} has an ROI of 3.31.",
        f"{B} has an ROI of 2.31.",  # true of another channel
        f"{A}의 ROI는 23.1%입니다.",
        "The data covers 97 days.",
        "The data starts on 18 Oct 2021.",
        "데이터는 2021년 10월 18일에 시작합니다.",
        "USD 87 was spent.",  # 87 are days
        "Brand 9 Ad Group 009 is the best.",
        "and 40 more",
        "등 40개",
        "twelve channels pay back",
    ],
)
def test_a_wrong_figure_in_a_text_is_found(lie: str, facts: Facts) -> None:
    assert ungrounded_in_text(lie, facts)


@pytest.mark.parametrize(
    "truth",
    [
        f"{A} has an ROI of 2.31, or 231%.",
        f"{A.replace('1', chr(0xFF11))} returned 2.3.",  # full-width digits
        f"**{B}**의 ROI는 0.87입니다.",
        f"{A} cost USD 12,346, that is 1.2만.",
        "From 17 Oct 2021 to 11 January 2022: 87 days; 90% intervals around an ROI of 1.",
        "3 in all",
    ],
)
def test_a_true_figure_in_a_text_passes(truth: str, facts: Facts) -> None:
    assert ungrounded_in_text(truth, facts) == []


def test_a_problem_names_the_sentence_and_the_figure(facts: Facts) -> None:
    [problem] = ungrounded_in_text(f"It went well. {A} returned 5.55 per unit. It ended.", facts)
    assert (problem.sentence, problem.figure) == (f"{A} returned 5.55 per unit.", "5.55")


def _roi(channel: str) -> Reference:
    return Reference("attribution", channel, "roi")


def test_a_statement_with_its_references_passes(facts: Facts) -> None:
    text = f"{A} returns 2.3 per unit, {B} only 0.87; both intervals cover 90%."
    assert ungrounded_in_statement(text, [_roi(A), _roi(B)], facts) == []


@pytest.mark.parametrize(
    ("text", "references", "why"),
    [
        (f"{A} returns 2.31.", [], "has no reference"),
        (f"{A} returns 2.51.", [_roi(A)], "none of the cells"),
        (f"{A} returns 0.87, {B} 2.31.", [_roi(A), _roi(B)], "belongs to"),
        ("It returns 2.31.", [_roi(A)], "belongs to"),
        (f"{A} returns 2.31.", [_roi(A), _roi("Nobody")], "is no cell"),
        (f"{A} returns 2.31.", [_roi(A), Reference("secrets", A, "roi")], "is no cell"),
        (f"{A} costs USD 12,346 for 87 days.", [Reference("attribution", A, "spend")], "none of the cells"),
        ("The plan moves twelve channels.", [Reference("counts", "all", "channels")], "none of the cells"),
        ("It starts on 2021-10-18.", [Reference("data", "all", "start")], "none of the cells"),
    ],
    ids=lambda value: "" if isinstance(value, list) else value,
)
def test_a_statement_that_its_references_do_not_support_is_refused(
    text: str, references: list[Reference], why: str, facts: Facts
) -> None:
    problems = ungrounded_in_statement(text, references, facts)
    assert problems
    assert any(why in problem.why for problem in problems)


def test_a_number_in_a_reason_may_be_quoted(facts: Facts) -> None:
    reference = Reference("leaderboard", "adstock|4", "reason")
    assert ungrounded_in_statement("R-hat reached 1.043.", [reference], facts) == []
    assert ungrounded_in_statement("R-hat reached 1.044.", [reference], facts)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("channels", [2, 5, 20, 40])
def test_every_count_of_a_narrative_is_in_the_tables_however_long_the_lists(
    channels: int, seed: int, language: Language
) -> None:
    made = odd_results(channels, seed)
    facts = proposal_facts(result_facts(made), [*data_proposals(made), *model_proposals(made)])
    texts = [*dataclasses.astuple(offline_narratives(made, language)), *verdict(made, language).values()]
    assert any(str(made.window.periods) in text for text in texts)
    assert [problem for text in texts for problem in ungrounded_in_text(text, facts)] == []
