"""Results that cannot be right warn in every place from the same judgement."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import arviz as az
import dagster as dg
import numpy as np
import xarray as xr

from mmm_pipeline.cli.result_tables import plausibility_warning
from mmm_pipeline.orchestration.assets.results.decisions import budget_plan
from mmm_pipeline.orchestration.checks.contracts import results_are_plausible
from mmm_pipeline.orchestration.resources.workspace import RunWorkspace
from mmm_pipeline.reporting.page.summary import build_summary
from mmm_pipeline.reporting.text.wording import wording
from mmm_pipeline.storage.artifacts import ArtifactStore
from mmm_pipeline.storage.home import Home
from mmm_pipeline_tests.homes import present
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit
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


def test_every_table_of_the_plan_carries_the_warning_in_the_ui(tmp_path: Path) -> None:
    home, fit = Home(tmp_path), synthetic_fit(channels=3)
    alike = xr.Dataset({"kpi": xr.zeros_like(fit.baseline())})
    fit = dataclasses.replace(fit, inference=az.InferenceData(posterior=fit.posterior, log_likelihood=alike))
    unmoved = dataclasses.replace(fit, data=dataclasses.replace(fit.data, kpi=np.full_like(fit.data.kpi, 1e-6)))
    home.prepare()
    config = tmp_path / "pipeline.yaml"
    config.write_text("budget: {move_unproven: true}\n")
    warned = {}
    for name, stored in (("right", fit), ("wrong", unmoved)):
        ArtifactStore(present(home).artifacts).write_fit("champion_model", stored, fingerprint=name)
        *outputs, _sensitivity = budget_plan(workspace=RunWorkspace(root=str(tmp_path), config=str(config)))
        shown = [{key: value.value for key, value in output.metadata.items()} for output in outputs]
        warned[name] = [str(metadata.get("warning", "")) for metadata in shown]
        verdict = shown[1]["verdict"]

    assert warned["right"] == ["", "", ""]
    assert all(text.startswith(_HEADLINE) for text in warned["wrong"])
    assert verdict == "implausible"
