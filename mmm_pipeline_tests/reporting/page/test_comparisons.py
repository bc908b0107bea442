"""Disagreement, windows and drift in the report, in both languages."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from mmm_pipeline.reporting.findings.findings import findings
from mmm_pipeline.reporting.narratives.template import chart_report, model_advice, verdict
from mmm_pipeline.reporting.page.comparisons import comparison_notes, comparison_tables
from mmm_pipeline.reporting.page.page_tables import PageTable, page_tables
from mmm_pipeline.reporting.results.tables import Language, ResultTables
from mmm_pipeline.reporting.text.formatting import Formatter
from mmm_pipeline.reporting.text.wording import wording
from mmm_pipeline.settings.pipeline import RankingSettings
from mmm_pipeline.tables.catalog import CONTRACTS, empty_table, violations
from mmm_pipeline_tests.reporting.synthetic_results import synthetic_results

LANGUAGES: tuple[Language, ...] = ("en", "ko")


def _tables(results: ResultTables, language: Language = "en") -> dict[str, PageTable]:
    return comparison_tables(results, findings(results), wording(language), Formatter(language))


def _notes(results: ResultTables, language: Language = "en") -> dict[str, str]:
    return comparison_notes(results, findings(results), wording(language), Formatter(language))


def _with(results: ResultTables, **tables: pd.DataFrame) -> ResultTables:
    for name, table in tables.items():
        assert violations(name, table).empty
    return dataclasses.replace(results, **tables)


def _agreeing(results: ResultTables, **columns: object) -> ResultTables:
    return _with(results, spec_agreement=results.spec_agreement.assign(**columns))


def _rolling(results: ResultTables) -> ResultTables:
    """Two windows of every spec of the leaderboard; the first fit of the champion did not converge."""
    rows = []
    for position, spec in enumerate(results.leaderboard.to_dict("records")):
        for origin in ("2021-11-17", "2021-12-15", None):
            rows.append(
                {
                    "adstock": spec["adstock"],
                    "degrees": spec["degrees"],
                    "origin": pd.Timestamp(origin) if origin else pd.NaT,
                    "is_pooled": origin is None,
                    "train_periods": pd.NA if origin is None else 31,
                    "forecast_periods": 28,
                    "converged": (position, origin) != (0, "2021-11-17"),
                    **dict.fromkeys(("mape", "wape"), 0.123),
                    **dict.fromkeys(("rmse", "crps"), 140.0),
                    **dict.fromkeys(("coverage_50", "coverage_90"), 0.5),
                    "standard_error": 0.012,
                    "naive_error": 0.2,
                    "skill": 0.385,
                }
            )
    return _with(results, rolling_origins=CONTRACTS["rolling_origins"].validate(pd.DataFrame(rows)))


@pytest.mark.parametrize(("language", "said"), [("en", "The models disagree on"), ("ko", "모델마다 판단이 다른 채널")])
def test_disagreement_is_said_where_channels_are_judged(language: Language, said: str) -> None:
    results = synthetic_results(5)
    [disputed] = findings(results).disputed

    for text in (verdict(results, language)["channels"], chart_report(results, language)):
        assert said in text
        assert disputed in text.split(said)[1]
    [row] = _tables(results, language)["agreement"].rows
    assert row[0].text == disputed
    assert disputed in _notes(results, language)["agreement"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_agreement_is_a_line_and_no_table(language: Language) -> None:
    results = _agreeing(synthetic_results(5), verdict="agree")

    assert "agreement" not in _tables(results, language)
    assert "3" in _notes(results, language)["agreement"]
    assert not findings(results).disputed


def test_without_a_second_opinion_nobody_claims_agreement() -> None:
    results = _agreeing(synthetic_results(5), verdict="single_spec", specs=1)
    assert "no second opinion" in _notes(results)["agreement"]


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Only one spec was fitted"), ("ko", "모델을 하나만 적합했으므로")]
)
def test_a_grid_of_one_spec_has_no_rivals_that_failed(language: Language, said: str) -> None:
    several = _agreeing(synthetic_results(5), verdict="single_spec", specs=1)
    alone = dataclasses.replace(several, leaderboard=several.leaderboard.query("is_champion"))

    for results, is_alone in ((alone, True), (several, False)):
        assert (said in _notes(results, language)["agreement"]) is is_alone
        assert (said in model_advice(results, language)) is is_alone
    assert "No other spec" not in model_advice(alone, "en")


def test_a_first_run_says_that_there_is_nothing_to_compare_with() -> None:
    results = synthetic_results(5, refreshed=False)
    assert "drift" not in _tables(results)
    assert "no earlier champion yet" in _notes(results)["drift"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unsupported_flip_is_named_and_marked(language: Language) -> None:
    results = synthetic_results(7)
    labels = findings(results).labels
    flipped = results.drift.loc[results.drift["recommendation"] == "flip_unsupported", "channel"].tolist()
    assert flipped

    note, table = _notes(results, language)["drift"], _tables(results, language)["drift"]

    assert all(labels[name] in note for name in flipped)
    assert {row[0].text for row in table.rows if row[-1].tone == "bad"} == {labels[name] for name in flipped}
    assert [row[0].text for row in table.rows] == list(labels.values())


def test_channels_that_came_or_went_have_no_change() -> None:
    results = synthetic_results(3)
    drift = results.drift.copy()
    figures = ["roi_before", "change", "change_from_media", "change_learned", "change_mcse", "change_sd", "plan_before"]
    drift.loc[0, [*figures, "probability_roi_higher", "direction_before"]] = None
    drift.loc[0, ["verdict", "recommendation"]] = ["new_channel", "not_comparable"]

    label = findings(results).labels[drift.loc[0, "channel"]]

    [row] = [row for row in _tables(_with(results, drift=drift))["drift"].rows if row[0].text == label]

    assert [cell.text for cell in row[1:6]] == ["–", row[2].text, "new channel", "–", row[5].text]
    assert row[2].small == ""


def test_windows_stand_side_by_side_and_a_fit_that_did_not_converge_shows_it() -> None:
    results = _rolling(synthetic_results(3))

    table = _tables(results)["rolling"]

    assert table.header[1:] == ("All windows", "17 Nov 2021", "15 Dec 2021")
    assert [cell.text for cell in table.rows[0][1:]] == ["12.3%"] * 3
    assert table.rows[0][1].small == "± 1.2%"
    assert (table.rows[0][2].small, table.rows[0][2].tone) == ("not converged", "bad")
    assert "2 forecast windows" in _notes(results)["rolling"]


def test_days_that_no_model_saw_are_counted_over_all_windows() -> None:
    results = synthetic_results(3)
    assert findings(results).scored_periods == 28
    assert findings(_rolling(results)).scored_periods == 56
    assert "In 56 days" in verdict(_rolling(results), "en")["trust"]


def test_the_error_that_ranks_is_the_one_that_is_told() -> None:
    results = synthetic_results(3)
    settings = results.settings.model_copy(update={"ranking": RankingSettings(error="crps")})
    by_crps = dataclasses.replace(results, settings=settings)

    champion = results.leaderboard.loc[results.leaderboard["is_champion"]].iloc[0]
    trust = verdict(by_crps, "en")["trust"]

    assert f"missed by {Formatter('en').compact(champion['crps'])} on average" in trust
    assert Formatter("en").percent(champion["mape"], 1) not in trust


def test_an_average_over_the_models_is_shown_when_it_was_made() -> None:
    results = synthetic_results(3)
    assert "averaged" not in _tables(results)
    columns = list(empty_table("averaged_attribution").columns)
    averaged = results.attribution[columns].assign(probability_roi_above_1=0.5)

    table = _tables(_with(results, averaged_attribution=averaged))["averaged"]

    assert len(table.rows) == 3
    contributions = results.attribution["contribution"].sort_values(ascending=False)
    assert [row[1].text for row in table.rows] == [Formatter("en").compact(value) for value in contributions]


@pytest.mark.parametrize(("rows", "doubted"), [([0, 1], False), ([1, 2], True), ([2], False)])
def test_weights_on_unreliable_estimates_say_so(rows: list[int], doubted: bool) -> None:
    results = synthetic_results(3)
    averaged = results.attribution[list(empty_table("averaged_attribution").columns)]
    weight = np.where(np.isin(np.arange(len(results.leaderboard)), rows), 1 / len(rows), np.nan)
    weighted = _with(results, averaged_attribution=averaged, leaderboard=results.leaderboard.assign(weight=weight))

    note = _notes(weighted)["averaged"]

    assert "stacking" in note
    assert ("unreliable here" in note) == doubted


def test_leave_one_out_accuracy_that_cannot_be_believed_is_marked() -> None:
    results = synthetic_results(2)
    board = page_tables(results, findings(results), wording("en"), Formatter("en"))["leaderboard"]
    place = board.header.index("LOO")
    cells = dict(zip(results.leaderboard["loo_status"], (row[place] for row in board.rows), strict=True))

    assert np.array_equal([cells["reliable"].tone, cells["unreliable"].tone], ["", "bad"])
    assert "unreliable" in cells["unreliable"].small
    assert (cells["refused"].text, cells["refused"].small) == ("–", "refused")
