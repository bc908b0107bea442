"""`mmm check` on demo data, on a file of every spelling, and on the real export."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from mmm_pipeline.cli.result_tables import check_summary
from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.ingestion.check import check_source
from mmm_pipeline.ingestion.matrix import build_media_matrix
from mmm_pipeline.ingestion.sources.demo import demo_rows
from mmm_pipeline.mmm.simulation.simulate import market_rows, simulate_market
from mmm_pipeline.settings.pipeline import Settings, parse_settings
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline_tests.ingestion.conftest import Load, settings_for


def test_the_report_has_what_the_summary_has() -> None:
    report = check_source(parse_settings({"source": {"kind": "demo"}})).to_dict()

    window = {"step": "day", "start": "2025-02-03", "end": "2025-08-17", "holdout_start": "2025-07-21"}
    assert report["window"] == window
    assert report["rows"]["accepted"] + report["rows"]["rejected"] == len(demo_rows())
    assert sum(report["rows"]["reasons"].values()) == report["rows"]["rejected"] == 4
    assert [row["channel"] for row in report["excluded_channels"]] == ["Brand 1 Legacy Banner"]
    assert len(report["channels"]) == 8


def test_what_was_read_is_in_the_report_and_on_the_screen(tmp_path: Path) -> None:
    source = tmp_path / "book.xlsx"
    table = demo_rows()
    halves = {"H1": table.iloc[:2000], "H2": table.iloc[2000:].loc[lambda rows: rows["Date"] != table["Date"][1999]]}
    with pd.ExcelWriter(source) as writer:
        for title, rows in halves.items():
            rows.to_excel(writer, sheet_name=title, index=False)
    named = {"kind": "file", "path": str(source), "sheet": ["H1", "H2"]}

    report = check_source(parse_settings({"source": named})).to_dict()

    assert report["source"] == {"name": str(source), "sheets": ["H1", "H2"], "reading": []}
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(check_summary(report))
    assert re.search(r"sheets \(2\) +│ H1, H2 ", console.export_text())


def test_checking_starts_no_jax() -> None:
    code = (
        "import sys; from mmm_pipeline.ingestion.check import check_source;"
        "from mmm_pipeline.settings.pipeline import parse_settings;"
        "check_source(parse_settings({'source': {'kind': 'demo'}}));"
        "assert 'jax' not in sys.modules and 'dagster' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_more_rolling_origins_than_days_are_found_before_anything_is_fitted() -> None:
    settings = parse_settings({"source": {"kind": "demo"}, "split": {"holdout": 28, "rolling_origins": 7}})
    with pytest.raises(ModelInputError, match="at most 6 origins"):
        check_source(settings)


def test_the_check_says_how_numbers_were_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    days = np.datetime64("2025-01-01") + np.arange(70)
    media = rng.integers(1_000, 9_000, 70)
    lines = [f"{day};A;{count:,};{count / 100:.2f};{count / 7:.2f}" for day, count in zip(days, media, strict=True)]
    swapped = str.maketrans(".,", ",.")
    campaigns, features = tmp_path / "campaigns.csv", tmp_path / "features.csv"
    header = "Date;Ad group alias;Impressions;Spend;Sales\n"
    campaigns.write_text(header + "\n".join(line.translate(swapped) for line in lines))
    features.write_text("Date;Price\n" + "\n".join(f"{day};{rng.integers(100)},5" for day in days))

    report = check_source(settings_for(campaigns, controls={"source": str(features)}))

    first, second, of_features = report.reading
    assert first.startswith("'Spend', 'Sales': read with a decimal comma, '")
    assert second.startswith("'Impressions': read with a decimal comma like 'Spend' ('")
    assert of_features.startswith("controls: 'Price': read with a decimal comma, '")


def tortured(seed: int) -> str:
    """The demo rows as the worst CSV file that still says the same: every spelling of dates, numbers and quoting."""
    rng = np.random.default_rng(seed)
    table = market_rows(simulate_market(seed=seed), dirty=False)
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=";", quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow([name.upper().replace(" ", "_").replace("/", "-") for name in table.columns])
    dates = ("%b %d, %Y", "%m/%d/%Y", "%m/%d/%Y 0:00:00", "%Y-%m-%d", "%Y-%m-%dT00:00:00")
    numbers = ("{}", "{:,}", "${:,}", "USD {}", "{:,} US$", " {} ", "+{}", "{}\u00a0")
    for row in table.itertuples(index=False):
        cells = list(row)
        cells[0] = np.datetime64(cells[0]).astype(object).strftime(dates[rng.integers(len(dates))])
        cells[2] = f"\u3000{cells[2]} " if rng.random() < 0.3 else cells[2]
        for position in (5, 7, 8):
            cells[position] = numbers[rng.integers(len(numbers))].format(cells[position])
        writer.writerow(cells)
        if rng.random() < 0.05:
            stream.write("\r\n")
    return "\ufeff" + stream.getvalue()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_file_of_every_spelling_gives_the_market_it_was_made_from(
    load: Load, warehouse: DuckDBWarehouse, seed: int
) -> None:
    market = simulate_market(seed=seed)
    loaded = load(tortured(seed))
    matrix = build_media_matrix(warehouse, Settings())

    assert loaded.summary.rejected == 0
    wide = matrix.pivot(index="date", columns="channel", values=["media_units", "spend"])
    order = list(market.channel_names)
    np.testing.assert_allclose(wide["media_units"][order], market.media)
    np.testing.assert_allclose(wide["spend"][order], market.spend)
    np.testing.assert_allclose(matrix.groupby("date")["kpi"].sum(), market.kpi)


def test_the_real_export_is_read_whole(campaign_export: Path, load: Load, warehouse: DuckDBWarehouse) -> None:
    loaded = load(campaign_export.resolve(), share=0.0)
    matrix = build_media_matrix(warehouse, Settings())

    assert (loaded.summary.accepted, loaded.summary.rejected) == (9586, 0)
    assert (loaded.accepted["brand"].nunique(), loaded.accepted["marketplace"].nunique()) == (2, 3)
    assert (matrix["date"].nunique(), matrix["channel"].nunique()) == (87, 20)
    assert matrix["spend"].sum() == pytest.approx(222_617.764)
    assert matrix["kpi"].sum() == pytest.approx(2_540_328.6075)
    # By openpyxl alone, without this package.
    assert matrix["media_units"].sum() == 139_775_514


def test_exactly_one_channel_of_the_real_export_is_excluded(campaign_export: Path) -> None:
    report = check_source(settings_for(campaign_export.resolve())).to_dict()

    window = {"step": "day", "start": "2021-10-17", "end": "2022-01-11", "holdout_start": "2021-12-15"}
    assert report["window"] == window
    assert [row["channel"] for row in report["excluded_channels"]] == ["Brand 1 Ad Group 12"]
    assert len(report["channels"]) == 19
