"""The offline narratives: verdict first, honest about what is not known, in both languages."""

from __future__ import annotations

import dataclasses
import re

import pandas as pd
import pytest

from mmm_pipeline.mmm.reasons import Reason, stored_reasons
from mmm_pipeline.reporting.facts.result_facts import result_facts
from mmm_pipeline.reporting.gemini.faults import Reason as Fault
from mmm_pipeline.reporting.grounding.check import ungrounded_in_text
from mmm_pipeline.reporting.narratives.template import (
    budget_report,
    chart_report,
    eda_report,
    offline_narrative,
    offline_narratives,
    verdict,
)
from mmm_pipeline.reporting.results.tables import Language, RowCounts
from mmm_pipeline.reporting.text.formatting import Formatter
from mmm_pipeline.reporting.text.wording import wording
from mmm_pipeline.settings.tables import ControlSettings
from mmm_pipeline_tests.reporting.findings.test_findings import without_baseline
from mmm_pipeline_tests.reporting.profiled_results import profiled
from mmm_pipeline_tests.reporting.synthetic_results import HOSTILE_NAMES, resting_on, synthetic_results

LANGUAGES: tuple[Language, ...] = ("en", "ko")
QUICK = {"en": "Quick run: fewer draws, do not decide on it", "ko": "빠른 실행: 표본이 적으므로 이 결과로 결정하지"}
INSTEAD = {"en": "because Gemini's quota is used up (503)", "ko": "표에서 자동으로 작성한 글입니다. Gemini 사용 한도를"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_narrative_begins_with_its_title_unless_another_writer_was_to_write_it(language: Language) -> None:
    tables = synthetic_results(3)
    texts = offline_narratives(tables, language)
    assert all(text.startswith("# ") for text in (texts.eda, texts.charts, texts.budget, texts.advice))
    instead = offline_narrative("eda_report", tables, language, Fault("quota", "503"))
    assert instead.startswith("*")
    assert INSTEAD[language] in instead.splitlines()[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_quick_run_says_so_before_anything_else(language: Language) -> None:
    texts = offline_narratives(synthetic_results(3, quick=True), language)
    for text in (texts.eda, texts.charts, texts.budget):
        paragraphs = [line for line in text.splitlines() if line and not line.startswith("#")]
        assert QUICK[language] in paragraphs[0]


@pytest.mark.parametrize(("language", "said"), [("en", "does not beat"), ("ko", "낫지 않습니다")])
def test_a_champion_that_does_not_beat_the_naive_forecast_is_the_first_paragraph(language: Language, said: str) -> None:
    text = chart_report(synthetic_results(3, beats_naive=False), language)
    paragraphs = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert said in paragraphs[0]
    assert said not in chart_report(synthetic_results(3), language)


@pytest.mark.parametrize(
    ("language", "named", "unnamed"),
    [
        ("en", ", weekday and the controls (c1 and c2).", ", weekday and the controls."),
        ("ko", ", 통제 변수(c1, c2) 등의", ", 통제 변수 등의"),
    ],
)
def test_controls_are_part_of_the_baseline(language: Language, named: str, unnamed: str) -> None:
    tables = synthetic_results(3)
    assert {"en": "controls", "ko": "통제 변수"}[language] not in chart_report(tables, language)
    for controls, said in (
        ({"columns": ["c1", "c2"], "source": {"kind": "file", "path": "controls.csv"}}, named),
        ({"source": {"kind": "file", "path": "controls.csv"}}, unnamed),
    ):
        settings = tables.settings.model_copy(update={"controls": ControlSettings.model_validate(controls)})
        assert said in chart_report(dataclasses.replace(tables, settings=settings), language)


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "Today means {first} to {last}, the last"), ("ko", "{first}부터 {last}까지를 말합니다")],
)
def test_a_plan_says_what_today_is_where_it_is_unlike_the_mean(language: Language, said: str) -> None:
    tables = synthetic_results(3)
    budget, days = tables.budget_summary.iloc[0], len(tables.window.grid)
    mean, write = float(budget["total_today"]) / int(budget["horizon"]), Formatter(language)
    first = tables.window.grid.date(days - int(budget["horizon"]))
    said = said.format(first=write.date(first), last=write.date(tables.window.end))
    for times, is_told in ((1.2, False), (4.0, True)):
        matrix = pd.DataFrame(
            {"channel": [tables.budget_plan["channel"].iloc[0], "not planned"], "spend": [times * mean * days, 1e9]}
        )
        text = budget_report(dataclasses.replace(tables, media_matrix=matrix), language)
        assert (said in text) is is_told


