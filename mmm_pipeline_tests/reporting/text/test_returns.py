"""A KPI that is counted is never held against its cost, and its figures keep three digits."""

from __future__ import annotations

import dataclasses
import re

import pandas as pd
import pytest

from mmm_pipeline.reporting.advice.proposals import proposal_facts
from mmm_pipeline.reporting.advice.rules import data_proposals, model_proposals
from mmm_pipeline.reporting.facts.result_facts import result_facts
from mmm_pipeline.reporting.findings.findings import findings
from mmm_pipeline.reporting.grounding.check import ungrounded_in_text
from mmm_pipeline.reporting.page.summary import build_summary
from mmm_pipeline.reporting.results.returns import Returns
from mmm_pipeline.reporting.results.tables import Language, ResultTables
from mmm_pipeline.reporting.text.returns import returns_of, stated
from mmm_pipeline_tests.reporting.conftest import WrittenReport, written_report
from mmm_pipeline_tests.reporting.narratives.test_templates import LANGUAGES, texts_of
from mmm_pipeline_tests.reporting.synthetic_results import synthetic_results

_DEAR = 25_000.0  # currency per unit of KPI
_SPENT = ("spend", "total", "total_today", "current_spend", "optimal_spend", "change", "low", "high", "amount")
_AGAINST_COST = re.compile(
    r"brings? back|below 1|above 1(?![.\d])|ROI|than (?:it|they) costs?\b|돌아[오옴]|쓴 것보다|(?<![.\d])1을 넘|0\.0000"
)


def counted(channels: int = 6, *, kind: str = "auto") -> ResultTables:
    """Orders whose every unit costs about as much as a car part, in a currency of small value."""
    settings = {
        "columns": {"kpi": "Orders"},
        "kpi": {"kind": kind},
        "report": {"languages": ["en", "ko"], "currency": "KRW"},
    }
    tables = synthetic_results(channels, settings=settings)
    frames = {}
    for name in ("attribution", "media_total", "budget_plan", "budget_summary", "reallocation", "response_curves"):
        frame = getattr(tables, name).copy()
        money = [
            column
            for column in frame.columns
            if column in _SPENT and not (name == "response_curves" and column != "spend")
        ]
        frame[money] *= _DEAR
        returns = [column for column in frame.columns if "roi" in column and not column.startswith("probability")]
        frame[returns] /= _DEAR
        costs = [column for column in frame.columns if column.startswith("cost_per_kpi")]
        frame[costs] *= _DEAR
        frames[name] = frame
    agreement = tables.spec_agreement.copy()
    agreement[["roi_champion", "roi_lowest", "roi_highest", "band_low", "band_high"]] /= _DEAR
    density = tables.prior_posterior_density.assign(
        roi=tables.prior_posterior_density["roi"] / _DEAR, density=tables.prior_posterior_density["density"] * _DEAR
    )
    return dataclasses.replace(tables, spec_agreement=agreement, prior_posterior_density=density, **frames)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> WrittenReport:
    return written_report(counted(), tmp_path_factory.mktemp("counted"), ("roi", "marginal_roi"))


def test_returns_of_a_count_are_stated_per_a_power_of_ten_that_leaves_readable_figures() -> None:
    tables = counted()
    returns = returns_of(tables)
    overall = float(tables.media_total["roi"].iloc[0])

    assert (returns.is_money, returns.per) == (False, 100_000.0)
    assert 1 <= overall * returns.per < 10
    shown = stated(tables)
    pd.testing.assert_series_equal(shown.attribution["roi"], tables.attribution["roi"] * 1e5)
    pd.testing.assert_series_equal(
        shown.budget_plan["marginal_roi_optimal"], tables.budget_plan["marginal_roi_optimal"] * 1e5
    )
    assert stated(shown) is shown


def test_a_density_keeps_its_area_in_the_new_unit() -> None:
    table = pd.DataFrame({"roi": [0.0, 1e-5, 2e-5], "density": [0.0, 1e5, 0.0]})

    scaled = Returns(is_money=False, per=1e5).scaled("prior_posterior_density", table)

    assert scaled.to_dict("list") == {"roi": [0.0, 1.0, 2.0], "density": [0.0, 1.0, 0.0]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_holds_a_count_against_its_cost(language: Language) -> None:
    tables = counted()
    texts = texts_of(tables, language)

    assert [match for text in texts for match in _AGAINST_COST.findall(text)] == []
    assert any({"en": "Orders per KRW 100,000", "ko": "KRW 100,000당 Orders"}[language] in text for text in texts)
    facts = proposal_facts(result_facts(tables), [*data_proposals(tables), *model_proposals(tables)])
    assert [problem for text in texts for problem in ungrounded_in_text(text, facts)] == []


def test_no_page_holds_a_count_against_its_cost(report: WrittenReport) -> None:
    for path in report.files.markdown:
        text = path.read_text(encoding="utf-8").split("kpi.kind")[0]
        rest = "\n".join(line for line in text.splitlines() if "budget." not in line and "priors." not in line)
        assert _AGAINST_COST.findall(rest) == [], path.name
        assert "KRW 25," in text or "KRW 1" in text


def test_money_says_the_same_as_ever() -> None:
    tables = synthetic_results(6)

    assert stated(tables).attribution is tables.attribution
    assert findings(tables).returns.is_money
    assert "ROI" in texts_of(tables, "en")[1]


def test_a_count_is_told_as_such_to_machines_and_to_a_language_model() -> None:
    tables = counted()
    summary, facts = build_summary(tables), result_facts(tables)

    assert summary["kpi"] == {"name": "Orders", "kind": "count"}
    assert {channel["evidence"] for channel in summary["channels"]} <= {"measured", "no_evidence"}
    assert summary["channels"][0]["roi"] == pytest.approx(tables.attribution["roi"].iloc[0])
    assert facts.cell("run", "all", "kpi_kind").value == "count"
    assert facts.cell("definitions", "all", "break_even_roi").value is None
    assert all(cell.value is None for cell in facts.cells() if cell.column.name == "probability_roi_above_1")


def test_the_setting_makes_orders_money_again() -> None:
    assert findings(counted(kind="money")).channels[0].evidence in (
        "pays_back",
        "below_spend",
        "unclear",
        "no_evidence",
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_captions_name_the_unit(report: WrittenReport, language: Language) -> None:
    chart = next(chart for chart in report.charts[language] if chart.name == "roi")
    assert "100,000" in chart.title
    assert not _AGAINST_COST.search(chart.caption + chart.alt)
