"""`mmm ui --read-only`, asked over HTTP as a browser, or a hostile page, would."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from mmm_pipeline_tests.live_ui import LiveUi, live_ui, wait_until

_RELOAD = """mutation { reloadRepositoryLocation(repositoryLocationName: "mmm_pipeline") { __typename } }"""
_WIPE = """mutation { wipeAssets(assetPartitionRanges: [{assetKey: {path: ["champion_model"]}}]) { __typename } }"""


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveUi]:
    """A running read-only UI over an empty home, started as a script does in the background: deaf to Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with live_ui(tmp_path_factory.mktemp("ui") / "home", "--read-only") as running:
            signal.signal(signal.SIGINT, before)
            yield running
    finally:
        signal.signal(signal.SIGINT, before)


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


def test_a_foreign_name_is_refused(ui: LiveUi) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{ui.port}/server_info", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60)


def test_subscriptions_of_the_ui_work_and_those_of_other_pages_do_not(ui: LiveUi) -> None:
    address, protocol = f"ws://127.0.0.1:{ui.port}/graphql", ["graphql-ws"]
    own = f"http://127.0.0.1:{ui.port}"
    with connect(address, subprotocols=protocol, origin=own, proxy=None) as socket:  # type: ignore[arg-type]
        socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(socket.recv(timeout=60)) == {"type": "connection_ack"}
    with pytest.raises(InvalidStatus, match="403"):
        connect(address, subprotocols=protocol, origin="http://evil.example", proxy=None)  # type: ignore[arg-type]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
def test_sigterm_ends_it_and_all_it_started(ui: LiveUi) -> None:
    started = ui.processes()
    assert len(started) >= 5  # mmm, code server, webserver, an attendant of each

    ui.process.terminate()

    wait_until(lambda: ui.process.poll() is not None, ui, seconds=60)
    assert ui.process.returncode == 0
    wait_until(lambda: not any(Path(f"/proc/{process}/cmdline").exists() for process in started), ui, seconds=30)
    assert "Traceback" not in ui.log.read_text()
