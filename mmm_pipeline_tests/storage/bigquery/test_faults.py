"""What goes wrong on the way to BigQuery: one message that names the table and what to do, within the deadline."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
import pytest

from mmm_pipeline.errors import CampaignDataError, MmmError, SettingsError, WarehouseError
from mmm_pipeline.ingestion.rows.bigquery import SourceTable
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.ingestion.shapes.row_tables import media_table
from mmm_pipeline.settings.sources import BigQuerySettings
from mmm_pipeline.storage.warehouse.bigquery.client import BigQuery
from mmm_pipeline.storage.warehouse.bigquery.names import table_name
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline_tests.storage.bigquery.conftest import Put, TokenServer, bigquery_settings
from mmm_pipeline_tests.storage.bigquery.faulty_proxy import Fault, Proxy

DEADLINE = 3.0
QUERY = "POST .*/jobs"


def small() -> pd.DataFrame:
    return pd.DataFrame(
        [["2025-01-01", "A", "1", "2", "3"], ["never", "A", "1", "2", "3"]],
        columns=["Date", "Ad_group_alias", "Impressions", "Spend", "Sales"],
    )


def failure(table: str, deadline: float = DEADLINE) -> tuple[str, float]:
    """Message of a load that fails, and how long it took."""
    connection = BigQuery(BigQuerySettings(deadline_seconds=deadline))
    began = time.monotonic()
    with pytest.raises(MmmError) as caught:
        connection.query("SELECT 1 AS one", about=table, doing="reading the rows")
    return str(caught.value), time.monotonic() - began


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(QUERY, 403, "quotaExceeded", "Quota exceeded: query usage per day"), ["quotaExceeded (403)", "Quotas"]),
        (Fault(QUERY, 403, "accessDenied", "Access Denied: Table x"), ["accessDenied (403)", "roles/bigquery.jobUser"]),
        (Fault(QUERY, 404, "notFound", "Not found: Table x"), ["notFound (404)", "check the name"]),
        (
            Fault(QUERY, 400, "invalidQuery", "Unrecognized name: Spend at [1:8]"),
            ["invalidQuery (400)", "Unrecognized name"],
        ),
        (Fault(QUERY, 400, "bytesBilledLimitExceeded", "over the limit"), ["bigquery.maximum_bytes_billed"]),
        (Fault(QUERY, 401, "authError", "Invalid Credentials"), ["gcloud auth application-default login"]),
    ],
    ids=lambda value: value.reason if isinstance(value, Fault) else "",
)
def test_a_refusal_is_told_at_once_and_not_tried_again(proxy: Proxy, fault: Fault, said: list[str]) -> None:
    proxy.faults.append(Fault(fault.pattern, fault.status, fault.reason, fault.message))

    message, _ = failure("p-1.adanalysis.campaigndata")

    assert message.startswith("p-1.adanalysis.campaigndata: reading the rows failed: ")
    assert [words for words in said if words not in message] == []
    assert "What to do: " in message
    assert len(proxy.bodies(QUERY)) <= 3  # only a refused token is refreshed, twice


@pytest.mark.parametrize(
    "fault",
    [
        Fault(QUERY, 429, "rateLimitExceeded"),
        Fault(QUERY, 503, "backendError"),
        Fault("GET .*/queries/", 503, "backendError"),
        Fault(QUERY, 0),
        Fault("GET .*/queries/", cut_after=40),
    ],
    ids=["429", "503", "503 while waiting", "no connection", "cut in mid-answer"],
)
def test_what_may_pass_is_tried_until_the_deadline_and_no_longer(proxy: Proxy, fault: Fault) -> None:
    proxy.faults.append(Fault(fault.pattern, fault.status, fault.reason, cut_after=fault.cut_after))

    message, seconds = failure("p-1.adanalysis.campaigndata")

    assert "given up within 3 s (bigquery.deadline_seconds)" in message
    assert "What to do: " in message
    assert seconds < 5 * DEADLINE


def test_a_fault_that_passes_is_not_noticed(proxy: Proxy) -> None:
    proxy.faults += [Fault(QUERY, 503, "backendError", times=1), Fault("GET .*/queries/", 0, times=1)]

    rows = BigQuery(BigQuerySettings(deadline_seconds=30)).query("SELECT 7 AS one", about="x", doing="reading")

    assert rows.to_pylist() == [{"one": 7}]


def test_a_dead_address_is_given_up(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9")

    message, seconds = failure("p-1.adanalysis.campaigndata", deadline=2)

    assert "given up within 2 s" in message
    assert seconds < 12


def test_expired_credentials_say_how_to_renew_them(proxy: Proxy, token_server: TokenServer) -> None:
    token_server.refuse = True
    try:
        message, _ = failure("p-1.adanalysis.campaigndata")
    finally:
        token_server.refuse = False

    assert "credentials have expired or were withdrawn" in message
    assert "gcloud auth application-default login" in message
    assert "PRIVATE KEY" not in message


def test_no_credentials_say_which_are_accepted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GCP_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS", "BIGQUERY_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")

    message, _ = failure("p-1.adanalysis.campaigndata")

    assert "there are no Google credentials" in message
    assert "GCP_CREDENTIALS" in message


def test_credentials_are_taken_plain_and_from_a_file(
    proxy: Proxy, key: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, token_server: TokenServer
) -> None:
    before = len(token_server.grants)
    monkeypatch.setenv("GCP_CREDENTIALS", key)
    assert BigQuery(BigQuerySettings()).query("SELECT 1 AS one", about="x", doing="y").num_rows == 1

    file = tmp_path / "key.json"
    file.write_text(key)
    monkeypatch.delenv("GCP_CREDENTIALS")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    assert BigQuery(BigQuerySettings()).query("SELECT 1 AS one", about="x", doing="y").num_rows == 1
    assert len(token_server.grants) == before + 2


@pytest.mark.parametrize("value", ["not a key", "eyJh", "[1, 2]"])
def test_a_key_that_is_none_is_refused_without_showing_it(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("GCP_CREDENTIALS", value)
    with pytest.raises(SettingsError, match="GCP_CREDENTIALS is not the JSON of a key") as caught:
        BigQuery(BigQuerySettings()).query("SELECT 1", about="x", doing="y")
    assert value not in str(caught.value)


def test_two_sources_of_credentials_are_refused(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/somewhere.json")
    with pytest.raises(SettingsError, match="are both set: unset one"):
        BigQuery(BigQuerySettings()).query("SELECT 1", about="x", doing="y")


def test_an_estimate_above_the_limit_stops_the_query_before_it_runs(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The emulator estimates 0 bytes; the client's answer is replaced, the rest is real.
    from google.cloud.bigquery import QueryJob

    monkeypatch.setattr(QueryJob, "total_bytes_processed", property(lambda job: 2_000_000_000))
    connection = BigQuery(BigQuerySettings(maximum_bytes_billed=1_000_000_000))

    with pytest.raises(
        WarehouseError, match=r"would read 2,000,000,000 bytes, more than bigquery\.maximum_bytes_billed"
    ):
        connection.query("SELECT 1", about="p-1.d.t", doing="reading", estimate=True)
    assert all(body["configuration"].get("dryRun") for body in proxy.bodies(QUERY))


def test_columns_that_are_gone_and_empty_tables_are_told(proxy: Proxy, put: Put, tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    table = put(small().rename(columns={"Spend": "Cost"}))
    with pytest.raises(
        CampaignDataError, match=r"set_\d+\.campaigndata: 1 required column\(s\) missing:\n  spend: 'Spend'"
    ):
        load_campaigns(warehouse, bigquery_settings(table))

    with pytest.raises(CampaignDataError, match="the table is empty"):
        load_campaigns(warehouse, bigquery_settings(put(small().iloc[:0], "nothing")))

    with pytest.raises(WarehouseError, match=r"set_\d+\.gone: looking up the source table .* failed: .*\(404\)"):
        load_campaigns(warehouse, bigquery_settings(table.replace("campaigndata", "gone")))
    assert not warehouse.path.exists()


def test_a_retyped_column_refuses_rows_by_name_and_keeps_what_was_there(proxy: Proxy, put: Put, tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    warehouse.write_table("media_rows", pd.DataFrame({"kept": [1]}))
    rows = small().iloc[:1].assign(Spend=[True])
    table = put(rows, types=["STRING", "STRING", "STRING", "BOOL", "STRING"])

    with pytest.raises(CampaignDataError, match=r"unparseable_number_spend: 1, e\.g\. Spend = 'true'"):
        load_campaigns(warehouse, bigquery_settings(table, share=0.0))
    assert warehouse.row_count("media_rows") == 1
    assert warehouse.read_table("rejected_rows")["value"].tolist() == ["true"]


def test_a_network_that_goes_in_mid_download_leaves_no_table(proxy: Proxy, put: Put, tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    table = put(small())
    proxy.faults.append(Fault("GET .*(/queries/|/data)", cut_after=60))

    with pytest.raises(WarehouseError, match=r"campaigndata: .*given up within 6 s"):
        load_campaigns(warehouse, bigquery_settings(table, deadline=6))
    assert not warehouse.path.exists()


@pytest.mark.parametrize(
    "name",
    ["", "t", "a.b.c.d", "p-1.d.t`; DROP", "p-1.d-x.t", "P.d.t", "p-1.d.t$20250101", "p-1.d.t\n", "p-1..t", "p-1.d.*"],
)
def test_a_name_that_is_no_table_is_refused_before_it_is_asked_for(name: str) -> None:
    with pytest.raises(SettingsError, match="cannot name a BigQuery table"):
        table_name(name, setting="source.table")


def test_days_before_since_do_not_count_and_prune_partitions(proxy: Proxy, put: Put, emulator: str) -> None:
    frame = pd.DataFrame(
        [[pd.Timestamp(f"2025-01-0{day}").date(), "A", 1.0, 2.0, 3.0] for day in range(1, 8)],
        columns=["Date", "Ad_group_alias", "Impressions", "Spend", "Sales"],
    )
    table = put(frame, types=["DATE", "STRING", "FLOAT64", "FLOAT64", "FLOAT64"])
    settings = bigquery_settings(table, source={"since": "2025-01-05"})
    opened = SourceTable.open(settings, media_table(settings))
    assert int(opened.totals()["row_count"].sum()) == 3
    assert "WHERE" not in opened.accepted().split("AS (", 2)[1].split(")")[0]

    partitioned = SourceTable(
        opened.bigquery, opened.name, opened.fields, opened.queries, opened.since, "date", requires_filter=False
    )
    assert "WHERE `Date` >= @since OR `Date` IS NULL" in partitioned.accepted()
    assert int(partitioned.totals()["row_count"].sum()) == 3
