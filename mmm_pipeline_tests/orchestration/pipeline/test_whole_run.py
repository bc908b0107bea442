"""From a campaign file to the results folder: the whole graph, really run."""

from __future__ import annotations

import base64
import csv
import json
import shutil
from pathlib import Path

import dagster as dg
import jsonschema
import pandas as pd
import pytest

from mmm_pipeline.ingestion.matrix import build_media_matrix
from mmm_pipeline.orchestration.assets.data import inputs
from mmm_pipeline.orchestration.assets.results.backtest import BACKTEST_TABLES
from mmm_pipeline.orchestration.runs.partitions import spec_assets
from mmm_pipeline.reporting.narratives.names import NARRATIVES
from mmm_pipeline.storage.artifacts import artifact_store
from mmm_pipeline.storage.generations import mixed
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline.tables.catalog import CONTRACTS, violations
from mmm_pipeline_tests.homes import present
from mmm_pipeline_tests.orchestration.pipeline.conftest import (
    FAKE_SECRETS,
    SmallRun,
    copies_of,
    run_into,
    run_some,
    small_settings,
)

SCHEMA = Path(__file__).parents[3] / "docs" / "summary.schema.json"


@pytest.fixture(scope="module")
def summary(small_run: SmallRun) -> dict:
    assert small_run.outcome.succeeded, small_run.outcome.problems
    return json.loads((small_run.home.latest_results / "summary.json").read_text(encoding="utf-8"))


@pytest.fixture
def home_again(small_run: SmallRun, tmp_path: Path) -> Home:
    """A copy of the finished run's home, for tests that change it."""
    home = Home(tmp_path / "home")
    shutil.copytree(small_run.home.root, home.root, symlinks=True)
    return home


def test_moves_say_where_the_returns_of_both_channels_come_from(small_run: SmallRun) -> None:
    def published(name: str) -> pd.DataFrame:
        return pd.read_csv(small_run.home.latest_results / f"{name}.csv", encoding="utf-8-sig")

    evidence, moves = published("budget").set_index("channel")["evidence"], published("reallocation")
    for side in ("from", "to"):
        assert moves[f"{side}_evidence"].tolist() == evidence[moves[f"{side}_channel"]].tolist()


def test_the_results_folder_is_complete(small_run: SmallRun, summary: dict) -> None:
    names = {
        path.relative_to(small_run.home.latest_results).as_posix() for path in small_run.home.latest_results.rglob("*")
    }
    expected = {
        "summary.json", "leaderboard.csv", "attribution.csv", "response_curves.csv", "budget.csv", "rejected_rows.csv",
        "report.html", "report.md", "rolling_origins.csv", "spec_agreement.csv", "averaged_attribution.csv",
        "drift.csv",
    }  # fmt: skip
    assert expected <= names
    assert sum(name.startswith("charts/") and name.endswith(".png") for name in names) >= 7


