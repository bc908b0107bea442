"""The demo files are readable by anyone and agree with the truth beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.ingestion.sources.demo import demo_rows, write_demo_data
from mmm_pipeline.mmm.simulation.simulate import DEAD_CHANNEL
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse

READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "demo.csv": pd.read_csv,
    "demo.XLSX": pd.read_excel,
    "demo.parquet": pd.read_parquet,
}


@pytest.mark.parametrize("name", READERS)
def test_written_table_reads_back_as_the_demo_rows(name: str, tmp_path: Path) -> None:
    path, _ = write_demo_data(tmp_path / name, seed=5)
    read = READERS[name](path)
    expected = demo_rows(5)
    values = [table.drop(columns="Date").fillna({"Ad group alias": ""}) for table in (read, expected)]
    pd.testing.assert_frame_equal(*values, check_dtype=False, rtol=1e-12)
    parsed = [pd.to_datetime(table["Date"], format="mixed", errors="coerce") for table in (read, expected)]
    pd.testing.assert_series_equal(*parsed, check_dtype=False)


def test_workbook_mixes_true_dates_and_text(tmp_path: Path) -> None:
    path, _ = write_demo_data(tmp_path / "demo.xlsx")
    kinds = pd.read_excel(path)["Date"].map(lambda cell: isinstance(cell, str)).value_counts()
    assert kinds.min() > 100


def test_truth_beside_the_table_is_about_the_table(tmp_path: Path) -> None:
    path, truth_path = write_demo_data(tmp_path / "demo.csv", seed=9)
    told = json.loads(truth_path.read_text(encoding="utf-8"))
    rows = pd.read_csv(path)
    assert truth_path.name == "demo.csv.truth.json"
    assert set(rows["Ad group alias"].dropna()) == {*told["channels"], DEAD_CHANNEL}
    assert told["excluded_channels"] == [DEAD_CHANNEL]
    # The four bad rows repeat the sales of good ones.
    assert rows["Sales"].sum() == pytest.approx(told["kpi"], rel=0.01)


@pytest.mark.parametrize("name", ["demo.json", "demo"])
def test_unknown_suffix_is_refused_with_the_known_ones(name: str, tmp_path: Path) -> None:
    with pytest.raises(CampaignDataError, match=r"must end in \.csv, \.xlsx, \.parquet"):
        write_demo_data(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_unwritable_place_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CampaignDataError, match="cannot be written"):
        write_demo_data(tmp_path / "file" / "demo.csv")


def test_nothing_but_the_two_files_is_left_behind(tmp_path: Path) -> None:
    write_demo_data(tmp_path / "demo.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo.csv", "demo.csv.truth.json"]


@pytest.mark.parametrize("name", READERS)
def test_loader_accepts_the_demo_and_refuses_only_its_four_bad_rows(name: str, tmp_path: Path) -> None:
    path, truth_path = write_demo_data(tmp_path / name)
    told = json.loads(truth_path.read_text(encoding="utf-8"))
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    summary = load_campaigns(warehouse, parse_settings({"source": {"kind": "file", "path": str(path)}}))
    rows = warehouse.read_table("media_rows")
    by_channel = rows.groupby("channel")[["spend", "media_units"]].sum()
    assert dict(summary.reasons) == {
        "exact_duplicate": 1,
        "missing_channel": 1,
        "negative_spend": 1,
        "unparseable_date": 1,
    }
    assert rows["kpi"].sum() == pytest.approx(told["kpi"], abs=0.005)
    for column in ("spend", "media_units"):
        assert by_channel[column].drop(DEAD_CHANNEL).to_dict() == pytest.approx(
            {channel: row[column] for channel, row in told["channels"].items()}, abs=0.005
        )
