"""The pipeline's tables in a BigQuery dataset."""

from __future__ import annotations

import time
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from mmm_pipeline.errors import StoredResultError, WarehouseError
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline.settings.schedule import RefreshCalendar
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.warehouse.bigquery.warehouse import ORDER_COLUMN, BigQueryWarehouse
from mmm_pipeline.storage.warehouses import open_warehouse
from mmm_pipeline.tables.catalog import CONTRACTS, empty_table, violations
from mmm_pipeline_tests.reporting.synthetic_results import synthetic_results
from mmm_pipeline_tests.storage.bigquery.conftest import Put, client_of
from mmm_pipeline_tests.storage.bigquery.faulty_proxy import Fault, Proxy


@pytest.fixture
def warehouse(proxy: Proxy, dataset: str, tmp_path: Path) -> BigQueryWarehouse:
    settings = parse_settings(
        {"warehouse": {"kind": "bigquery", "dataset": dataset}, "bigquery": {"deadline_seconds": 30}}
    )
    opened = open_warehouse(settings, Home(tmp_path).refresh("2025-03-24"))
    assert isinstance(opened, BigQueryWarehouse)
    return opened


def test_tables_come_back_as_they_were_written_and_in_their_order(warehouse: BigQueryWarehouse) -> None:
    board = synthetic_results(7).leaderboard.iloc[::-1].reset_index(drop=True)
    warehouse.write_table("leaderboard", board)

    back = warehouse.read_table("leaderboard", coerce=False)

    pd.testing.assert_frame_equal(
        warehouse.read_table("leaderboard")[["adstock", "degrees", "mape"]], board[["adstock", "degrees", "mape"]]
    )
    assert violations("leaderboard", back).empty
    assert warehouse.read_table("leaderboard", limit=2)["adstock"].tolist() == board["adstock"].tolist()[:2]
    assert warehouse.row_count("leaderboard") == len(board)


@pytest.mark.parametrize("name", ["rejected_rows", "budget_summary"])
def test_an_empty_table_keeps_the_types_of_its_contract(warehouse: BigQueryWarehouse, name: str) -> None:
    warehouse.write_table(name, empty_table(name))

    back = warehouse.read_table(name)
    assert back.empty
    assert {column: str(kind) for column, kind in back.dtypes.items()} == {
        column: str(kind) for column, kind in empty_table(name).dtypes.items()
    }


def test_rows_that_break_a_contract_are_found_by_sql(warehouse: BigQueryWarehouse) -> None:
    rows = pd.DataFrame(
        {
            "line_number": range(2, 6),
            "date": pd.Timestamp("2025-01-01"),
            "channel": ["A", "", "B", "C"],
            "kind": ["paid", "paid", "paid", "free"],
            "media_units": [1.0, 1.0, np.inf, 1.0],
            "spend": [1.0, 1.0, 1.0, -2.0],
            "kpi": 1.0,
            "brand": None,
            "marketplace": None,
            "market": None,
        }
    )
    warehouse.write_table("media_rows", rows)
    found = warehouse.contract_violations("media_rows")
    assert set(zip(found["column"], found["value"], strict=True)) == {
        ("channel", ""), ("media_units", "inf"), ("spend", "-2.0"), ("kind", "free"),
    }  # fmt: skip

    warehouse.write_table("media_rows", rows.iloc[:1])
    assert warehouse.contract_violations("media_rows").empty
    warehouse.drop_table("media_rows")  # the emulator keeps the columns of a table that is replaced
    warehouse.write_table("media_rows", rows.iloc[:1].drop(columns="kpi"))
    assert "kpi" in warehouse.contract_violations("media_rows").to_string()


def test_a_write_that_fails_leaves_the_table_as_it_was(warehouse: BigQueryWarehouse, proxy: Proxy) -> None:
    warehouse.write_table("numbers", pd.DataFrame({"number": [1, 2]}))
    proxy.faults.append(Fault("POST .*/upload/", 403, "quotaExceeded", "Quota exceeded", times=1))

    with pytest.raises(WarehouseError, match=r"set_\d+\.numbers_\d{8}: writing numbers failed: quotaExceeded"):
        warehouse.write_table("numbers", pd.DataFrame({"number": [9]}))

    proxy.faults.clear()
    assert warehouse.read_table("numbers")["number"].tolist() == [1, 2]
    assert warehouse.tables() == ("numbers",)


def test_an_upload_that_does_not_get_through_is_given_up(warehouse: BigQueryWarehouse, proxy: Proxy) -> None:
    proxy.faults.append(Fault("(POST|PUT) .*/upload/", 503, "backendError"))
    began = time.monotonic()

    with pytest.raises(
        WarehouseError, match=r"numbers_\d{8}: writing numbers failed: given up within 30 s .* on HTTP 503"
    ):
        warehouse.write_table("numbers", pd.DataFrame({"number": [1]}))
    assert time.monotonic() - began < 40


