"""Campaign rows into the daily matrix, at scale: seconds and peak memory, for a CSV and a Parquet file.

The rows are generated: two years, 40 channels, 3 marketplaces, three date spellings, one row in a million refused. Each
file is loaded by a process of its own, so that the peak memory is that of loading only. Nothing is kept.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FORMATS = ("csv", "parquet")

_ROWS = """
    SELECT CASE i % 3 WHEN 0 THEN strftime(day, '%b %d, %Y') WHEN 1 THEN strftime(day, '%m/%d/%Y 0:00:00')
            ELSE strftime(day, '%Y-%m-%d') END AS "Date",
        'Brand ' || (1 + i % 4) AS "Brand Alias", 'Brand ' || (1 + i % 4) || ' Ad Group ' || (1 + i // 4 % 10)
            AS "Ad group alias",
        'ASIN' || (hash(i, 1) % 5000) AS "ASIN/SKU Alias", 'Market ' || (hash(i, 2) % 3) AS "Marketplace",
        CAST(hash(i, 3) % 100000 AS VARCHAR) AS "Impressions", CAST(hash(i, 4) % 500 AS VARCHAR) AS "Clicks",
        CASE WHEN i % 1000000 = 17 THEN 'n/a' ELSE CAST(hash(i, 5) % 10000 / 100.0 AS VARCHAR) END AS "Spend",
        CAST(hash(i, 6) % 50000 / 100.0 AS VARCHAR) AS "Sales", CAST(i AS VARCHAR) AS "Row id"
    FROM (SELECT i, DATE '2024-01-01' + CAST(i * 7919 % 730 AS INTEGER) AS day FROM range({rows}) AS numbers(i))"""


def main(arguments: list[str]) -> None:
    """Print one line per format."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks ten_million_rows", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure is not None:
        print(json.dumps(measured(options.measure)))
        return
    print(f"{'file':8s} {'rows':>12s} {'MiB':>7s} {'load s':>7s} {'matrix s':>9s} {'CPU s':>7s} {'peak MiB':>9s}")
    with tempfile.TemporaryDirectory(prefix="mmm-rows-") as folder:
        for kind in FORMATS:
            file = generated(Path(folder), options.rows, kind)
            command = [sys.executable, "-m", "benchmarks", "ten_million_rows", "--measure", str(file)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            result = json.loads(done.stdout)
            print(
                f"{kind:8s} {result['rows']:12,d} {file.stat().st_size / 2**20:7.0f} {result['load']:7.1f} "
                f"{result['matrix']:9.2f} {result['cpu']:7.1f} {result['peak_mib']:9.0f}",
                flush=True,
            )
            file.unlink()


def generated(folder: Path, rows: int, kind: str) -> Path:
    """A campaign file of so many rows."""
    import duckdb

    file = folder / f"campaigns.{kind}"
    options = "FORMAT csv, HEADER" if kind == "csv" else "FORMAT parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({_ROWS.format(rows=int(rows))}) TO '{file}' ({options})")
    return file


def measured(file: Path) -> dict[str, float | int]:
    """Load the file and sum it up; seconds, and the peak memory of this process."""
    from mmm_pipeline.ingestion.matrix import build_media_matrix
    from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
    from mmm_pipeline.settings.pipeline import parse_settings
    from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse

    settings = parse_settings({"source": {"kind": "file", "path": str(file)}})
    warehouse = DuckDBWarehouse(file.parent / f"home-{file.suffix[1:]}" / "warehouse.duckdb")
    began = time.perf_counter()
    summary = load_campaigns(warehouse, settings)
    loaded = time.perf_counter()
    build_media_matrix(warehouse, settings)
    ended = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "rows": summary.accepted + summary.rejected,
        "load": loaded - began,
        "matrix": ended - loaded,
        "cpu": time.process_time(),
        "peak_mib": peak / (2**20 if sys.platform == "darwin" else 2**10),
    }