@pytest.mark.parametrize(("language", "said"), [("en", "No material gain"), ("ko", "의미 있는 이득이 없습니다")])
def test_a_plan_without_material_gain_says_keep_the_split(language: Language, said: str) -> None:
    tables = synthetic_results(6, material=False)
    assert said in budget_report(tables, language)
    assert said in verdict(tables, language)["budget"]
    assert said not in budget_report(synthetic_results(6), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_results_that_cannot_be_right_say_so_before_anything_else(language: Language) -> None:
    tables = without_baseline(synthetic_results(4))
    headline = wording(language)("implausible.headline")
    narratives = dataclasses.astuple(offline_narratives(tables, language))
    for text in narratives:
        first = next(line for line in text.splitlines() if line and not line.startswith("#"))
        assert first == f"**{headline}**"
    said = verdict(tables, language)
    assert said["headline"].strip() == headline
    for worth_it in ("Worth doing", "worth it", "실행할 가치가", "바꿀 가치가"):
        assert not any(worth_it in text for text in (*narratives, *said.values()))
    assert not any(headline in text for text in dataclasses.astuple(offline_narratives(synthetic_results(4), language)))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("budget", "summary", "said"),
    [
        ({"target_kpi": 250_000}, {"objective": "smallest_total", "total_today": 71_234.0}, ["250,000", "71,234"]),
        ({"target_marginal_roi": 1.25}, {"objective": "worthwhile_spend", "total_today": 71_234.0}, ["1.25", "71,234"]),
        (
            {"risk": {"measure": "lower_tail_mean", "probability": 0.2}},
            {"risk_measure": "lower_tail_mean", "risk_value_current": 4321.0, "risk_value_optimal": 5678.0},
            ["20%", "4,321", "5,678"],
        ),
        (
            {"risk": {"measure": "mean_minus_sd", "kappa": 1.5}},
            {"risk_measure": "mean_minus_sd", "risk_value_current": 4321.0, "risk_value_optimal": 5678.0},
            ["1.50", "4,321", "5,678"],
        ),
    ],
    ids=["target", "worthwhile", "tail", "sd"],
)
def test_a_plan_that_was_asked_for_something_else_than_most_kpi_says_what(
    language: Language, budget: dict, summary: dict, said: list[str]
) -> None:
    tables = synthetic_results(6, settings={"budget": budget})
    tables = dataclasses.replace(tables, budget_summary=tables.budget_summary.assign(**summary))
    for text in (budget_report(tables, language), verdict(tables, language)["budget"]):
        assert [figure for figure in said if figure not in text] == []
        assert ungrounded_in_text(text, result_facts(tables)) == []
    plain = budget_report(synthetic_results(6), language)
    assert "Asked for" not in plain
    assert "요청은" not in plain


def test_an_uncertain_model_never_recommends_without_an_if() -> None:
    tables = synthetic_results(6, beats_naive=False)
    assert "If the model is right" in budget_report(tables, "en")
    assert "Reallocating is worth it" not in budget_report(tables, "en")
    assert verdict(tables, "en")["headline"].startswith("If the model is right")


@pytest.mark.parametrize(
    ("language", "advice"), [("en", "a lift test is needed"), ("ko", "리프트 테스트가 필요합니다")]
)
def test_channels_without_evidence_are_named_with_what_to_do(language: Language, advice: str) -> None:
    tables = resting_on(synthetic_results(3), [0.2, 0.8, 0.2])
    text = chart_report(tables, language)
    section = text[text.index(advice) :]
    assert "Brand 2 Ad Group 002" in section.split("##")[0]


def test_every_channel_comes_with_its_interval() -> None:
    text = chart_report(synthetic_results(8), "en")
    bullets = [line for line in text.splitlines() if line.startswith("- **Brand")]
    assert len(bullets) == 8
    assert all(re.search(r"ROI [\d.]+ \([\d.]+ to [\d.]+\)", line) for line in bullets)


