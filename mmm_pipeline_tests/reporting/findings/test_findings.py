"""The judgements that every picture and text shares."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.reporting.findings.findings import findings
from mmm_pipeline.reporting.results.tables import ResultTables
from mmm_pipeline.tables.catalog import empty_table
from mmm_pipeline_tests.reporting.synthetic_results import HOSTILE_NAMES, resting_on, synthetic_results


def _with(tables: ResultTables, name: str, **columns: object) -> ResultTables:
    """The same results with some columns of one table replaced."""
    return dataclasses.replace(tables, **{name: getattr(tables, name).assign(**columns)})


def _judged(opinion: float, probability: float | None) -> str:
    tables = resting_on(synthetic_results(1), opinion)
    tables = _with(tables, "attribution", probability_roi_above_1=pd.Series([probability], dtype=float))
    return findings(tables).channels[0].evidence


@pytest.mark.parametrize(
    ("opinion", "probability", "evidence"),
    [
        (0.2, 0.95, "pays_back"),
        (0.5, 0.95, "pays_back"),
        (0.2, 0.5, "unclear"),
        (0.2, 0.05, "below_spend"),
        (0.7, 0.999, "no_evidence"),
        (0.2, None, "unclear"),
    ],
)
def test_a_channel_is_judged_by_its_probability_unless_the_prior_is_talking(
    opinion: float, probability: float | None, evidence: str
) -> None:
    assert _judged(opinion, probability) == evidence


def test_a_channel_that_nobody_judged_is_not_taken_for_the_datas() -> None:
    tables = synthetic_results(2)
    unjudged = dataclasses.replace(tables, sensitivity=tables.sensitivity.iloc[:0])
    assert {channel.evidence for channel in findings(unjudged).channels} == {"no_evidence"}


def test_a_gain_that_is_the_priors_opinion_is_no_reason_to_move_money() -> None:
    found = findings(synthetic_results(3, gain_rests_on="prior"))
    assert found.plan_verdict == "unproven"
    assert not found.material
    assert findings(synthetic_results(3, gain_rests_on="both")).plan_verdict == "material_gain"


def without_baseline(tables: ResultTables) -> ResultTables:
    """Media credited with all of the KPI, and a negative baseline on most days."""
    fitted = float(tables.contribution_over_time["mean"].sum())
    shares = tables.attribution["contribution"] / tables.attribution["contribution"].sum()
    total = tables.media_total.assign(
        contribution=fitted, share=1.0, share_low=0.8, share_high=1.2, probability_above_kpi=0.5, periods_below_zero=40
    )
    return dataclasses.replace(
        tables, media_total=total, attribution=tables.attribution.assign(contribution=fitted * shares)
    )


def _trust(tables: ResultTables) -> str:
    return findings(tables).trust


def test_results_that_cannot_be_right_judge_no_channel_and_no_plan() -> None:
    tables = resting_on(synthetic_results(3), [0.2, 0.2, 0.8])
    found, refused = findings(tables), findings(without_baseline(tables))
    assert "implausible" not in [channel.evidence for channel in found.channels]
    assert {channel.label: channel.evidence for channel in refused.channels} == {
        "Brand 1 Ad Group 001": "implausible",
        "Brand 2 Ad Group 002": "implausible",
        "Brand 1 Ad Group 003": "no_evidence",
    }
    assert (found.plan_verdict, refused.plan_verdict) == ("material_gain", "implausible")


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        ({}, "material_gain"),
        ({"material": False}, "no_material_gain"),
        ({"quick": True, "converged": False}, "not_converged"),
        ({"no_plan": "no_spend", "converged": False}, "no_plan"),
    ],
)
def test_the_plan_is_judged_by_the_fit_behind_it(results: dict, verdict: str) -> None:
    found = findings(synthetic_results(3, **results))
    assert found.plan_verdict == verdict
    assert found.material == (verdict == "material_gain")


def test_a_champion_whose_fit_on_all_days_did_not_converge_is_hardly_trusted() -> None:
    assert _trust(synthetic_results(5)) != "low"
    assert _trust(synthetic_results(5, converged=False)) == "low"


def test_a_quick_run_is_never_trusted() -> None:
    assert _trust(synthetic_results(5, quick=True)) == "none"


def test_a_champion_that_loses_against_a_naive_forecast_has_low_trust() -> None:
    tables = synthetic_results(5, beats_naive=False)
    found = findings(tables)
    assert (found.trust, found.beats_naive, found.any_beats_naive) == ("low", False, False)


def test_good_trust_needs_skill_coverage_and_evidence() -> None:
    informed = resting_on(synthetic_results(5), 0.2)
    skilled = _with(informed, "leaderboard", skill=0.4)
    assert _trust(skilled) == "good"
    assert _trust(_with(skilled, "leaderboard", coverage_90=0.5)) == "fair"
    assert _trust(resting_on(skilled, 0.8)) == "fair"
    baseless = without_baseline(skilled)
    assert _trust(baseless) == "low"
    assert [reason.code for reason in findings(baseless).implausible] == ["media_share", "baseline_below_zero"]
    assert not findings(baseless).material
    assert findings(skilled).implausible == ()
    assert findings(skilled).material
    assert _trust(_with(informed, "leaderboard", skill=0.05)) == "fair"
    assert _trust(_with(informed, "leaderboard", skill=float("nan"))) == "low"


def test_another_spec_that_beats_the_naive_forecast_is_noticed() -> None:
    tables = synthetic_results(5, beats_naive=False)
    skill = tables.leaderboard["skill"].where(tables.leaderboard["rank"] != 2, 0.1)
    found = findings(_with(tables, "leaderboard", skill=skill))
    assert (found.beats_naive, found.any_beats_naive) == (False, True)


def test_moves_know_limits_locks_and_spend_beyond_the_data() -> None:
    tables = synthetic_results(20)
    plan = tables.budget_plan.set_index("channel")
    largest = tables.response_curves[~tables.response_curves["is_extrapolated"]].groupby("channel")["spend"].max()
    name_of = {label: name for name, label in findings(tables).labels.items()}
    moves = findings(tables).moves
    assert moves
    assert sorted(moves, key=lambda move: -abs(move.change)) == list(moves)
    for move in moves:
        row = plan.loc[name_of[move.label]]
        assert not move.locked
        assert move.beyond_data == (row["optimal_spend"] / 28 > largest[name_of[move.label]])
        assert (move.at_bound == "high") == (row["optimal_spend"] > 0.999 * row["high"])
        assert (move.at_bound == "low") == (row["optimal_spend"] < 1.001 * row["low"])


def test_labels_are_safe_and_different_even_for_names_that_look_alike() -> None:
    labels = list(findings(synthetic_results(HOSTILE_NAMES)).labels.values())
    assert len(set(labels)) == len(HOSTILE_NAMES)
    assert {"ab", "ab (2)"} <= set(labels)
    assert not any("\u202e" in label or "\n" in label for label in labels)


def test_results_without_a_champion_are_refused_with_a_reason() -> None:
    with pytest.raises(StoredResultError, match="no champion"):
        findings(_with(synthetic_results(2), "leaderboard", is_champion=False))


@pytest.mark.parametrize("name", ["leaderboard", "attribution", "budget_summary"])
def test_an_empty_table_is_refused_by_name(name: str) -> None:
    with pytest.raises(StoredResultError, match=name):
        findings(dataclasses.replace(synthetic_results(2), **{name: empty_table(name)}))
