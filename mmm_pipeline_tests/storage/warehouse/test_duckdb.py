"""The warehouse under friendly and hostile use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline.tables.catalog import CONTRACTS, empty_table, violations
from mmm_pipeline_tests.other_user import needs_root, other_user


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(tmp_path / "warehouse.duckdb", wait_seconds=30)


def matrix(rows: int = 3) -> pd.DataFrame:
    days = pd.date_range("2025-01-01", periods=rows)
    own = {"media_units": 1.0, "spend": 2.0, "kpi": np.arange(rows) + 0.5}
    return pd.DataFrame({"date": days, "channel": "A", "kind": "paid", **own})


def process(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


HOLD = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""

WRITE = """
import sys, pandas as pd
from pathlib import Path
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
warehouse = DuckDBWarehouse(Path(sys.argv[1]))
for turn in range(5):
    warehouse.write_table("shared", pd.DataFrame({"writer": [int(sys.argv[2])] * 1000, "turn": turn}))
    warehouse.write_table("own_" + sys.argv[2], pd.DataFrame({"turn": [turn]}))
"""

WRITE_FOREVER = """
import sys, itertools, pandas as pd
from pathlib import Path
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
warehouse = DuckDBWarehouse(Path(sys.argv[1]))
for turn in itertools.count():
    both = pd.DataFrame({"turn": [turn] * 200_000})
    warehouse.write_tables({"left": both, "right": both})
    print(turn, flush=True)
