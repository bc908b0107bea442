"""What fixed rules suggest: only what the tables call for, with a reason in every language that is true."""

from __future__ import annotations

import dataclasses

from mmm_pipeline.reporting.advice.changes import change_problems
from mmm_pipeline.reporting.advice.proposals import Proposal, proposal_facts
from mmm_pipeline.reporting.advice.rules import all_channels, data_proposals, model_proposals
from mmm_pipeline.reporting.facts.result_facts import result_facts
from mmm_pipeline.reporting.grounding.check import ungrounded_in_text
from mmm_pipeline.reporting.results.tables import ResultTables
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline_tests.reporting.synthetic_results import synthetic_results


def _codes(proposals: list[Proposal]) -> dict[str, list[str | None]]:
    found: dict[str, list[str | None]] = {}
    for proposal in proposals:
        found.setdefault(proposal.code, []).append(proposal.change.channel)
    return found


def _with_finding(tables: ResultTables, code: str, channel: str, **values: object) -> ResultTables:
    finding = {"code": code, "severity": "warning", "channel": channel, "text": "", "values": values}
    return dataclasses.replace(tables, eda_profile={"findings": [finding]})


def test_a_channel_active_on_a_handful_of_days_is_to_be_excluded() -> None:
    tables, name = synthetic_results(3), "Brand 2 Ad Group 002"
    few = _with_finding(tables, "few_active_periods", name, active_periods=4, train_periods=59)
    assert _codes(data_proposals(few)) == {"exclude_few_days": [name]}
    enough = _with_finding(tables, "few_active_periods", name, active_periods=20, train_periods=59)
    assert data_proposals(enough) == []


def test_the_last_channel_is_never_excluded() -> None:
    tables = _with_finding(synthetic_results(1), "negligible_spend", "Brand 1 Ad Group 001", spend_share=0.0001)
    excluded = dataclasses.replace(tables, excluded_channels=tables.excluded_channels.head(0))
    assert data_proposals(excluded) == []


def test_moves_without_evidence_are_to_be_locked_and_moves_beyond_the_data_bounded() -> None:
    tables = synthetic_results(40, seed=2)
    found = _codes(model_proposals(tables))
    assert found["lock_blind"]
    assert found["bound_to_data"]
    blind = tables.sensitivity.loc[tables.sensitivity["evidence"] == "prior", "channel"]
    assert set(found["lock_blind"]) <= set(blind)
    assert not set(found["lock_blind"]) & set(found["bound_to_data"])


def test_a_bound_to_the_data_is_what_was_observed() -> None:
    tables = synthetic_results(40, seed=2)
    curves = tables.response_curves[~tables.response_curves["is_extrapolated"]]
    for proposal in model_proposals(tables):
        if proposal.code == "bound_to_data":
            own = curves[curves["channel"] == proposal.change.channel]
            today = float(own.loc[own["is_current"], "spend"].iloc[0])
            assert proposal.change.numbers[1] * today <= float(own["spend"].max()) * (1 + 1e-9)


def test_a_quick_run_asks_for_no_longer_warmup() -> None:
    assert "longer_warmup" in _codes(model_proposals(synthetic_results(3)))
    assert "longer_warmup" not in _codes(model_proposals(synthetic_results(3, quick=True)))


def test_a_year_of_data_keeps_its_seasons() -> None:
    assert "fewer_degrees" in _codes(model_proposals(synthetic_results(3)))
    assert "fewer_degrees" not in _codes(model_proposals(synthetic_results(3, days=400)))


def test_days_far_from_the_usual_call_for_noise_that_bears_them() -> None:
    usual = synthetic_results(3)
    outliers = [{"date": f"2021-11-0{day}", "value": 9.0, "expected": 1.0, "score": 9.0} for day in (1, 2, 3)]
    spiky = dataclasses.replace(usual, eda_profile={"kpi": {"outliers": outliers}})
    [proposal] = [each for each in model_proposals(spiky) if each.code == "spiky_kpi"]
    assert (proposal.change.setting, proposal.change.choice) == ("model.noise", "student_t")
    assert "Sales was far from what is usual in 3 days" in proposal.why["en"]
    assert "spiky_kpi" not in _codes(model_proposals(usual))
    robust = dataclasses.replace(spiky, settings=parse_settings({"model": {"noise": "student_t"}}))
    assert "spiky_kpi" not in _codes(model_proposals(robust))


def test_a_close_race_is_to_be_run_again_where_there_are_days_for_it() -> None:
    def with_runner_up(lead: float, days: int) -> ResultTables:
        tables = synthetic_results(3, days=days)
        board = tables.leaderboard.copy()
        best = float(board.loc[board["is_champion"], "mape"].iloc[0])
        board.loc[(board["status"] == "converged") & ~board["is_champion"], "mape"] = best * (1 + lead)
        return dataclasses.replace(tables, leaderboard=board)

    assert "more_windows" in _codes(model_proposals(with_runner_up(0.05, 300)))
    assert "more_windows" not in _codes(model_proposals(with_runner_up(0.3, 300)))
    assert "more_windows" not in _codes(model_proposals(with_runner_up(0.05, 90)))


def test_all_proposals_hold_together_and_every_reason_is_true_in_every_language() -> None:
    tables = synthetic_results(40, seed=2)
    proposals = [*data_proposals(tables), *model_proposals(tables)]
    changes = [proposal.change for proposal in proposals]
    assert change_problems(changes, tables.settings, all_channels(tables)) == []
    facts = proposal_facts(result_facts(tables), proposals)
    for proposal in proposals:
        assert set(proposal.why) == {"en", "ko"}
        assert [ungrounded_in_text(text, facts) for text in proposal.why.values()] == [[], []]
