"""Results that cannot be right warn in every place from the same judgement."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from mmm_pipeline.cli.result_tables import plausibility_warning
from mmm_pipeline.orchestration.checks.contracts import results_are_plausible
from mmm_pipeline.reporting.page.summary import build_summary
from mmm_pipeline.reporting.text.wording import wording
from mmm_pipeline_tests.reporting.findings.test_findings import without_baseline
from mmm_pipeline_tests.reporting.profiled_results import profiled
from mmm_pipeline_tests.reporting.stored_results import stored_results
from mmm_pipeline_tests.reporting.synthetic_results import synthetic_results

_HEADLINE = wording("en")("implausible.headline")


def test_the_check_warns_with_the_sentences_of_the_summary(tmp_path: Path) -> None:
    tables = without_baseline(profiled(synthetic_results(3)))

    result = results_are_plausible(workspace=stored_results(tables, tmp_path))
    summary = build_summary(tables)

    assert isinstance(result, dg.AssetCheckResult)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert summary["plausibility"]["verdict"] == "implausible"
    assert summary["trust"] == "low"
    assert all(reason["text"] in (result.description or "") for reason in summary["plausibility"]["reasons"])
    assert summary["plausibility"]["reasons"][0]["values"]["share"] == 1.0


def test_the_check_passes_where_nothing_speaks_against_the_results(tmp_path: Path) -> None:
    result = results_are_plausible(workspace=stored_results(profiled(synthetic_results(3)), tmp_path))

    assert isinstance(result, dg.AssetCheckResult)
    assert result.passed


def test_the_terminal_prints_the_warning_with_its_reasons_and_nothing_without_one() -> None:
    lines = plausibility_warning(build_summary(without_baseline(synthetic_results(3))))

    assert _HEADLINE in lines[0]
    assert "100% of Sales" in lines[1]
    assert "40 of 87 days" in lines[2]
    assert plausibility_warning(build_summary(synthetic_results(3))) == []
