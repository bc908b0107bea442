"""`mmm ui --read-only`, asked over HTTP as a browser, or a hostile page, would."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_DEADLINE_SECONDS = 120
_RELOAD = """mutation { reloadRepositoryLocation(repositoryLocationName: "mmm_pipeline") { __typename } }"""
_WIPE = """mutation { wipeAssets(assetPartitionRanges: [{assetKey: {path: ["champion_model"]}}]) { __typename } }"""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _ask(port: int, query: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        return json.load(answer)["data"]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A running read-only UI over an empty home."""
    folder, chosen = tmp_path_factory.mktemp("ui"), _free_port()
    command = [sys.executable, "-m", "mmm_pipeline.cli", "ui", "--read-only", "--home", "home", "--port", str(chosen)]
    log = Path(folder / "log.txt")
    with (
        log.open("w") as output,
        subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, start_new_session=True) as server,
    ):
        try:
            until = time.monotonic() + _DEADLINE_SECONDS
            while not _answers(chosen):
                assert server.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.5)
            yield chosen
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)


def _answers(port: int) -> bool:
    try:
        return bool(_ask(port, "{ version }"))
    except (urllib.error.URLError, OSError):
        return False


def test_the_assets_can_be_looked_at(port: int) -> None:
    nodes = _ask(port, "{ assetNodes { assetKey { path } } }")["assetNodes"]
    assert ["champion_model"] in [node["assetKey"]["path"] for node in nodes]


def test_every_permission_to_launch_or_change_is_refused(port: int) -> None:
    permissions = {
        row["permission"]: row["value"] for row in _ask(port, "{ permissions { permission value } }")["permissions"]
    }
    assert {"launch_pipeline_execution", "launch_partition_backfill", "wipe_assets", "edit_sensor"} <= set(permissions)
    assert [name for name, allowed in permissions.items() if allowed] == []


@pytest.mark.parametrize("mutation", [_RELOAD, _WIPE])
def test_a_change_is_refused(port: int, mutation: str) -> None:
    [answer] = _ask(port, mutation).values()
    assert answer["__typename"] == "UnauthorizedError"


def test_no_daemon_runs_beside_it(port: int) -> None:
    daemons = _ask(port, "{ instance { daemonHealth { allDaemonStatuses { lastHeartbeatTime } } } }")
    statuses = daemons["instance"]["daemonHealth"]["allDaemonStatuses"]
    assert statuses
    assert [status["lastHeartbeatTime"] for status in statuses if status["lastHeartbeatTime"]] == []