def test_the_summary_keeps_its_schema(summary: dict) -> None:
    jsonschema.validate(summary, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_the_summary_has_all_nine_specs(summary: dict) -> None:
    assert {(spec["adstock"], spec["degrees"]) for spec in summary["specs"]} == {
        (adstock, degrees) for adstock in ("adstock", "hill_adstock", "carryover") for degrees in (1, 2, 4)
    }


def test_the_budget_adds_up_to_its_total(summary: dict) -> None:
    spent = sum(row["optimal_spend"] for row in summary["budget"]["channels"])
    assert round(spent, 2) == round(summary["budget"]["total"], 2)


def test_rows_and_reasons_are_told(summary: dict, small_run: SmallRun) -> None:
    rows = summary["rows"]
    assert rows["rejected"] == sum(rows["reasons"].values()) > 0
    with (small_run.home.latest_results / "rejected_rows.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) == rows["rejected"]


def test_every_stored_table_keeps_its_contract(small_run: SmallRun) -> None:
    warehouse = DuckDBWarehouse(present(small_run.home).warehouse_file)
    made = [name for name in CONTRACTS if name not in BACKTEST_TABLES]
    broken = {name: violations(name, warehouse.read_table(name, coerce=False)) for name in made}
    assert {name: rows.to_dict("records") for name, rows in broken.items() if len(rows)} == {}


def test_the_run_and_its_materializations_are_visible_to_dagster(small_run: SmallRun) -> None:
    with dg.DagsterInstance.from_config(str(small_run.home.root)) as instance:
        run = instance.get_run_by_id(small_run.outcome.run_id)
        assert run is not None
        assert run.status == dg.DagsterRunStatus.SUCCESS
        there = [dg.AssetKey("decision_report"), *spec_assets(small_run.settings.model)]
        assert len(there) == 10
        week = {present(small_run.home).key}
        assert {key: instance.get_materialized_partitions(key) for key in there} == dict.fromkeys(there, week)


def test_what_to_know_about_the_data_is_said_before_the_first_fit_and_kept(small_run: SmallRun) -> None:
    said = [step.name for step in small_run.steps if step.kind == "warning"]
    names = [step.name for step in small_run.steps]

    assert any("equal another row in every column and count once" in warning for warning in said)
    assert any("span less than one season" in warning for warning in said)
    assert max(map(names.index, said)) < names.index("fitted_model__adstock_1")
    profile = json.loads((present(small_run.home).artifacts / "eda_profile.json").read_text(encoding="utf-8"))
    assert profile["warnings"] == said
    with dg.DagsterInstance.from_config(str(small_run.home.root)) as instance:
        kept = [
            warning
            for asset in ("media_rows", "model_inputs")
            for warning in instance.get_latest_materialization_event(dg.AssetKey(asset))
            .asset_materialization.metadata["warnings"]
            .value
        ]
    assert kept == said


def test_a_first_refresh_has_nothing_before_it_to_be_compared_with(small_run: SmallRun) -> None:
    assert DuckDBWarehouse(present(small_run.home).warehouse_file).read_table("drift").empty


def test_everything_stored_knows_what_it_was_made_from(small_run: SmallRun) -> None:
    artifacts = artifact_store(small_run.settings, present(small_run.home))
    made = {path.stem for path in (present(small_run.home).artifacts / "made_from").glob("*.json")}
    assert {"media_rows", "model_inputs", "fitted_model.carryover_2", "attribution", "charts", "eda_report"} <= made
    assert mixed(artifacts, ["decision_report"]) == []
    with dg.DagsterInstance.from_config(str(small_run.home.root)) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["fitted_model", "carryover_2"]))
    fingerprint = artifacts.fit_fingerprint("fitted_model", "carryover|2")
    assert event.asset_materialization.tags["dagster/data_version"] == fingerprint


