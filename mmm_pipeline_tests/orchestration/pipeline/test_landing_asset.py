"""With `landing.file` set, a run merges the export into the table and then reads the table."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from mmm_pipeline.orchestration.headless import build_definitions
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline_tests.homes import present

INGESTED = ("media_rows", "kpi_rows", "rejected_rows", "campaign_totals")


def run(home: Home, config: Path) -> dg.ExecuteInProcessResult:
    job = dg.define_asset_job("land", selection=dg.AssetSelection.assets("landed_campaigns", *INGESTED))
    definitions = dg.Definitions.merge(build_definitions(home, config), dg.Definitions(jobs=[job]))
    return definitions.resolve_job_def("land").execute_in_process(partition_key=present(home).key)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "pipeline.yaml"
    path.write_text(
        "source: {kind: duckdb, path: campaigns.duckdb, table: campaigns}\nlanding: {file: export.csv}\n",
        encoding="utf-8",
    )
    return path


def test_every_run_lands_the_export_before_it_reads_the_table(
    tmp_path: Path, config: Path, small_campaign: Path
) -> None:
    home = Home(tmp_path / "home")
    (tmp_path / "export.csv").write_bytes(small_campaign.read_bytes())

    runs = [run(home, config), run(home, config)]

    landed = [
        event.materialization.metadata
        for result in runs
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey("landed_campaigns")
    ]
    assert landed[0]["inserted"].value == landed[1]["replaced"].value > 700
    assert landed[1]["inserted"].value == landed[0]["replaced"].value == 0
    warehouse = DuckDBWarehouse(present(home).warehouse_file)
    assert warehouse.row_count("media_rows") == landed[0]["inserted"].value
    assert warehouse.row_count("rejected_rows") == 0


def test_the_asset_is_there_only_when_there_is_something_to_land(tmp_path: Path, config: Path) -> None:
    key = dg.AssetKey("landed_campaigns")
    graph = build_definitions(Home(tmp_path), config).resolve_asset_graph()
    assert graph.get(dg.AssetKey("media_rows")).parent_keys == {key}
    assert key not in build_definitions(Home(tmp_path), None).resolve_asset_graph().get_all_asset_keys()
