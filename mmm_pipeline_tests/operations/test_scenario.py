"""What-if budgets from a saved champion: the core, the command, the asset."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import arviz as az
import dagster as dg
import numpy as np
import pytest
import xarray as xr
from PIL import Image
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from mmm_pipeline.cli.main import app
from mmm_pipeline.cli.result_tables import scenario_table
from mmm_pipeline.errors import InfeasibleBudget, SettingsError
from mmm_pipeline.operations.scenario import Scenario, ScenarioOptions, plan_scenario, publish_scenario, write_scenario
from mmm_pipeline.orchestration.assets.by_hand.scenario import budget_scenario
from mmm_pipeline.orchestration.assets.results.decisions import budget_metadata
from mmm_pipeline.reporting.text.wording import wording
from mmm_pipeline.settings.pipeline import Settings, parse_settings
from mmm_pipeline.storage.artifacts import ArtifactStore
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.workspace import Workspace
from mmm_pipeline_tests.homes import present
from mmm_pipeline_tests.mmm.synthetic_fits import market_dataset, synthetic_fit, synthetic_panel_fit

_FIT = synthetic_fit(channels=4)
_UNMOVED = dataclasses.replace(_FIT, data=dataclasses.replace(_FIT.data, kpi=np.full_like(_FIT.data.kpi, 1e-6)))
"""The KPI never moved, so that no plan can promise a gain."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a made-up champion and results that no scenario may touch."""
    home = Home(tmp_path_factory.mktemp("home"))
    home.prepare()
    ArtifactStore(present(home).artifacts).write_fit("champion_model", _FIT, fingerprint="made up")
    home.latest_results.mkdir(parents=True)
    (home.latest_results / "budget.csv").write_text("the live plan")
    return home


def _planned(settings: Settings | None = None, **options: Any) -> Scenario:
    return plan_scenario(_FIT, settings or Settings(), ScenarioOptions(**options))


def _run(home: Home, *arguments: str) -> Any:
    return CliRunner().invoke(app, ["scenario", "--home", str(home.root), *arguments], env={"COLUMNS": "120"})


def test_a_share_of_todays_total_is_met_to_the_cent_with_locks_and_bounds() -> None:
    planned = _planned(budget="120%", lock=("channel 1",), bounds=("0.4:3", "channel 2=0.9:1.1"))

    table, summary = planned.table.set_index("channel"), planned.summary
    assert summary["total"] == pytest.approx(1.2 * summary["total_today"], abs=0.011)
    assert round(table["optimal_spend"].sum(), 2) == summary["total"]
    assert table.loc["channel 1", "optimal_spend"] == table.loc["channel 1", "today_spend"]
    assert table.loc["channel 2", "optimal_spend"] <= 1.1 * table.loc["channel 2", "today_spend"] + 0.01
    assert table.loc["channel 0", "high"] == pytest.approx(3 * table.loc["channel 0", "today_spend"], abs=0.02)


def test_options_stand_on_top_of_the_settings() -> None:
    settings = parse_settings({"budget": {"target_marginal_roi": 1.5, "locked": ["channel 0"], "horizon": 14}})

    planned = _planned(settings, budget="150", bounds=("0:9",), horizon=7)

    table = planned.table.set_index("channel")
    assert planned.summary["objective"] == "most_kpi"
    assert (planned.summary["total"], planned.summary["horizon"]) == (150.0, 7)
    assert table.loc["channel 0", "is_locked"]


