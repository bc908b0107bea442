"""The narrative assets in Dagster: who wrote, what it cost, what is kept, and when they refuse."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mmm_pipeline.orchestration.assets.reporting import narratives
from mmm_pipeline.orchestration.checks.narratives import narrative_checks, narrative_problems
from mmm_pipeline.orchestration.resources.gemini import KEY_VARIABLE, URL_VARIABLE, Gemini
from mmm_pipeline.orchestration.resources.workspace import RunWorkspace
from mmm_pipeline.reporting.narratives.names import NARRATIVES
from mmm_pipeline.reporting.results.stored import result_tables
from mmm_pipeline.reporting.text.wording import wording
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline_tests.reporting.gemini.stand_in import KEY, Fault, StandIn, serve
from mmm_pipeline_tests.reporting.profiled_results import profiled
from mmm_pipeline_tests.reporting.stored_results import stored_results
from mmm_pipeline_tests.reporting.synthetic_results import synthetic_results

MADE = profiled(synthetic_results(4), days=87)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in that the environment points to, as it would to Gemini."""
    with serve() as state:
        monkeypatch.setenv(KEY_VARIABLE, KEY)
        monkeypatch.setenv(URL_VARIABLE, state.url)
        yield state


def _workspace(folder: Path, **report: Any) -> RunWorkspace:
    settings = {"report": {"languages": ["en", "ko"], **report}, "gemini": {"attempts": 1}}
    return stored_results(dataclasses.replace(MADE, settings=parse_settings(settings)), folder)


def _materialize(workspace: RunWorkspace, *names: str) -> dg.ExecuteInProcessResult:
    wanted = {dg.AssetCheckKey(dg.AssetKey(name), f"{name}_figures") for name in names}
    return dg.materialize(
        [
            *(getattr(narratives, name) for name in names),
            *(check for check in narrative_checks() if wanted & set(check.check_keys)),
        ],
        resources={"workspace": workspace, "gemini": Gemini(workspace=workspace)},
        raise_on_error=False,
    )


def _metadata(result: dg.ExecuteInProcessResult, name: str) -> dict[str, Any]:
    [event] = result.asset_materializations_for_node(name)
    return {key: value.value for key, value in event.metadata.items()}


def test_without_a_key_the_template_writes_and_the_metadata_say_so(tmp_path: Path) -> None:
    workspace = _workspace(tmp_path)
    result, words = _materialize(workspace, *NARRATIVES), wording("en")
    assert result.success
    for name in NARRATIVES:
        metadata = _metadata(result, name)
        assert (metadata["source"], metadata["reason"], metadata["tokens"]) == ("template", "no_key", 0)
        first = workspace.artifacts().read_text(f"{name}.en", ".md").splitlines()[0]
        assert first == f"# {words(f'narrative.title.{name}')}", "nobody else was to write it: no note"
    assert [check.passed for check in result.get_asset_check_evaluations()] == [True] * 4


def test_with_a_key_gemini_writes_and_the_metadata_tell_what_it_cost(tmp_path: Path, server: StandIn) -> None:
    workspace = _workspace(tmp_path)
    result = _materialize(workspace, "budget_report")
    metadata = _metadata(result, "budget_report")
    wanted = {"source": "gemini", "tokens": 1000, "finish_reason": "STOP", "model_version": "gemini-3.8-flash-001"}
    assert {key: metadata[key] for key in wanted} == wanted
    assert {f"{key}_ko" for key in ("source", "tokens", "prompt_sha256", "seconds")} <= set(metadata)
    assert metadata["prompt_sha256"] != metadata["prompt_sha256_ko"]
    stored = workspace.artifacts().read_json("budget_report.ko")
    assert stored["document"]["summary"][0]["figures"][0]["table"] == "run"
    assert [check.passed for check in result.get_asset_check_evaluations()] == [True]

    path = workspace.artifacts().path("budget_report.en", suffix=".json")
    path.write_text(path.read_text().replace("The data covers 87 days", "The data covers 97 days"))
    [problem] = narrative_problems("budget_report", "en", result_tables(workspace), workspace.artifacts())
    assert (problem.figure, problem.sentence) == ("97", "The data covers 97 days.")

    assert KEY not in repr(Gemini(workspace=workspace))
    assert [file for file in tmp_path.rglob("*") if file.is_file() and KEY.encode() in file.read_bytes()] == []


def test_strict_fails_instead_of_falling_back(tmp_path: Path, server: StandIn) -> None:
    server.faults[:] = [Fault(finish="SAFETY")]
    result = _materialize(_workspace(tmp_path, strict=True), "budget_report")
    assert not result.success
    [failure] = [event for event in result.all_events if event.is_step_failure]
    assert "blocked (SAFETY)" in str(failure.step_failure_data.error)