def test_a_stream_is_written_in_parts_and_a_table_can_be_dropped(warehouse: BigQueryWarehouse) -> None:
    batches = [pa.record_batch({"number": [part, part + 10]}) for part in range(3)]
    warehouse.write_table("numbers", pa.RecordBatchReader.from_batches(batches[0].schema, batches))

    assert warehouse.read_table("numbers")["number"].tolist() == [0, 10, 1, 11, 2, 12]
    assert warehouse.query(
        f"SELECT MAX({ORDER_COLUMN}) AS last FROM {warehouse.identifier('numbers')}"
    ).to_pylist() == [{"last": 5}]
    warehouse.drop_table("numbers")
    assert not warehouse.has_table("numbers")


def test_a_missing_table_says_what_to_run_and_a_bad_name_is_refused(warehouse: BigQueryWarehouse) -> None:
    with pytest.raises(StoredResultError, match=r"leaderboard_\d{8}: there is no such table yet: run `mmm run`"):
        warehouse.read_table("leaderboard")
    for name in ("a`b", "T", "a.b", "a\n", ""):
        with pytest.raises(StoredResultError, match="cannot name a table"):
            warehouse.write_table(name, pd.DataFrame({"number": [1]}))


def test_a_missing_dataset_is_an_error_that_names_it(proxy: Proxy, tmp_path: Path) -> None:
    settings = parse_settings({"warehouse": {"kind": "bigquery", "dataset": "demo-project.nowhere"}})

    with pytest.raises(WarehouseError, match=r"demo-project\.nowhere"):
        open_warehouse(settings, Home(tmp_path).refresh("2025-03-24")).write_table(
            "numbers", pd.DataFrame({"number": [1]})
        )


def test_the_assets_run_in_bigquery_from_table_to_table(
    proxy: Proxy, put: Put, dataset: str, emulator: str, tmp_path: Path
) -> None:
    from mmm_pipeline.mmm.simulation.simulate import market_rows, simulate_market
    from mmm_pipeline.orchestration.headless import build_definitions

    rows = market_rows(simulate_market(channels=3, days=84, seed=1)).astype(str)
    rows.columns = [name.replace(" ", "_").replace("/", "_") for name in rows.columns]
    table = put(rows.replace({"nan": None, "None": None}))
    config = tmp_path / "pipeline.yaml"
    config.write_text(
        f"source: {{kind: bigquery, table: {table}}}\nwarehouse: {{kind: bigquery, dataset: {dataset}}}\n"
        "bigquery: {labels: {team: marketing}, maximum_bytes_billed: 50000000}\n"
    )
    definitions = build_definitions(Home(tmp_path / "home"), config)
    ingested = [
        "media_rows",
        "kpi_rows",
        "rejected_rows",
        "campaign_totals",
        "media_matrix",
        "market_matrix",
        "kpi_series",
    ]
    job = dg.define_asset_job("ingest", selection=dg.AssetSelection.assets(*ingested))
    definitions = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job]))

    result = definitions.resolve_job_def("ingest").execute_in_process(
        partition_key=RefreshCalendar().present().key, raise_on_error=True
    )

    assert all(check.passed for check in result.get_asset_check_evaluations())
    stored = {
        it.table_id: client_of(emulator).get_table(it).num_rows for it in client_of(emulator).list_tables(dataset)
    }
    shard = RefreshCalendar().present().key.replace("-", "")
    assert set(stored) == {*(f"{name}_{shard}" for name in ingested), "campaigndata"}
    assert stored[f"media_rows_{shard}"] + stored[f"rejected_rows_{shard}"] == len(rows)
    metadata = {
        event.asset_key.to_user_string(): event.materialization.metadata
        for event in result.get_asset_materialization_events()
    }
    assert metadata["media_rows"]["job"].value.startswith("https://console.cloud.google.com/bigquery?project=")
    assert metadata["media_matrix"]["bytes_processed"].value == 0  # the emulator counts none
    queries = [
        body["configuration"] for body in proxy.bodies("POST .*/jobs") if body and "query" in body["configuration"]
    ]
    paid = [it for it in queries if not it.get("dryRun")]
    assert paid
    assert all(it["labels"] == {"app": "mmm_pipeline", "team": "marketing"} for it in paid)
    assert all(it["query"]["maximumBytesBilled"] == "50000000" for it in paid)


def test_every_contract_checked_by_sql_can_be_said_in_sql() -> None:
    from mmm_pipeline.orchestration.checks.contracts import CHECKED_BY_SQL
    from mmm_pipeline.storage.warehouse.contract_sql import broken_rows
    from mmm_pipeline.storage.warehouse.dialect import BIGQUERY

    assert set(CHECKED_BY_SQL) <= set(CONTRACTS)
    assert all("WHERE" in broken_rows(name, BIGQUERY, "t") for name in CHECKED_BY_SQL)