def test_targets_replace_the_budget() -> None:
    settings = parse_settings({"budget": {"total": 1000}})
    reached = float(_planned().summary["expected_kpi_today"])

    cheapest = _planned(settings, target_kpi=reached).summary
    worthwhile = _planned(settings, target_roi=1.0).summary

    assert (cheapest["objective"], worthwhile["objective"]) == ("smallest_total", "worthwhile_spend")
    assert cheapest["expected_kpi_optimal"] >= reached
    assert cheapest["total"] <= cheapest["total_today"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": "lots"}, "'lots' is not a budget: give a share such as 120% or an amount"),
        ({"budget": "-5%"}, "'-5%' is not a budget"),
        ({"budget": "nan"}, "'nan' is not a budget"),
        ({"budget": "110%", "target_kpi": 5.0}, "--budget and --target-kpi exclude each other"),
        ({"bounds": ("half",)}, "'half' cannot be read: give LOW:HIGH"),
        ({"bounds": ("2:1",)}, "--bounds '2:1' is not acceptable: 0 <= LOW <= HIGH"),
        ({"bounds": ("-1:2",)}, "--bounds '-1:2' is not acceptable"),
        ({"bounds": ("0:0",)}, "--bounds '0:0' would allow no spend in any channel"),
        ({"bounds": ("0.5:inf",)}, "finite"),
        ({"bounds": ("0:1", "0:2")}, "more than once"),
        ({"bounds": ("channel 1=2:1",)}, "--bounds 'channel 1=2:1' is not acceptable"),
        ({"target_roi": float("nan")}, "--target-roi nan is not acceptable"),
        ({"target_kpi": -3.0}, "--target-kpi -3 is not acceptable"),
        ({"budget": "3,500"}, "--budget '3,500' can be read in two ways: as 3500 or as 3.5. Write 3500 or 3.5"),
        ({"budget": "EUR 3.500"}, "--budget 'EUR 3.500' can be read in two ways: as 3500 or as 3.5"),
        ({"budget": "112.500%"}, "can be read in two ways: as 112500 or as 112.5"),
        ({"bounds": ("channel 1=0,5:1,250",)}, r"--bounds 'channel 1=0,5:1,250': '1,250' can be read in two ways"),
        ({"horizon": 0}, "is at least 1"),
        ({"name": "../../evil"}, "'../../evil' is not acceptable"),
        ({"name": "a/b"}, "not acceptable"),
        ({"name": ".hidden"}, "not acceptable"),
        ({"name": "x" * 65}, "not acceptable"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises((SettingsError, InfeasibleBudget), match=message):
        _planned(**options)


@pytest.mark.parametrize("budget", ["150,50", "150.50", "150,5 €", "CHF 150.5"])
def test_a_budget_is_read_with_either_decimal_mark(budget: str) -> None:
    assert _planned(budget=budget, bounds=("0:99",)).summary["total"] == 150.5


def test_bounds_are_read_with_either_decimal_mark() -> None:
    table = _planned(bounds=("0,5:1,5",)).table

    assert table["high"].tolist() == pytest.approx((1.5 * table["today_spend"]).tolist(), abs=0.02)


def test_targets_of_the_command_are_read_with_either_decimal_mark(home: Home) -> None:
    read = _run(home, "--target-roi", "1,05", "--json")
    refused = [_run(home, "--target-kpi", text) for text in ("3.500", "lots")]

    assert json.loads(read.stdout)["total"] == _planned(target_roi=1.05).summary["total"]
    assert [done.exit_code for done in refused] == [1, 1]
    assert "--target-kpi '3.500' can be read in two ways: as 3500 or as 3.5" in refused[0].stderr
    assert "--target-kpi 'lots' is not a number" in refused[1].stderr


def test_channels_are_found_however_their_blanks_and_width_are_typed() -> None:
    planned = _planned(lock=("channel\u00a01",), bounds=("ｃhannel  2=0.9:1.1",))

    table = planned.table.set_index("channel")
    assert table.loc["channel 1", "is_locked"]
    assert table.loc["channel 2", "low"] == pytest.approx(0.9 * table.loc["channel 2", "current_spend"], rel=1e-3)


def test_a_misspelt_channel_is_refused_with_the_nearest() -> None:
    with pytest.raises(InfeasibleBudget, match=r"budget\.locked names 'chanel 1'.*did you mean 'channel 1'"):
        _planned(lock=("chanel 1",))


def test_constraints_that_conflict_are_named() -> None:
    with pytest.raises(InfeasibleBudget, match="above the sum of the upper bounds"):
        _planned(budget="300%")


def test_the_command_writes_tables_and_picture_and_leaves_the_live_plan_alone(home: Home) -> None:
    done = _run(home, "--budget", "110%", "--name", "more", "--json")

    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    folder = home.results / "scenarios" / "more"
    with (folder / "scenario.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert Path(told["folder"]) == folder
    assert [float(row["optimal_spend"]) for row in rows] == [row["optimal_spend"] for row in told["channels"]]
    assert (folder / "scenario.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((folder / "scenario.json").read_text())["total"] == told["total"]
    assert (home.latest_results / "budget.csv").read_text() == "the live plan"
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]


def test_the_command_prints_a_table_and_writes_where_it_is_told(home: Home, tmp_path: Path) -> None:
    done = _run(home, "--lock", "channel 3", "--output", str(tmp_path / "out"))

    assert done.exit_code == 0, done.output
    assert "channel 3 (locked)" in done.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "reallocation.csv",
        "scenario.csv",
        "scenario.json",
        "scenario.png",
    ]


def test_a_name_is_not_used_twice(home: Home) -> None:
    planned = _planned(name="once")
    publish_scenario(home, Settings(), planned)

    with pytest.raises(SettingsError, match="there is a scenario of this name already"):
        publish_scenario(home, Settings(), planned)


def test_without_a_champion_the_command_says_what_to_do_and_creates_nothing(tmp_path: Path) -> None:
    done = _run(Home(tmp_path / "nothing"))

    assert done.exit_code == 1
    assert "there is no champion model yet" in done.stderr
    assert not (tmp_path / "nothing").exists()


def _launched(home: Home, config: dict[str, Any]) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [budget_scenario],
        selection=[budget_scenario],
        resources={"workspace": Workspace(root=str(home.root), config=None)},
        run_config={"ops": {"budget_scenario": {"config": config}}},
        raise_on_error=False,
    )


def test_the_asset_runs_from_the_launchpad_with_defaults_or_options(home: Home) -> None:
    result = _launched(home, {"name": "from-ui", "budget": "90%", "lock": ["channel 0"]})

    assert result.success
    [event] = result.asset_materializations_for_node("budget_scenario")
    assert event.metadata["total"].value == pytest.approx(0.9 * float(_planned().summary["total_today"]), abs=0.011)
    assert (home.results / "scenarios" / "from-ui" / "scenario.png").is_file()
    assert (home.latest_results / "budget.csv").read_text() == "the live plan"


def test_the_asset_runs_without_any_config(home: Home) -> None:
    assert _launched(home, {}).success


@pytest.mark.parametrize("config", [{"name": "../../evil"}, {"name": "/tmp/evil"}, {"budget": "$(rm -rf ~)"}])
def test_hostile_run_config_is_refused_and_writes_nothing(home: Home, config: dict[str, Any]) -> None:
    before = sorted(home.root.rglob("*"))

    assert not _launched(home, config).success
    assert sorted(home.root.rglob("*")) == before


def test_a_champion_of_several_markets_is_planned_too(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    ArtifactStore(present(home).artifacts).write_fit("champion_model", synthetic_panel_fit(), fingerprint="made up")

    done = _run(home, "--budget", "105%", "--json")

    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert round(sum(row["optimal_spend"] for row in told["channels"]), 2) == told["total"]


def test_a_scenario_of_results_that_cannot_be_right_says_so_first() -> None:
    promised = plan_scenario(_UNMOVED, Settings(), ScenarioOptions(budget="150%"))

    assert promised.implausible[0] == wording("en")("implausible.headline")
    assert "The plan promises" in promised.implausible[-1]
    assert promised.to_dict()["implausible"] == list(promised.implausible)


def test_a_move_without_evidence_is_tagged_in_table_moves_notes_and_picture() -> None:
    known = _planned(budget="150%")
    # Draws of the prior, all equally likely: the data has taught nothing.
    fit = synthetic_fit(channels=4, effect=1.0)
    alike = xr.Dataset({"kpi": xr.zeros_like(fit.baseline())})
    fit = dataclasses.replace(fit, inference=az.InferenceData(posterior=fit.posterior, log_likelihood=alike))
    moving = Settings(budget={"move_unproven": True})
    blind = plan_scenario(fit, moving, ScenarioOptions(budget="150%"))

    assert known.table["has_evidence"].all()
    assert not any("no evidence" in note for note in known.notes)
    assert not blind.table["has_evidence"].any()
    assert not blind.reallocation[["from_has_evidence", "to_has_evidence"]].to_numpy().any()
    assert "no evidence: the data cannot tell what channel 0, channel 1, channel 2, channel 3 bring" in blind.notes[0]
    shown = _printed(scenario_table(blind, "USD", 0.9))
    assert all(f"channel {number} (no evidence)" in shown for number in range(4))
    assert "(no evidence)" not in _printed(scenario_table(known, "USD", 0.9))


def _printed(table: Table) -> str:
    written = io.StringIO()
    Console(file=written, width=200).print(table)
    return written.getvalue()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_files_and_picture_of_a_scenario_that_cannot_be_right_carry_the_warning(language: str, tmp_path: Path) -> None:
    settings = parse_settings({"report": {"languages": [language]}})
    heights = {}
    for name, fit in (("right", _FIT), ("wrong", _UNMOVED)):
        planned = plan_scenario(fit, settings, ScenarioOptions(budget="150%", name=name))
        (tmp_path / name).mkdir()
        write_scenario(tmp_path / name, settings, planned)
        with Image.open(tmp_path / name / "scenario.png") as picture:
            heights[name] = picture.height
    told = json.loads((tmp_path / "wrong" / "scenario.json").read_text(encoding="utf-8"))
    usual = json.loads((tmp_path / "right" / "scenario.json").read_text(encoding="utf-8"))

    headline = wording("en")("implausible.headline")
    for rows in ("channels", "reallocation"):
        assert {row["warning"] for row in told[rows]} == {headline}
        assert {row["warning"] for row in usual[rows]} == {""}
    assert (told["verdict"], usual["verdict"] != "implausible") == ("implausible", True)
    assert headline in (tmp_path / "wrong" / "scenario.csv").read_text(encoding="utf-8-sig")
    assert heights["wrong"] > heights["right"], "a strip above the picture"


def test_the_ui_tells_of_a_plan_that_cannot_be_right(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    ArtifactStore(present(home).artifacts).write_fit("champion_model", _UNMOVED, fingerprint="made up")
    headline = wording("en")("implausible.headline")

    result = _launched(home, {"name": "wrong", "budget": "150%"})
    [done] = result.asset_materializations_for_node("budget_scenario")
    assert done.metadata["verdict"].value == "implausible"
    assert str(done.metadata["warning"].value).startswith(headline)

    metadata = budget_metadata({**_planned().summary, "verdict": "material_gain"}, (headline, "why"))
    assert (metadata["verdict"], metadata["warning"]) == ("implausible", f"{headline} why")
    assert "warning" not in budget_metadata(_planned().summary)


def test_half_and_double_of_todays_budget_are_never_refused_for_a_cent() -> None:
    for share in (50, 200):
        summary = _planned(budget=f"{share}%").summary
        assert summary["total"] == pytest.approx(share / 100 * summary["total_today"], abs=0.04)


def test_the_change_is_against_today_in_terminal_table_files_and_ui(home: Home) -> None:
    done = _run(home, "--budget", "110%", "--name", "changes", "--json")
    told = json.loads(done.stdout)["channels"]
    with (home.results / "scenarios" / "changes" / "scenario.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    printed = _run(home, "--budget", "110%", "--name", "printed").stdout

    for row, cells in zip(told, rows, strict=True):
        assert row["change"] == pytest.approx(row["optimal_spend"] - row["today_spend"], abs=1e-9)
        assert float(cells["change"]) == row["change"]
        assert f"{row['change']:+,.2f}" in printed
    # At 110 % the changes against today's mix at the same total would add up to nothing.
    assert sum(row["change"] for row in told) == pytest.approx(0.1 * sum(row["today_spend"] for row in told), abs=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--bounds", "2:1"), "--bounds '2:1' is not acceptable"),
        (("--budget", "300%"), "'--budget 300%': the total of"),
        (("--lock", "chanel 1"), "--lock chanel 1"),
        (("--bounds", "chanel 1=1:2"), "did you mean 'channel 1'"),
    ],
)
def test_what_cannot_be_met_is_refused_before_the_draws_are_read(
    home: Home, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.setattr(ArtifactStore, "read_fit", lambda *_: pytest.fail("the draws were read"))

    done = _run(home, *arguments)

    assert done.exit_code == 1
    assert message in done.stderr.replace("\n", " ")


@pytest.fixture(scope="module")
def paused_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A champion whose channels all spent nothing on the last 30 days."""
    dataset = market_dataset(channels=3, days=90, zero_inflated=False)
    for name in ("spend", "media"):
        dataset[name][-30:] = 0.0
    home = Home(tmp_path_factory.mktemp("paused"))
    home.prepare()
    fit = synthetic_fit(channels=3, dataset=dataset)
    ArtifactStore(present(home).artifacts).write_fit("champion_model", fit, fingerprint="made up")
    return home


def test_an_amount_is_planned_from_the_last_spend_where_everything_is_paused(paused_home: Home) -> None:
    spend = ArtifactStore(present(paused_home).artifacts).read_fit_spend("champion_model")[1]
    earlier = float(spend[32:60].sum())

    done = _run(paused_home, "--budget", f"{earlier:.2f}", "--json")

    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["total"] == pytest.approx(earlier, abs=0.01)
    assert told["total_today"] == 0
    assert "nothing was spent since 2025-05-01" in told["notes"][0]


def test_a_share_of_nothing_asks_for_an_amount(paused_home: Home) -> None:
    done = _run(paused_home, "--budget", "120%")

    assert done.exit_code == 1
    assert "that cost nothing: give an amount" in done.stderr.replace("\n", " ")


def test_a_champion_that_did_not_converge_is_told_of() -> None:
    planned = plan_scenario(synthetic_fit(channels=4, converged=False), Settings(), ScenarioOptions())
    assert "the champion did not converge" in planned.notes[0]