def test_every_figure_of_the_narratives_was_found_in_the_tables(small_run: SmallRun) -> None:
    with dg.DagsterInstance.from_config(str(small_run.home.root)) as instance:
        events = instance.all_logs(small_run.outcome.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    checks = [event.get_dagster_event().event_specific_data for event in events]
    passed = {check.check_name: check.passed for check in checks}
    assert {name: passed.get(f"{name}_figures") for name in NARRATIVES} == dict.fromkeys(NARRATIVES, True)


def test_nothing_is_pickled(small_run: SmallRun) -> None:
    assert not [path for path in small_run.home.root.rglob("*") if path.suffix in {".pkl", ".pickle"}]
    artifacts = [path for path in present(small_run.home).artifacts.rglob("*") if path.is_file()]
    assert artifacts
    assert {path.suffix for path in artifacts} <= {".nc", ".json", ".md", ".png"}


def test_the_results_are_copied_and_the_copy_is_named(small_run: SmallRun, summary: dict) -> None:
    copies, latest = copies_of(small_run.home), small_run.home.latest_results
    copy = copies / json.loads((copies / "latest.json").read_text(encoding="utf-8"))["folder"]
    assert json.loads((copy / "summary.json").read_text(encoding="utf-8")) == summary
    files = [sorted(path.relative_to(top).as_posix() for path in top.rglob("*")) for top in (copy, latest)]
    assert files[0] == files[1]


def test_no_file_of_the_home_holds_a_secret(small_run: SmallRun) -> None:
    files = [path for path in small_run.home.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert {"runs.db", "index.db"} <= {path.name for path in files}
    held = [
        (str(path.relative_to(small_run.home.root)), name)
        for path in files
        for name, secret in FAKE_SECRETS.items()
        for spelling in (secret.encode(), base64.b64encode(secret.encode()), Path(secret).name.encode())
        if spelling in path.read_bytes()
    ]
    assert held == []


def test_unchanged_inputs_reuse_the_fits_and_an_edit_refits_them(home_again: Home, small_campaign: Path) -> None:
    fits = present(home_again).artifacts / "fitted_model"
    before = {path.name: path.stat().st_mtime_ns for path in fits.glob("*.nc")}
    assert len(before) == 9
    # A file cut short, as by a full disk, and one spec that was never fitted.
    (fits / "adstock-1.nc").write_bytes((fits / "adstock-1.nc").read_bytes()[:1000])
    (fits / "carryover-4.nc").unlink()
    assert run_some(home_again, small_settings(small_campaign)).success
    after = {path.name: path.stat().st_mtime_ns for path in fits.glob("*.nc")}
    assert {name for name in before if before[name] != after[name]} == {"adstock-1.nc", "carryover-4.nc"}


def test_a_broken_source_stops_the_run_with_one_message_and_keeps_the_results(home_again: Home, tmp_path: Path) -> None:
    report = (home_again.latest_results / "report.html").read_bytes()
    source = tmp_path / "campaigns.csv"
    source.write_text("Date,Ad group alias,Impressions,Spend\n2026-01-01,a,1,1\n", encoding="utf-8")
    failed = run_into(home_again, small_settings(source), replace=True)
    assert not failed.outcome.succeeded
    assert len(failed.outcome.problems) == 1
    assert "Sales" in failed.outcome.problems[0]
    assert "Traceback" not in failed.outcome.problems[0]
    assert (home_again.latest_results / "report.html").read_bytes() == report
    assert "media_matrix" not in {step.name for step in failed.steps}


def test_no_converged_spec_means_no_champion_and_an_honest_message(small_campaign: Path, home_again: Home) -> None:
    strict = small_settings(
        small_campaign,
        model={"adstocks": ["adstock"], "degrees": [1, 2]},
        convergence={"rhat_max": 1.0001, "ess_min": 1e6},
    )
    failed = run_into(home_again, strict)
    assert not failed.outcome.succeeded
    assert "champion_model" in failed.outcome.problems[0]
    assert "budget_plan" not in {step.name for step in failed.steps if step.kind == "materialized"}


def test_a_stage_that_breaks_its_contract_stops_everything_below_and_shows_the_rows(
    small_campaign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_a_negative_spend(*arguments: object) -> pd.DataFrame:
        matrix = build_media_matrix(*arguments)
        matrix.loc[7, "spend"] = -12.5
        return matrix

    monkeypatch.setattr(inputs, "build_media_matrix", with_a_negative_spend)
    failed = run_into(Home(tmp_path / "home"), small_settings(small_campaign))
    assert not failed.outcome.succeeded
    [problem] = failed.outcome.problems
    assert "media_matrix_contract" in problem
    assert "column=spend" in problem
    assert "-12.5" in problem
    materialized = {step.name for step in failed.steps if step.kind == "materialized"}
    assert materialized == {
        "media_rows",
        "kpi_rows",
        "rejected_rows",
        "campaign_totals",
        "media_matrix",
        "market_matrix",
        "kpi_series",
    }
