"""What a browser sends from the UI's own pages, from foreign ones and under foreign names, and what is let through."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from mmm_pipeline.orchestration.ui.guard import Guard
from mmm_pipeline.orchestration.ui.results_files import ResultsFiles

_ASKED = "http://127.0.0.1:3000"
_JSON = {"Content-Type": "application/json"}
_FOREIGN = {"Sec-Fetch-Site": "cross-site"}
_LINK = {**_FOREIGN, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


async def _page(request: Request) -> PlainTextResponse:
    return PlainTextResponse("the UI")


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("open")
    await websocket.close()


_UI = Starlette(
    routes=[Route("/{path:path}", _page, methods=["GET", "POST"]), WebSocketRoute("/graphql", _socket)],
)


def _client(asked: str = _ASKED, names: tuple[str, ...] = ()) -> TestClient:
    return TestClient(Guard(_UI, names), base_url=asked)


@pytest.mark.parametrize(
    "asked", [_ASKED, "http://localhost:8080", "http://[::1]:3000", "http://127.0.0.1", "https://LOCALHOST"]
)
def test_the_ui_is_served_under_the_names_of_this_machine(asked: str) -> None:
    assert _client(asked).get("/assets").text == "the UI"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:3000", "127.0.0.1.evil.example", "10.0.0.7:3000", "", "[::"]
)
def test_a_foreign_name_is_refused(host: str) -> None:
    answer = _client().get("/server_info", headers={"Host": host})
    assert (answer.status_code, "MMM_UI_NAMES" in answer.text) == (403, True)


def test_a_proxy_in_front_is_named() -> None:
    client = _client("https://mmm.example.com", ("mmm.example.com",))
    posted = {"Content-Type": "application/json", "Origin": "https://mmm.example.com", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/graphql", content="{}", headers=posted).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/graphql?query=mutation", {**_FOREIGN, "Sec-Fetch-Dest": "image"}),
        # An old browser says nothing of where a picture is asked from.
        ("GET", "/graphql?query=mutation", {}),
        ("GET", "/graphql?x=1&qu%65ry=mutation", {"Accept": "image/*"}),
        ("POST", "/graphql", {"Content-Type": "text/plain"}),
        ("POST", "/graphql/", {"Content-Type": "application/x-www-form-urlencoded"}),
        ("POST", "/graphql", {**_JSON, "Origin": "http://evil.example"}),
        ("POST", "/graphql", {**_JSON, "Origin": "null"}),
        ("POST", "/graphql", {**_JSON, "Origin": "http://127.0.0.1:9099"}),
        ("POST", "/graphql", {**_JSON, "Sec-Fetch-Site": "same-site"}),
        ("POST", "/report_asset_materialization/champion_model", _FOREIGN),
        ("POST", "/report_asset_materialization/champion_model", _LINK),
        ("GET", "/graphql", _LINK),
        ("GET", "/runs", {**_LINK, "Sec-Fetch-Dest": "iframe"}),
    ],
)
def test_what_a_foreign_page_can_send_is_refused(method: str, path: str, headers: dict[str, str]) -> None:
    answer = _client().request(method, path, headers=headers)
    assert (answer.status_code, answer.text.startswith("refused: ")) == (403, True)


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/graphql", {**_JSON, "Origin": _ASKED, "Sec-Fetch-Site": "same-origin"}),
        ("POST", "/graphql", _JSON),
        ("GET", "/graphql?query=x", {"Accept": "text/html", "Sec-Fetch-Site": "none"}),
        ("GET", "/runs/1", _LINK),
    ],
    ids=["the UI", "a program", "the query page", "a link from a mail"],
)
def test_what_people_and_programs_send_is_let_through(method: str, path: str, headers: dict[str, str]) -> None:
    answer = _client().request(method, path, headers=headers, content="{}" if method == "POST" else None)
    assert (answer.status_code, answer.headers["X-Frame-Options"]) == (200, "SAMEORIGIN")


def test_a_websocket_of_the_ui_opens() -> None:
    with _client().websocket_connect("/graphql", headers={"Origin": _ASKED, "Host": "127.0.0.1:3000"}) as socket:
        assert socket.receive_text() == "open"


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example", "Host": "127.0.0.1:3000"}, {"Host": "evil.example"}]
)
def test_a_websocket_of_a_foreign_page_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(WebSocketDisconnect), _client().websocket_connect("/graphql", headers=headers):
        pass


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder with one run, `latest`, a hidden file and a link that leads out."""
    folder = tmp_path / "home" / "results"
    run = folder / "20260105T060000000000Z"
    (run / "charts").mkdir(parents=True)
    (run / "report.html").write_text("<h1>report</h1>", encoding="utf-8")
    (run / ".secret").write_text("hidden", encoding="utf-8")
    (folder / "latest").symlink_to(run.name)
    (tmp_path / "outside.txt").write_text("outside", encoding="utf-8")
    (run / "charts" / "leak.txt").symlink_to(tmp_path / "outside.txt")
    return folder


def test_the_report_is_served_as_a_page_without_rights(results: Path) -> None:
    client = TestClient(ResultsFiles(_UI, results), base_url=_ASKED)
    answer = client.get("/results")
    assert (answer.text, str(answer.url)) == ("<h1>report</h1>", f"{_ASKED}/results/latest/report.html")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "allow-same-origin" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    ["latest/none.csv", "%2e%2e/warehouse.duckdb", "latest/charts/leak.txt", "latest/.secret", "%00", "latest/charts"],
)
def test_nothing_else_of_the_machine_is_served(results: Path, path: str) -> None:
    answer = TestClient(ResultsFiles(_UI, results), base_url=_ASKED).get(f"/results/{path}")
    assert answer.status_code == 404


def test_results_can_only_be_read_and_other_paths_are_handed_on(results: Path) -> None:
    client = TestClient(ResultsFiles(_UI, results), base_url=_ASKED)
    assert client.post("/results/latest/report.html").status_code == 405
    assert client.get("/resultsof").text == "the UI"
