"""A running `mmm ui`, asked over HTTP as a browser would ask it."""

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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["LiveUi", "live_ui", "wait_until"]

_DEADLINE_SECONDS = 600.0
_REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "mmm_pipeline"}


@dataclass
class LiveUi:
    """Attributes: process: the command; what it started ends with it, however it ends; log: what they print."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def ask(self, query: str, variables: Mapping[str, object] | None = None) -> dict[str, Any]:
        """The data of a GraphQL answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            data=json.dumps({"query": query, "variables": variables or {}}).encode(),
            headers={"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            content = json.load(answer)
        assert not content.get("errors"), content["errors"]
        return content["data"]

    def answers(self) -> bool:
        try:
            return bool(self.ask("{ version }"))
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """`kill -9` of everything at once, runs included, as when the machine goes down."""
        groups = {self.process.pid, *self._groups()}
        for group in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        self.process.wait()

    def processes(self) -> list[int]:
        """Everything that the command started, itself included; through /proc."""
        parents = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        found = [self.process.pid]
        for process in found:
            found += [child for child, parent in parents.items() if parent == process]
        return found

    def _groups(self) -> set[int]:
        groups = set()
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                groups.add(os.getpgid(process))
        return groups

    def backfill(self, assets: list[str], partitions: list[str]) -> str:
        """Launch a backfill of assets, `fitted_model/carryover_2`, as the dialog does; returns its id."""
        chosen = {"partitionNames": partitions}
        launched = self.ask(
            """mutation Launch($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
                 __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }""",
            {"params": {"assetSelection": [{"path": asset.split("/")} for asset in assets], **chosen}},
        )["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        return str(launched["backfillId"])

    def backfill_status(self, backfill: str) -> str:
        query = """query Status($id: String!) {
            partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"""
        return str(self.ask(query, {"id": backfill})["partitionBackfillOrError"]["status"])

    def start_schedule(self, name: str) -> str:
        """Switch a schedule on; returns the id by which it is switched off."""
        started = self.ask(
            """mutation Start($selector: ScheduleSelector!) { startSchedule(scheduleSelector: $selector) {
                 __typename ... on ScheduleStateResult { scheduleState { id status } } } }""",
            {"selector": {**_REPOSITORY, "scheduleName": name}},
        )["startSchedule"]
        assert started["__typename"] == "ScheduleStateResult", started
        assert started["scheduleState"]["status"] == "RUNNING"
        return str(started["scheduleState"]["id"])

    def stop_schedule(self, schedule: str) -> None:
        stopped = self.ask(
            "mutation Stop($id: String!) { stopRunningSchedule(id: $id) { __typename } }", {"id": schedule}
        )["stopRunningSchedule"]
        assert stopped["__typename"] == "ScheduleStateResult", stopped

    def messages(self, run_id: str) -> list[str]:
        """What the log of a run says, in order."""
        query = """query Log($run: ID!) { logsForRun(runId: $run) { ... on EventConnection { events {
            ... on MessageEvent { message } } } } }"""
        events = self.ask(query, {"run": run_id})["logsForRun"]["events"]
        return [event["message"] for event in events if "message" in event]

    def runs(self) -> list[dict[str, Any]]:
        """All runs, the latest first: `runId`, `status`, `startTime`, `endTime` and `tags`."""
        query = """{ runsOrError { ... on Runs { results {
            runId status startTime endTime tags { key value } } } } }"""
        runs = self.ask(query)["runsOrError"]["results"]
        return [{**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in runs]


@contextmanager
def live_ui(home: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[LiveUi]:
    """`mmm ui` over a home until the block ends; it and its children are then gone."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    home.mkdir(parents=True, exist_ok=True)
    log = home.parent / f"{home.name}-ui-{port}.log"
    command = [sys.executable, "-m", "mmm_pipeline.cli.main", "ui", "--home", str(home), "--port", str(port), *options]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=home.parent,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
    ui = LiveUi(port, process, log)
    try:
        wait_until(lambda: process.poll() is not None or ui.answers(), ui)
        assert process.poll() is None, log.read_text()
        yield ui
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
        ui.kill()


def wait_until(is_so: Callable[[], bool], ui: LiveUi, *, seconds: float = _DEADLINE_SECONDS) -> None:
    """Wait for something to become true; when it does not, fail with the end of what the UI printed."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, ui.log.read_text()[-5000:]
        time.sleep(0.5)
