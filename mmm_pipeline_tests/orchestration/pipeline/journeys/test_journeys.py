"""What people do in the Dagster UI, done in Chromium: with the real webserver, daemon and code server.

`make test-journeys`; every page that a journey ends on is left as a picture in `.journeys/`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from mmm_pipeline.orchestration.headless import refresh
from mmm_pipeline.orchestration.runs.coordination import DECISIONS_JOB
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.artifacts import artifact_store
from mmm_pipeline.storage.generations import record
from mmm_pipeline.storage.home import Home
from mmm_pipeline_tests.homes import present
from mmm_pipeline_tests.live_ui import LiveUi, live_ui, wait_until
from mmm_pipeline_tests.orchestration.pipeline.conftest import small_settings

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.journeys,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed to use the UI with"),
]

_PATIENCE = 180_000  # milliseconds; a machine that does other things as well is slow
_PICTURES = Path(".journeys")


@pytest.fixture(scope="module")
def home(small_campaign: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with everything up to the budget plan; what the journeys launch finds its fits there."""
    home = Home(tmp_path_factory.mktemp("journeys") / "home")
    outcome = refresh(home, small_settings(small_campaign), lambda step: None, job_name=DECISIONS_JOB)
    assert outcome.succeeded, outcome.problems
    return home


@pytest.fixture(scope="module")
def ui(home: Home) -> Iterator[LiveUi]:
    with live_ui(home.root) as running:
        yield running


@pytest.fixture
def page(ui: LiveUi, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh browser window; what it shows in the end is kept as a picture."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--no-proxy-server"])
        window = browser.new_page(
            viewport={"width": 1500, "height": 1000}, base_url=f"http://127.0.0.1:{ui.port}", locale="en-US"
        )
        window.set_default_timeout(_PATIENCE)
        yield window
        window.screenshot(path=_PICTURES / f"{request.node.name}.png")
        browser.close()


def _materialize(page: Page, place: str, weeks: str) -> None:
    """Choose weeks in the dialog, `2025-03-24` or `[2025-03-24...2025-04-07]`, and launch."""
    page.goto(place)
    page.get_by_role("button", name="Materialize").first.click()
    dialog = page.get_by_role("dialog")
    chosen = dialog.get_by_role("textbox").first
    chosen.wait_for()
    chosen.fill(weeks)
    chosen.press("Enter")
    dialog.get_by_role("button", name=re.compile("^Launch ([0-9]+ run|backfill)")).last.click()


def _new_runs(ui: LiveUi, known: set[str]) -> list[dict[str, Any]]:
    """The runs that were launched since, when there is one."""

    def new() -> list[dict[str, Any]]:
        return [run for run in ui.runs() if run["runId"] not in known]

    wait_until(lambda: bool(new()), ui)
    return new()


def _known(ui: LiveUi) -> set[str]:
    return {str(run["runId"]) for run in ui.runs()}


def test_the_lineage_is_drawn_by_stages(page: Page) -> None:
    page.goto("/asset-groups")
    for stage in ("ingestion", "inputs", "models", "selection", "decisions", "reports"):
        page.get_by_text(stage, exact=True).first.wait_for()
    page.goto("/assets/leaderboard?view=lineage")
    for neighbour in ("fitted_model", "champion_model"):
        page.get_by_text(neighbour, exact=True).first.wait_for()


def test_one_spec_of_one_week_is_materialized_and_seen_to_succeed(page: Page, home: Home, ui: LiveUi) -> None:
    known = _known(ui)
    _materialize(page, "/assets/fitted_model/carryover_2", present(home).key)
    [run] = _new_runs(ui, known)
    page.goto(f"/runs/{run['runId']}")
    page.get_by_text("Success", exact=True).first.wait_for()
    page.get_by_text("RUN_SUCCESS").first.wait_for()


def test_three_past_weeks_are_backfilled_and_their_scores_plotted(page: Page, ui: LiveUi) -> None:
    known = _known(ui)
    weeks = ["2025-03-17", "2025-03-24", "2025-03-31"]
    _materialize(page, "/locations/mmm_pipeline/jobs/backtest", f"[{weeks[0]}...{weeks[-1]}]")
    wait_until(lambda: len(_new_runs(ui, known)) == len(weeks), ui)
    wait_until(lambda: all(run["status"] in ("SUCCESS", "FAILURE") for run in _new_runs(ui, known)), ui, seconds=1800)
    assert {run["status"] for run in _new_runs(ui, known)} == {"SUCCESS"}
    assert sorted(run["tags"]["dagster/partition"] for run in _new_runs(ui, known)) == weeks
    page.goto("/assets/backtest?view=plots")
    page.get_by_text("skill").first.wait_for()


def test_a_report_over_a_newer_matrix_is_refused_and_the_check_names_both(page: Page, home: Home, ui: LiveUi) -> None:
    record(artifact_store(Settings(), present(home)), "media_matrix", "of newer rows", ["media_rows"])
    page.goto("/assets/attribution?view=checks")
    page.get_by_role("button").filter(has_text=re.compile(r"^\s*Execute all\s*$")).click()
    page.get_by_text("made from an earlier media_matrix").first.wait_for()


def test_the_leaderboard_shows_table_and_plot(page: Page) -> None:
    page.goto("/assets/leaderboard")
    page.get_by_text("champion_mape").first.wait_for()
    assert page.locator("td", has_text="hill_adstock").count() >= 3
    page.get_by_text("[Show Markdown]").first.click()
    picture = page.get_by_role("dialog").locator("img")
    picture.wait_for()
    assert picture.evaluate("image => image.complete && image.naturalWidth") == 640


def test_a_broken_table_turns_its_blocking_check_red_and_shows_the_rows(page: Page, home: Home, ui: LiveUi) -> None:
    with duckdb.connect(str(present(home).warehouse_file)) as warehouse:
        warehouse.execute("UPDATE mmm.media_matrix SET spend = -12.5 WHERE rowid = 7")
    try:
        page.goto("/assets/media_matrix?view=checks")
        page.get_by_text("blocking").first.wait_for()
        page.get_by_role("button").filter(has_text=re.compile(r"^\s*Execute\s*$")).click()
        page.get_by_text("Failed", exact=True).first.wait_for()
        page.get_by_text("offending_rows").first.wait_for()
        page.get_by_text("-12.5").first.wait_for()
    finally:
        with duckdb.connect(str(present(home).warehouse_file)) as warehouse:
            warehouse.execute("UPDATE mmm.media_matrix SET spend = 0 WHERE spend < 0")


def test_the_schedule_is_switched_on(page: Page, ui: LiveUi) -> None:
    query = '{ schedulesOrError(repositorySelector: {repositoryName: "__repository__", repositoryLocationName: '
    query += '"mmm_pipeline"}) { ... on Schedules { results { name scheduleState { id status } } } } }'

    def state() -> dict[str, str]:
        [schedule] = ui.ask(query)["schedulesOrError"]["results"]
        return schedule["scheduleState"]

    assert state()["status"] == "STOPPED"
    page.goto("/automation")
    page.get_by_text("Scheduled At 06:00 AM").first.wait_for()
    # The switch is a label over an invisible box; weekly_refresh is the last of the list.
    page.locator("label:has(input[type=checkbox])").last.click()
    wait_until(lambda: state()["status"] == "RUNNING", ui)
    page.get_by_text("Next tick", exact=False).or_(page.get_by_text("weekly_refresh")).first.wait_for()
    ui.stop_schedule(state()["id"])
