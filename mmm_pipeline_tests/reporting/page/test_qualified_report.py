"""Results that cannot be right, fits that did not converge, moves without evidence: nothing says the contrary."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from rich.table import Table

from mmm_pipeline.cli.result_tables import budget_table
from mmm_pipeline.mmm.budget.reallocation import reallocation
from mmm_pipeline.reporting.facts.result_facts import result_facts
from mmm_pipeline.reporting.findings.findings import findings
from mmm_pipeline.reporting.grounding.check import ungrounded_in_text
from mmm_pipeline.reporting.narratives.template import budget_report, offline_narratives, verdict
from mmm_pipeline.reporting.page.summary import build_summary
from mmm_pipeline.reporting.results.tables import Language, ResultTables
from mmm_pipeline.reporting.text.wording import wording
from mmm_pipeline.tables.catalog import CONTRACTS
from mmm_pipeline_tests.reporting.conftest import WrittenReport, written_report
from mmm_pipeline_tests.reporting.findings.test_findings import without_baseline
from mmm_pipeline_tests.reporting.synthetic_results import resting_on, synthetic_results

LANGUAGES: tuple[Language, ...] = ("en", "ko")
_DRAWN = ("roi", "budget", "marginal_roi", "kpi_forecast")
CLAIMS: dict[Language, tuple[str, ...]] = {
    "en": (
        "at least 90%",
        "more than they cost",
        "ROI above 1",
        "ROI below 1",
        "around 1 or unclear",
        "expected from the plan",
        "By the best estimate, media caused",
        "is a gain at all",
        "a proven bound",
    ),
    "ko": (
        "쓴 것보다 많이 돌아",
        "ROI 1 초과",
        "ROI 1 미만",
        "1 부근이거나 불확실",
        "계획이 가져올 Sales 변화",
        "로 추정됩니다. 나머지는",
        "이득일 확률",
        "증명된 한계",
        "90% 이상의 확률",
    ),
}
"""What only results that can be right may say."""


def _judging() -> ResultTables:
    """Channels that pay, lose and are unclear, each with evidence, and a plan that gains."""
    tables = resting_on(synthetic_results(4), [0.2, 0.2, 0.2, 0.8])
    judged = tables.attribution.assign(probability_roi_above_1=[0.98, 0.03, 0.5, 0.99])
    return dataclasses.replace(tables, attribution=judged)


@pytest.fixture(scope="module")
def believed(tmp_path_factory: pytest.TempPathFactory) -> WrittenReport:
    return written_report(_judging(), tmp_path_factory.mktemp("believed"), _DRAWN)


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> WrittenReport:
    return written_report(without_baseline(_judging()), tmp_path_factory.mktemp("refused"), _DRAWN)


def _printed(table: Table) -> str:
    written = io.StringIO()
    Console(file=written, width=200).print(table)
    return written.getvalue()


def _words_of(report: WrittenReport, language: Language) -> str:
    """The page's article, the Markdown report, the narratives and the pictures' words of one language."""
    html = report.files.html.read_text(encoding="utf-8").split(f'id="{language}-appendix"')[0]
    article = html[html.index(f'<article class="language language-{language}"') :]
    markdown = report.files.markdown[LANGUAGES.index(language)].read_text(encoding="utf-8")
    pictures = [text for chart in report.charts[language] for text in (chart.caption, chart.alt)]
    return "\n".join([article, markdown, *dataclasses.astuple(offline_narratives(report.tables, language)), *pictures])


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_contradicts_the_warning_that_results_cannot_be_right(
    language: Language, believed: WrittenReport, refused: WrittenReport
) -> None:
    usual, said = _words_of(believed, language), _words_of(refused, language)
    assert [claim for claim in CLAIMS[language] if claim not in usual] == [], "claims that would be missed"
    assert [claim for claim in CLAIMS[language] if claim in said] == []
    words = wording(language)
    assert words("evidence.implausible") in said
    assert words("page.implausible_note") in said
    assert words("evidence.no_evidence") in said, "what the data cannot tell stays told"


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_of_a_qualified_narrative_are_those_of_the_tables(language: Language) -> None:
    for tables in (without_baseline(_judging()), synthetic_results(5, quick=True, converged=False)):
        facts = result_facts(tables)
        narratives = offline_narratives(tables, language)
        for text in (narratives.charts, narratives.budget, *verdict(tables, language).values()):
            assert ungrounded_in_text(text, facts) == []


def test_pictures_of_channels_carry_the_warning_and_those_of_the_forecast_do_not(
    believed: WrittenReport, refused: WrittenReport
) -> None:
    usual = {chart.name: chart for chart in believed.charts["en"]}
    for chart in refused.charts["en"]:
        plain, warned = (np.asarray(Image.open(each.path).convert("RGB")) for each in (usual[chart.name], chart))
        if chart.name == "kpi_forecast":
            assert np.array_equal(plain, warned)
            continue
        strip = len(warned) - len(plain)
        assert strip > 0
        assert (warned[: strip - 2] != 255).any(axis=2).all(), "a coloured strip above everything"
        assert chart.caption.startswith(wording("en")("implausible.headline"))
        assert chart.alt.startswith(wording("en")("implausible.headline"))


def test_summary_and_terminal_judge_neither_channels_nor_plan() -> None:
    tables = without_baseline(_judging())
    summary = build_summary(tables)
    assert build_summary(_judging())["budget"]["verdict"] == "material_gain"
    assert summary["budget"]["verdict"] == "implausible"
    assert [row["evidence"] for row in summary["channels"]] == ["implausible"] * 3 + ["no_evidence"]
    assert "do not act on this plan" in _printed(budget_table(summary))
    assert "do not act" not in _printed(budget_table(build_summary(_judging())))


@pytest.mark.parametrize(
    ("language", "headline", "budget"),
    [
        ("en", "did not converge: no figure here can be used yet", "Do not act on"),
        ("ko", "수렴하지 않아 아직 어떤 수치도", "실행하지 마십시오"),
    ],
)
def test_a_plan_of_a_fit_that_did_not_converge_is_not_recommended(
    language: Language, headline: str, budget: str, tmp_path: Path
) -> None:
    tables = synthetic_results(5, quick=True, converged=False)
    said, usual = verdict(tables, language), verdict(synthetic_results(5, quick=True), language)
    unconverged = wording(language)("not_converged")
    assert headline in said["headline"]
    assert unconverged in said["trust"]
    assert budget in said["budget"]
    assert not any(headline in text or unconverged in text or budget in text for text in usual.values())
    narratives = offline_narratives(tables, language)
    for text in (narratives.charts, narratives.budget, narratives.advice):
        assert unconverged in text
    assert budget in narratives.budget
    report = written_report(tables, tmp_path, ("budget",))
    text = report.files.markdown[LANGUAGES.index(language)].read_text(encoding="utf-8")
    assert {"en": "expected from the plan", "ko": "계획이 가져올 Sales 변화"}[language] not in text
    assert build_summary(tables)["budget"]["verdict"] == "not_converged"


def _moving_blind() -> tuple[ResultTables, str, str]:
    """A plan that moves most to one channel without evidence, and next to nothing from another."""
    tables = synthetic_results(6)
    plan = tables.budget_plan
    free = plan[~plan["is_locked"]]
    up, small = free["change"].idxmax(), free["change"].abs().idxmin()
    least = -0.002 * float(plan["current_spend"].sum())
    plan.loc[small, ["optimal_spend", "change"]] = [float(plan.loc[small, "current_spend"]) + least, least]
    moves = reallocation(plan, [np.arange(len(plan))])
    tables = resting_on(tables, np.where(plan.index.isin([up, small]), 0.8, 0.2).tolist())
    tables = dataclasses.replace(
        tables,
        budget_plan=plan,
        reallocation=CONTRACTS["reallocation"].validate(moves),
    )
    return tables, str(plan.loc[up, "channel"]), str(plan.loc[small, "channel"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_move_without_evidence_is_tagged_wherever_it_stands(language: Language, tmp_path: Path) -> None:
    tables, largest, smallest = _moving_blind()
    tag = wording(language)("mind.no_evidence")
    assert findings(tables).increases[0].label == largest
    assert smallest not in [move.label for move in findings(tables).moves], "too small for a sentence of its own"

    assert f"{largest} ({tag})" in verdict(tables, language)["budget"]
    [row] = [line for line in budget_report(tables, language).splitlines() if line.startswith(f"| {largest} |")]
    assert tag in row
    report = written_report(tables, tmp_path, ("budget",))
    lines = report.files.markdown[LANGUAGES.index(language)].read_text(encoding="utf-8").splitlines()
    budget, moved = (_rows(lines, wording(language)(f"tables.{name}")) for name in ("budget", "reallocation"))
    for name in (largest, smallest):
        [line] = [line for line in budget if line.startswith(f"| {name} ")]
        assert tag in line.split("|")[1]
    cells = [cell for line in moved for cell in line.split("|")[1:3] if largest in cell or smallest in cell]
    assert cells
    assert all(f"({tag})" in cell for cell in cells)


def _rows(lines: list[str], header: str) -> list[str]:
    """Rows of the table with this header in a Markdown report."""
    start = next(at for at, line in enumerate(lines) if " ".join(line.strip("| ").split()) == header) + 2
    end = next(at for at in range(start, len(lines)) if not lines[at].startswith("|"))
    return lines[start:end]


def test_the_terminal_tags_moves_without_evidence() -> None:
    tables, largest, smallest = _moving_blind()
    shown = _printed(budget_table(build_summary(tables)))
    for name in (largest, smallest):
        assert f"{name} (no evidence)" in shown
    assert shown.count("(no evidence)") == 2
