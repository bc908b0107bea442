"""Run config and tags come from whoever reaches the launchpad: they choose no folder, read no secret, run no code."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import InProcessTestWorkspaceLoadTarget
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster_graphql.test.utils import execute_dagster_graphql

from mmm_pipeline.orchestration.headless import build_definitions
from mmm_pipeline.storage.home import HOME_VARIABLE, Home
from mmm_pipeline.storage.workspace import Workspace
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit

_SECRET = "do-not-tell-0123456789"
_LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on RunConfigValidationInvalid { errors { message } } } }"""

_FROM_ENVIRONMENT = {"StringSourceType", "IntSourceType", "BoolSourceType"}
_QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}

_HOSTILE = {
    "another home": {"resources": {"workspace": {"config": {"home": "/etc"}}}},
    "another settings file": {"resources": {"workspace": {"config": {"config": "/etc/passwd"}}}},
    "another workspace of the writer": {"resources": {"gemini": {"config": {"workspace": {"home": "/etc"}}}}},
    "another warehouse": {"resources": {"tables": {"config": {"workspace": {"home": "/etc"}}}}},
    "a folder for pickles": {"resources": {"io_manager": {"config": {"base_dir": "/tmp"}}}},
    "SQL as an option": {"ops": {"budget_scenario": {"config": {"sql": "DROP TABLE mmm.budget_plan"}}}},
    "a secret as the name": {"ops": {"budget_scenario": {"config": {"name": {"env": "MMM_TEST_SECRET"}}}}},
    "a secret in a list": {"ops": {"budget_scenario": {"config": {"lock": [{"env": "MMM_TEST_SECRET"}]}}}},
    "a secret as a number": {"ops": {"budget_scenario": {"config": {"horizon": {"env": "MMM_TEST_SECRET"}}}}},
    "a secret as a logger's name": {"loggers": {"console": {"config": {"name": {"env": "MMM_TEST_SECRET"}}}}},
}
_HOSTILE_OPTIONS: list[dict[str, Any]] = [
    {"name": "../../../outside"},
    {"name": "/etc/outside"},
    {"name": "a\0b"},
    {"name": "latest\n"},
    {"budget": "$(touch outside)"},
    {"budget": "1; DROP TABLE mmm.budget_plan"},
    {"bounds": ["nan:inf"]},
    {"bounds": ["2:1"]},
    {"target_kpi": float("nan")},
    {"target_roi": -1.0},
    {"budget": "100%", "target_roi": 1.0},
    {"horizon": 10**9},
]
_UNKNOWN_CHANNEL = {"lock": ["'; DROP TABLE mmm.budget_plan; --"]}
_SCENARIO = [dg.AssetKey("budget_scenario")]
# The scenario and a report, which needs every resource: Dagster does not judge the config of one that is not needed.
_SELECTED = [*_SCENARIO, dg.AssetKey("eda_report")]
# A run in this process ignores its executor's config, so this one is asked of the server only.
_EXECUTOR = {"execution": {"config": {"multiprocess": {"start_method": {"spawn": {}}}}}}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a champion, so that a scenario could be planned."""
    home = Home(tmp_path_factory.mktemp("hostile") / "home")
    home.prepare()
    fit = synthetic_fit(channels=2, days=40, draws=20)
    Workspace(root=str(home.root)).artifacts().write_fit("champion_model", fit, fingerprint="0" * 32)
    return home


@pytest.fixture(scope="module")
def definitions(home: Home) -> dg.Definitions:
    return build_definitions(home, None)


@pytest.fixture(scope="module")
def server(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkspaceRequestContext]:
    """The code location as the webserver sees it."""
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name="mmm_pipeline.definitions")
    origin = InProcessCodeLocationOrigin(target, location_name="mmm_pipeline")
    with (
        pytest.MonkeyPatch.context() as patch,
        dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("instance"))) as instance,
    ):
        patch.setenv(HOME_VARIABLE, str(home.root))
        with WorkspaceProcessContext(instance, InProcessTestWorkspaceLoadTarget(origin)) as context:
            yield context.create_request_context()


def _files(home: Home) -> list[str]:
    return sorted(str(path) for path in home.root.parent.rglob("*"))


def test_no_job_has_a_field_that_reads_the_environment_or_a_file(definitions: dg.Definitions) -> None:
    jobs = definitions.get_repository_def().get_all_jobs()
    types = [(job.name, kind) for job in jobs for kind in _types(job)]
    assert {"refresh", "scenario", "__ASSET_JOB"} <= {job.name for job in jobs}
    assert [(job, kind.key) for job, kind in types if kind.key in _FROM_ENVIRONMENT] == []
    fields = {(job, name) for job, kind in types for name in getattr(kind, "fields", {})}
    assert [(job, name) for job, name in fields if name in ("pickle", "path", "base_dir")] == []


def _types(job: dg.JobDefinition) -> Iterator[Any]:
    return job.run_config_schema.run_config_schema_type.type_iterator()


@pytest.mark.parametrize("config", [*_HOSTILE.values(), _EXECUTOR], ids=[*_HOSTILE, "another executor"])
def test_a_launch_with_hostile_config_is_refused_before_it_starts(
    server: WorkspaceRequestContext, home: Home, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMM_TEST_SECRET", _SECRET)
    before = _files(home)
    selected = [{"path": list(key.path)} for key in _SELECTED]
    answer = _launch(server, config, pipelineName="__ASSET_JOB", assetSelection=selected)
    assert answer["launchRun"]["__typename"] == "RunConfigValidationInvalid"
    assert _SECRET not in str(answer)
    assert server.instance.get_runs() == []
    assert _files(home) == before


def _launch(server: WorkspaceRequestContext, config: dict[str, Any], **selector: Any) -> dict[str, Any]:
    selector |= {"repositoryLocationName": "mmm_pipeline", "repositoryName": "__repository__"}
    params = {"selector": selector, "runConfigData": config, "mode": "default"}
    answer: dict[str, Any] = execute_dagster_graphql(server, _LAUNCH, {"params": params}).data
    return answer


@pytest.mark.parametrize(
    "options", [*_HOSTILE_OPTIONS, {"name": {"env": "MMM_TEST_SECRET"}}, {"ops": {}}, {"resources": {}}], ids=str
)
def test_the_job_refuses_options_that_cannot_be_read_before_there_is_a_run(
    server: WorkspaceRequestContext, home: Home, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMM_TEST_SECRET", _SECRET)
    before = _files(home)
    answer = _launch(server, options, pipelineName="scenario")
    assert answer["launchRun"]["__typename"] in ("RunConfigValidationInvalid", "PythonError")
    assert _SECRET not in str(answer)
    assert server.instance.get_runs() == []
    assert _files(home) == before


def test_the_job_plans_what_its_launchpad_says(definitions: dg.Definitions, home: Home) -> None:
    result = definitions.resolve_job_def("scenario").execute_in_process(run_config={"name": "asked", "budget": "120%"})
    assert result.success
    assert (home.results / "scenarios" / "asked" / "scenario.json").is_file()


@pytest.mark.parametrize("config", _HOSTILE.values(), ids=_HOSTILE)
def test_a_run_in_this_process_is_refused_alike(
    definitions: dg.Definitions, home: Home, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMM_TEST_SECRET", _SECRET)
    before = _files(home)
    with pytest.raises(dg.DagsterInvalidConfigError) as refused:
        definitions.resolve_job_def("__ASSET_JOB").execute_in_process(run_config=config, asset_selection=_SELECTED)
    assert _SECRET not in str(refused.value)
    assert _files(home) == before


@pytest.mark.parametrize("options", [*_HOSTILE_OPTIONS, _UNKNOWN_CHANNEL], ids=str)
def test_hostile_options_of_a_scenario_fail_with_one_message_and_write_nothing(
    definitions: dg.Definitions, home: Home, options: dict[str, Any]
) -> None:
    before = _files(home)
    result = definitions.resolve_job_def("__ASSET_JOB").execute_in_process(
        run_config={"ops": {"budget_scenario": {"config": options}}, "loggers": _QUIET},
        asset_selection=_SCENARIO,
        raise_on_error=False,
    )
    [failure] = [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
    assert failure.cause.cls_name in ("SettingsError", "InfeasibleBudget")
    assert _files(home) == before


def test_an_input_cannot_be_replaced_by_a_pickle(definitions: dg.Definitions, tmp_path: Path) -> None:
    evil, proof = tmp_path / "evil.pkl", tmp_path / "proof"

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {proof}",)

    evil.write_bytes(pickle.dumps(Evil()))
    inputs = {"model_inputs": {"pickle": {"path": str(evil)}}}
    with pytest.raises(dg.DagsterInvalidConfigError):
        definitions.resolve_job_def("__ASSET_JOB").execute_in_process(
            asset_selection=[dg.AssetKey("eda_profile")], run_config={"ops": {"eda_profile": {"inputs": inputs}}}
        )
    assert not proof.exists()


@pytest.mark.parametrize("key", ["../../outside", "/etc/outside", "2026-11-23\n", "2026-11-24", "2099-01-05"])
def test_a_partition_that_does_not_exist_is_refused_and_leads_to_no_other_folder(
    definitions: dg.Definitions, home: Home, key: str
) -> None:
    before = _files(home)
    with dg.DagsterInstance.ephemeral() as instance, pytest.raises((ValueError, dg.DagsterResourceFunctionError)):
        # What is no day is refused by Dagster before there is a run.
        definitions.resolve_job_def("__ASSET_JOB").execute_in_process(
            asset_selection=[dg.AssetKey(["fitted_model", "adstock_2"])],
            tags={"dagster/partition": key},
            run_config={"loggers": _QUIET},
            instance=instance,
        )
    assert _files(home) == before
