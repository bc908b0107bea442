"""`mmm ui --read-only`, asked over HTTP as a browser, or a hostile page, would."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mmm_pipeline_tests.live_ui import LiveUi, live_ui

_RELOAD = """mutation { reloadRepositoryLocation(repositoryLocationName: "mmm_pipeline") { __typename } }"""
_WIPE = """mutation { wipeAssets(assetPartitionRanges: [{assetKey: {path: ["champion_model"]}}]) { __typename } }"""


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveUi]:
    """A running read-only UI over an empty home."""
    with live_ui(tmp_path_factory.mktemp("ui") / "home", "--read-only") as running:
        yield running


def test_the_assets_can_be_looked_at(ui: LiveUi) -> None:
    nodes = ui.ask("{ assetNodes { assetKey { path } } }")["assetNodes"]
    assert ["champion_model"] in [node["assetKey"]["path"] for node in nodes]


def test_every_permission_to_launch_or_change_is_refused(ui: LiveUi) -> None:
    permissions = {
        row["permission"]: row["value"] for row in ui.ask("{ permissions { permission value } }")["permissions"]
    }
    assert {"launch_pipeline_execution", "launch_partition_backfill", "wipe_assets", "edit_sensor"} <= set(permissions)
    assert [name for name, allowed in permissions.items() if allowed] == []


@pytest.mark.parametrize("mutation", [_RELOAD, _WIPE])
def test_a_change_is_refused(ui: LiveUi, mutation: str) -> None:
    [answer] = ui.ask(mutation).values()
    assert answer["__typename"] == "UnauthorizedError"


def test_no_daemon_runs_beside_it(ui: LiveUi) -> None:
    daemons = ui.ask("{ instance { daemonHealth { allDaemonStatuses { lastHeartbeatTime } } } }")
    statuses = daemons["instance"]["daemonHealth"]["allDaemonStatuses"]
    assert statuses
    assert [status["lastHeartbeatTime"] for status in statuses if status["lastHeartbeatTime"]] == []