"""


def test_a_table_comes_back_as_it_was_written(warehouse: DuckDBWarehouse) -> None:
    warehouse.write_table("media_matrix", matrix())

    pd.testing.assert_frame_equal(warehouse.read_table("media_matrix"), matrix())


def test_writing_again_replaces_the_table(warehouse: DuckDBWarehouse) -> None:
    warehouse.write_table("media_matrix", matrix(5))
    warehouse.write_table("media_matrix", matrix(2))

    assert warehouse.row_count("media_matrix") == 2


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_an_empty_table_keeps_the_types_of_its_contract(warehouse: DuckDBWarehouse, name: str) -> None:
    warehouse.write_table(name, empty_table(name))

    read = warehouse.read_table(name)
    assert violations(name, read).empty
    assert read.dtypes.astype(str).to_dict() == empty_table(name).dtypes.astype(str).to_dict()


def test_missing_text_stays_missing(warehouse: DuckDBWarehouse) -> None:
    rows = pd.DataFrame({"line_number": [2, 3], "reason": ["a", "b"], "column": ["Spend", None], "value": None})
    rows["row"] = "{}"
    rows["table_name"] = "media"
    rows["sheet"] = None
    warehouse.write_table("rejected_rows", rows)

    read = warehouse.read_table("rejected_rows")
    assert read["column"].tolist() == ["Spend", None]
    assert read["value"].isna().all()
    assert violations("rejected_rows", read).empty


def test_rows_that_break_the_contract_are_stored_for_the_check_to_show(warehouse: DuckDBWarehouse) -> None:
    broken = matrix().assign(spend=["1.5", "not a number", "2"])
    warehouse.write_table("media_matrix", broken)

    found = violations("media_matrix", warehouse.read_table("media_matrix"))
    assert "not a number" in " ".join(found["value"])


def test_a_stream_of_batches_is_written_without_pandas(warehouse: DuckDBWarehouse) -> None:
    batches = [pa.record_batch({"number": list(range(start, start + 10))}) for start in (0, 10, 20)]
    warehouse.write_table("numbers", pa.RecordBatchReader.from_batches(batches[0].schema, batches))

    assert warehouse.read_table("numbers")["number"].tolist() == list(range(30))


def test_rows_that_break_a_contract_are_found_without_loading_the_table(warehouse: DuckDBWarehouse) -> None:
    many = pd.DataFrame({"line_number": range(2, 300_002), "reason": "negative_spend", "column": None, "value": None})
    many["row"] = "{}"
    many["sheet"] = None
    many["table_name"] = "media"
    many.loc[[7, 299_999], "line_number"] = [0, -1]
    warehouse.write_table("rejected_rows", many)

    found = warehouse.contract_violations("rejected_rows")
    assert found[["column", "row", "value"]].to_numpy().tolist() == [
        ["line_number", "7", "0"],
        ["line_number", "299999", "-1"],
    ]
    assert len(warehouse.contract_violations("rejected_rows", limit=1)) == 1


def test_a_table_that_keeps_its_contract_has_no_violations(warehouse: DuckDBWarehouse) -> None:
    warehouse.write_table("media_matrix", matrix())
    warehouse.write_table("rejected_rows", empty_table("rejected_rows"))

    assert warehouse.contract_violations("media_matrix").empty
    assert warehouse.contract_violations("rejected_rows").empty
    assert warehouse.tables() == ("media_matrix", "rejected_rows")


def test_a_limit_gives_the_first_rows(warehouse: DuckDBWarehouse) -> None:
    warehouse.write_table("media_matrix", matrix(9))

    pd.testing.assert_frame_equal(warehouse.read_table("media_matrix", limit=2), matrix(9).head(2))


def test_a_failed_write_leaves_every_table_as_it_was(warehouse: DuckDBWarehouse) -> None:
    warehouse.write_table("media_matrix", matrix(2))

    def failing() -> pa.RecordBatchReader:
        yield pa.record_batch({"number": [1]})
        raise RuntimeError("source went away")

    stream = pa.RecordBatchReader.from_batches(pa.schema([("number", pa.int64())]), failing())
    with pytest.raises(Exception, match="source went away"):
        warehouse.write_tables({"media_matrix": matrix(9), "numbers": stream})

    assert warehouse.row_count("media_matrix") == 2
    assert not warehouse.has_table("numbers")


def test_a_missing_table_says_what_to_run(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(StoredResultError, match=r"no table 'leaderboard' yet: run `mmm run`"):
        warehouse.read_table("leaderboard")


def test_asking_for_a_table_creates_no_file(warehouse: DuckDBWarehouse) -> None:
    assert not warehouse.has_table("leaderboard")
    assert not warehouse.path.exists()


@pytest.mark.parametrize("name", ["", "a b", 'a"; DROP TABLE x; --', "mmm.t", "T", "1a", "a\n", "a" * 64, "é"])
def test_a_name_that_is_no_identifier_is_refused(warehouse: DuckDBWarehouse, name: str) -> None:
    with pytest.raises(StoredResultError, match="cannot name a table"):
        warehouse.write_table(name, matrix())


def test_a_file_named_like_the_schema_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoredResultError, match="named like its schema"):
        DuckDBWarehouse(tmp_path / "mmm.duckdb")


def test_sql_on_a_connection_cannot_read_other_files(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")

    with warehouse.connect() as connection, pytest.raises(Exception, match="disabled by configuration"):
        connection.execute("SELECT * FROM read_csv($path)", {"path": str(secret)})


def test_a_damaged_file_is_an_error_that_says_what_to_do(warehouse: DuckDBWarehouse) -> None:
    warehouse.path.write_bytes(b"this is no database " * 500)

    with pytest.raises(StoredResultError, match=r"warehouse\.duckdb: the warehouse cannot be used.*delete it"):
        warehouse.read_table("media_matrix")


def test_a_truncated_file_is_an_error_that_says_what_to_do(warehouse: DuckDBWarehouse) -> None:
    warehouse.write_table("numbers", pd.DataFrame({"number": np.random.default_rng(0).random(500_000)}))
    with warehouse.path.open("r+b") as file:
        file.truncate(warehouse.path.stat().st_size // 2)

    with pytest.raises(StoredResultError, match="delete it"):
        warehouse.read_table("numbers")


def test_a_folder_in_place_of_the_file_is_an_error(warehouse: DuckDBWarehouse) -> None:
    warehouse.path.mkdir()

    with pytest.raises(StoredResultError, match="cannot be used"):
        warehouse.write_table("media_matrix", matrix())


def test_a_file_held_by_another_process_is_waited_for(warehouse: DuckDBWarehouse) -> None:
    warehouse.write_table("media_matrix", matrix())
    holder = process(HOLD, str(warehouse.path), "0.7")
    assert holder.stdout is not None
    holder.stdout.readline()

    began = time.monotonic()
    assert warehouse.row_count("media_matrix") == 3
    assert time.monotonic() - began > 0.3
    assert holder.wait(timeout=20) == 0


def test_a_file_held_too_long_is_an_error_that_names_the_holder(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb", wait_seconds=0.2)
    holder = process(HOLD, str(warehouse.path), "20")
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        with pytest.raises(StoredResultError, match=rf"process {holder.pid} has held the database open"):
            warehouse.write_table("media_matrix", matrix())
    finally:
        holder.kill()
        holder.wait()


def test_several_processes_write_at_once(warehouse: DuckDBWarehouse) -> None:
    writers = [process(WRITE, str(warehouse.path), str(number)) for number in range(3)]
    outcomes = [(writer.wait(timeout=90), writer.stderr.read() if writer.stderr else "") for writer in writers]

    assert outcomes == [(0, "")] * 3
    assert len(warehouse.read_table("shared").drop_duplicates()) == 1
    assert [warehouse.read_table(f"own_{number}")["turn"].tolist() for number in range(3)] == [[4]] * 3


def test_several_threads_write_at_once(warehouse: DuckDBWarehouse) -> None:
    failures: list[Exception] = []

    def write(number: int) -> None:
        try:
            for turn in range(10):
                warehouse.write_table("shared", pd.DataFrame({"writer": [number] * 100, "turn": turn}))
                warehouse.read_table("shared")
        except Exception as error:  # reported by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(warehouse.read_table("shared").drop_duplicates()) == 1


@pytest.mark.parametrize("delay", [0.0, 0.11])
def test_a_killed_writer_leaves_a_whole_version(warehouse: DuckDBWarehouse, delay: float) -> None:
    writer = process(WRITE_FOREVER, str(warehouse.path))
    assert writer.stdout is not None
    for _ in range(2):
        writer.stdout.readline()
    time.sleep(delay)
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()

    left, right = warehouse.read_table("left"), warehouse.read_table("right")
    assert len(left) == 200_000
    assert left["turn"].nunique() == 1
    pd.testing.assert_frame_equal(left, right)


@needs_root
def test_a_file_that_must_not_be_written_can_be_read_and_is_not_called_damaged(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    warehouse.write_table("numbers", pd.DataFrame({"number": [1, 2]}))
    warehouse.path.chmod(0o644)
    tmp_path.chmod(0o755)
    with other_user(tmp_path):
        assert warehouse.read_table("numbers")["number"].tolist() == [1, 2]
        with pytest.raises(StoredResultError, match="Let this user read and write the file") as told:
            warehouse.write_table("numbers", pd.DataFrame({"number": [3]}))
    assert "delete" not in str(told.value)