def test_long_lists_are_cut_and_counted() -> None:
    text = chart_report(synthetic_results(40), "en")
    assert re.search(r"- The table has all \d+ of them", text)
    assert sum(line.startswith("- **Brand") for line in text.splitlines()) <= 4 * 8


@pytest.mark.parametrize("language", LANGUAGES)
def test_specs_that_could_not_win_are_listed_with_their_reason(language: Language) -> None:
    assert "1.043" in chart_report(synthetic_results(3), language)


@pytest.mark.parametrize(("language", "failed"), [("en", "failed"), ("ko", "실패")])
def test_a_spec_whose_fit_failed_is_named_with_its_reason(language: Language, failed: str) -> None:
    tables = synthetic_results(3)
    board = tables.leaderboard.copy()
    failed_by = Reason("failed", {"error": "MemoryError: no room for 4 chains"})
    told = ["failed", str(failed_by), stored_reasons([failed_by])]
    board.loc[board.index[-1], ["status", "reason", "reasons"]] = told

    text = chart_report(dataclasses.replace(tables, leaderboard=board), language)

    [named] = [line for line in chart_report(tables, language).splitlines() if "1.043" in line]
    [line] = [line for line in text.splitlines() if "no room for 4 chains" in line]
    assert line.startswith(f"{named.partition(':')[0]}: {failed}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_excluded_channels_and_refused_rows_are_told_with_reasons(language: Language) -> None:
    tables = dataclasses.replace(
        synthetic_results(3), rows=RowCounts(1_000, 70, {"unparseable_date": 65, "some_new_reason": 5})
    )
    text = eda_report(tables, language)
    assert "Brand 1 Ad Group 12" in text
    assert "6.5%" in text
    assert {"en": "date cannot be read: 65", "ko": "날짜를 읽을 수 없음: 65"}[language] in text
    assert {"en": "some new reason: 5", "ko": "some_new_reason: 5"}[language] in text.replace("\\", "")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            [
                "Search with Search copy (r = 1.00)",
                "Dead (no spend and no media)",
                "far above what is usual in 1 day(s)",
            ],
        ),
        ("ko", ["Search · Search copy(r = 1.00)", "Dead(지출도 노출도 없음)", "평소보다 훨씬 높은 날이 1일"]),
    ],
)
def test_findings_of_the_profile_become_sentences_of_the_language(language: Language, said: list[str]) -> None:
    text = eda_report(profiled(synthetic_results(3)), language)
    for sentence in said:
        assert sentence in text


def test_a_finding_that_no_phrase_knows_is_still_told() -> None:
    finding = {"code": "brand_new", "severity": "warning", "channel": None, "text": "Something odd.", "values": {}}
    tables = dataclasses.replace(synthetic_results(2), eda_profile={"findings": [finding]})
    assert "- Something odd." in eda_report(tables, "ko")


def test_a_run_without_profile_says_so() -> None:
    assert "not profiled" in eda_report(synthetic_results(2), "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_plan_warns_of_spend_beyond_the_data_and_of_moves_without_evidence(language: Language) -> None:
    text = budget_report(synthetic_results(40), language)
    assert {"en": "**Beyond the data:**", "ko": "**관측 범위 밖:**"}[language] in text
    assert {"en": "**Without evidence:**", "ko": "**근거 없음:**"}[language] in text
    assert {"en": "**Locked:** Brand 2 Ad Group 002", "ko": "채널: Brand 2 Ad Group 002"}[language] in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_roi_is_explained_and_extrapolation_is_called_an_assumption(language: Language) -> None:
    text = chart_report(synthetic_results(2), language)
    assert "**ROI**" in text
    assert {"en": "assumption, not experience", "ko": "경험이 아니라 모델의 가정"}[language] in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_names_stay_text(language: Language) -> None:
    texts = offline_narratives(synthetic_results(HOSTILE_NAMES), language)
    together = texts.eda + texts.charts + texts.budget
    assert "\\<script>" in together
    assert not re.search(r"(?<!\\)<script", together)
    assert "\u202e" not in together


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_channel_is_enough(language: Language) -> None:
    texts = offline_narratives(synthetic_results(1), language)
    assert "Brand 1 Ad Group 001" in texts.charts
