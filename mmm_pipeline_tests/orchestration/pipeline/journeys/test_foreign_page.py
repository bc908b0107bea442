"""A page of another site, open in the browser beside the UI, tries to switch the schedule on and to wipe an asset."""

from __future__ import annotations

import json
import shutil
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mmm_pipeline_tests.live_ui import LiveUi, live_ui

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.journeys,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed to use the UI with"),
]

_SCHEDULE = """{ schedulesOrError(repositorySelector: {repositoryName: "__repository__", repositoryLocationName:
    "mmm_pipeline"}) { ... on Schedules { results { scheduleState { status } } } } }"""
_START = """mutation { startSchedule(scheduleSelector: {repositoryLocationName: "mmm_pipeline", repositoryName:
    "__repository__", scheduleName: "weekly_refresh"}) { __typename } }"""
_REPORTED = (
    """{ assetOrError(assetKey: {path: ["champion_model"]}) { ... on Asset { assetMaterializations { runId } } } }"""
)

_PAGE = """<h1>evil</h1><img id=picture src="%(server)s/graphql?query=%(query)s">
<script>
const body = %(body)s, told = {};
const ways = {
  text: () => fetch("%(server)s/graphql", {method: "POST", mode: "no-cors", body}),
  json: () => fetch("%(server)s/graphql", {method: "POST", headers: {"Content-Type": "application/json"}, body}),
  report: () => fetch("%(server)s/report_asset_materialization/champion_model", {method: "POST", mode: "no-cors"}),
  rebound: () => fetch("%(rebound)s/server_info", {mode: "no-cors"}),
  socket: () => new Promise((done) => {
    const socket = new WebSocket("%(socket)s/graphql", "graphql-ws");
    socket.onopen = () => done("open"); socket.onerror = () => done("refused");
  }),
};
(async () => {
  for (const [name, way] of Object.entries(ways))
    told[name] = await way().then((answer) => answer.status === undefined ? answer : "sent", () => "refused");
  document.title = JSON.stringify(told);
})();
</script>"""


@contextmanager
def _evil_site(folder: Path) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_port)
        server.shutdown()


def _materializations(ui: LiveUi) -> int:
    return len(ui.ask(_REPORTED)["assetOrError"].get("assetMaterializations", []))


def test_a_page_of_another_site_changes_nothing_and_the_ui_goes_on(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    (tmp_path / "evil").mkdir()
    with live_ui(tmp_path / "home") as ui, _evil_site(tmp_path / "evil") as port, sync_playwright() as playwright:
        own = f"127.0.0.1:{ui.port}"
        page_text = _PAGE % {
            "server": f"http://{own}",
            "socket": f"ws://{own}",
            "rebound": f"http://rebound.test:{ui.port}",
            "query": urllib.parse.quote(_START),
            "body": json.dumps(json.dumps({"query": _START})),
        }
        (tmp_path / "evil" / "index.html").write_text(page_text, encoding="utf-8")
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--no-proxy-server", "--host-resolver-rules=MAP *.test 127.0.0.1"],
        )
        page = browser.new_page()
        answers: dict[str, list[int]] = {}
        page.on("response", lambda answer: answers.setdefault(answer.url.partition("?")[0], []).append(answer.status))
        page.goto(f"http://evil.test:{port}/index.html")
        page.wait_for_function("document.title.startsWith('{')", timeout=60_000)

        assert json.loads(page.title())["socket"] == "refused"
        assert json.loads(page.title())["json"] == "refused"
        asked = {url: seen for url, seen in answers.items() if "evil.test" not in url}
        assert asked
        assert {status for seen in asked.values() for status in seen} <= {403}
        [schedule] = ui.ask(_SCHEDULE)["schedulesOrError"]["results"]
        assert schedule["scheduleState"]["status"] == "STOPPED"
        assert _materializations(ui) == 0

        # The UI itself, in the same browser, works, subscriptions included.
        page.goto(f"http://{own}/asset-groups")
        page.get_by_text("champion_model", exact=True).first.wait_for(timeout=180_000)
        opened = page.evaluate(
            """address => new Promise((done) => {
                const socket = new WebSocket(address, "graphql-ws");
                socket.onopen = () => done("open"); socket.onerror = () => done("refused");
            })""",
            f"ws://{own}/graphql",
        )
        assert opened == "open"
        browser.close()
