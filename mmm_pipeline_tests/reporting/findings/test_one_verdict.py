"""Page, narratives, advice, facts, terminal and summary say the same of a channel and of the plan, whatever it is."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
from rich.console import Console

from mmm_pipeline.cli.result_tables import budget_table
from mmm_pipeline.reporting.advice.rules import model_proposals
from mmm_pipeline.reporting.facts.result_facts import result_facts
from mmm_pipeline.reporting.findings.findings import findings
from mmm_pipeline.reporting.narratives.template import budget_report, chart_report, verdict
from mmm_pipeline.reporting.page.summary import build_summary
from mmm_pipeline.reporting.results.tables import ResultTables
from mmm_pipeline_tests.reporting.synthetic_results import resting_on, synthetic_results

CASES = [
    {"seed": 1, "holds_unproven": True},
    {"seed": 2, "holds_unproven": True, "beats_naive": False},
    {"seed": 3, "gain_rests_on": "prior"},
    {"seed": 4, "material": False, "holds_unproven": True},
    {"seed": 5, "quick": True, "converged": False},
    {"seed": 6, "no_plan": "no_spend"},
]


@pytest.fixture(params=CASES, ids=lambda case: " ".join(map(str, case)), scope="module")
def results(request: pytest.FixtureRequest) -> ResultTables:
    """Eight channels of random evidence and probability."""
    rng = np.random.default_rng(request.param["seed"])
    tables = synthetic_results(8, **request.param)
    if not request.param.get("holds_unproven"):
        tables = resting_on(tables, rng.uniform(0, 1, 8).tolist())
    probability = rng.choice([0.999, 0.95, 0.5, 0.02], 8)
    return dataclasses.replace(tables, attribution=tables.attribution.assign(probability_roi_above_1=probability))


def test_nothing_is_said_of_a_channel_that_only_the_prior_tells(results: ResultTables) -> None:
    found, summary = findings(results), build_summary(results)
    opinions = {channel.label for channel in found.channels if channel.rests_on == "prior"}
    assert opinions == found.without_evidence
    assert {row["channel"] for row in summary["channels"] if row["rests_on"] == "prior"} == opinions
    assert {row["evidence"] for row in summary["channels"] if row["channel"] in opinions} <= {"no_evidence"}

    facts = result_facts(results)
    for label in opinions:
        told = facts.cell("attribution", label, "probability_roi_above_1")
        assert told is not None
        assert told.value is None
        assert label not in verdict(results, "en")["channels"].partition("**The models disagree")[0]
        bullet = [line for line in chart_report(results, "en").splitlines() if line.startswith(f"- **{label}**")]
        assert all("probability" not in line for line in bullet)
    widened = {p.about for p in model_proposals(results) if p.code == "widen_bound"}
    assert not widened & opinions
    held = {row["channel"] for row in summary["budget"]["channels"] if row["is_held"]}
    assert held == set(found.held)
    assert held <= opinions
    assert not held & {move.label for move in found.moves}


def test_the_plan_has_one_verdict_in_every_output(results: ResultTables) -> None:
    found, summary = findings(results), build_summary(results)
    assert summary["budget"]["verdict"] == found.plan_verdict
    facts = result_facts(results)
    [row] = facts.tables["budget_summary"].rows
    told = facts.cell("budget_summary", row, "verdict")
    assert told is not None
    assert told.value == found.plan_verdict

    opening, report = verdict(results, "en"), budget_report(results, "en")
    said = opening["headline"] + opening["budget"] + report
    terminal = io.StringIO()
    Console(file=terminal, width=200).print(budget_table(summary))
    advised = any(text in said for text in ("orth doing", "should pay", "eallocating"))
    refused = "o not act on" in said
    assert advised == (found.plan_verdict == "material_gain")
    assert refused == (found.plan_verdict in ("unproven", "not_converged", "implausible"))
    assert ("do not act on" in terminal.getvalue()) == refused
    assert terminal.getvalue().count("(held: no evidence)") == len(found.held)
