"""A run of the pipeline whose history is in PostgreSQL, through the dagster.yaml that is shipped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from mmm_pipeline.orchestration.headless import build_definitions
from mmm_pipeline.settings.schedule import RefreshCalendar
from mmm_pipeline.storage.home import Home
from mmm_pipeline_tests.deployment.postgres_server import PASSWORD, Server, serve

ROOT = Path(__file__).parents[2]
_FIRST_STAGES = (
    *("media_rows", "kpi_rows", "rejected_rows", "campaign_totals"),
    *("media_matrix", "market_matrix", "kpi_series"),
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    pytest.importorskip("dagster_postgres", reason="the extra `postgres` is not installed")
    with serve() as running:
        yield running


@pytest.fixture(scope="module")
def dagster_home(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A DAGSTER_HOME as the image has it."""
    folder = tmp_path_factory.mktemp("dagster")
    shutil.copy(ROOT / "deploy" / "dagster.yaml", folder)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**server.environment, "DAGSTER_STORAGE_DIR": str(folder / "storage")}.items():
            patch.setenv(name, value)
        yield folder


@pytest.fixture(scope="module")
def run_id(dagster_home: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A finished run of the first two stages on the demo market."""
    config = tmp_path_factory.mktemp("settings") / "pipeline.yaml"
    config.write_text("source: {kind: demo}\n")
    definitions = build_definitions(Home(tmp_path_factory.mktemp("home")), config)
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        result = definitions.resolve_job_def("__ASSET_JOB").execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(name) for name in _FIRST_STAGES],
            partition_key=RefreshCalendar().present().key,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    assert result.success
    return result.run_id


def test_another_process_sees_the_run_and_its_materializations(dagster_home: Path, run_id: str) -> None:
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status == dg.DagsterRunStatus.SUCCESS
        latest = instance.get_latest_materialization_event(dg.AssetKey("media_matrix"))
        assert latest is not None
        assert latest.run_id == run_id
        [check] = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [dg.AssetCheckKey(dg.AssetKey("media_matrix"), "media_matrix_contract")]
        ).values()
        assert check.status.value == "SUCCEEDED"


def test_the_history_is_in_the_database_and_in_no_file(dagster_home: Path, server: Server, run_id: str) -> None:
    dump = server.dump()
    assert f"{run_id}\t" in dump
    assert "ASSET_MATERIALIZATION" in dump
    assert [path.name for path in dagster_home.rglob("*.db")] == []


def test_the_password_is_in_no_table_and_no_file(dagster_home: Path, server: Server, run_id: str) -> None:
    assert PASSWORD not in server.dump()
    files = [path for path in dagster_home.rglob("*") if path.is_file()]
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []


def test_runs_wait_for_the_pool_of_fits(dagster_home: Path, run_id: str) -> None:
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        assert instance.global_op_concurrency_default_limit == 1
        assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"
        assert type(instance.run_launcher).__name__ == "WatchfulRunLauncher"
