"""Rows merged into a BigQuery table: the promises of `landing_cases`, and a merge that fails half-way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmm_pipeline.errors import WarehouseError
from mmm_pipeline.ingestion.landing.tables import campaign_table
from mmm_pipeline_tests.ingestion.landing.landing_cases import WEEK_1, WEEK_2, LandingCases, Place
from mmm_pipeline_tests.storage.bigquery.conftest import bigquery_settings, client_of
from mmm_pipeline_tests.storage.bigquery.faulty_proxy import Fault, Proxy


@pytest.fixture
def place(proxy: Proxy, emulator: str, dataset: str, tmp_path: Path) -> Place:
    client, name = client_of(emulator), f"{dataset}.campaigndata"

    def read(columns: str) -> list[tuple[Any, ...]]:
        return sorted((tuple(row) for row in client.query(f"SELECT {columns} FROM `{name}`").result()), key=str)

    return Place(campaign_table(bigquery_settings(name), scratch=tmp_path), read, tmp_path)


class TestBigQuery(LandingCases):
    """All that landing promises, in BigQuery."""


def test_the_table_is_partitioned_by_the_date_and_says_what_its_key_is(
    place: Place, emulator: str, dataset: str, proxy: Proxy
) -> None:
    place.land(*WEEK_1)

    table = client_of(emulator).get_table(f"{dataset}.campaigndata")
    assert table.time_partitioning.field == "Date"
    assert table.clustering_fields == ["Ad_group_alias"]
    assert "identified by Date, Brand, Ad_group_alias, Note" in table.description
    [merge] = [body for body in proxy.bodies("POST .*/jobs") if "MERGE INTO" in str(body) and "dryRun" not in str(body)]
    assert {it["name"] for it in merge["configuration"]["query"]["queryParameters"]} == {"first_day", "last_day"}


def test_a_merge_that_fails_leaves_the_table_as_it_was_and_nothing_beside_it(
    place: Place, emulator: str, dataset: str, proxy: Proxy
) -> None:
    proxy.faults.append(Fault("POST .*/upload/", 403, "quotaExceeded", "Quota exceeded: load jobs", times=1))
    with pytest.raises(WarehouseError, match=r"__incoming_\w+: staging the new rows failed: quotaExceeded \(403\)"):
        place.land(*WEEK_1)
    assert [it.table_id for it in client_of(emulator).list_tables(dataset)] == []

    place.land(*WEEK_2)
    before = place.read("*")
    proxy.faults[:] = [Fault("GET .*/queries/|POST .*/jobs", 400, "invalidQuery", "bad", times=1)]
    with pytest.raises(WarehouseError, match="campaigndata"):
        place.land(*WEEK_1)
    assert place.read("*") == before
    assert [it.table_id for it in client_of(emulator).list_tables(dataset)] == ["campaigndata"]
