"""A failed run is told to a webhook: by a real run, to a real server on this machine."""

# Dagster reads the type of an op's `context` itself, so annotations are not postponed here.
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dagster as dg
import pytest

from mmm_pipeline.orchestration.failure_notice import (
    WEBHOOK_VARIABLE,
    WebhookUnreachable,
    post_notice,
    run_failure_notice,
)
from mmm_pipeline.orchestration.headless import build_definitions
from mmm_pipeline.storage.home import Home

_SECRET = "token-in-the-path"


@dataclass
class Webhook:
    """A server on 127.0.0.1 that answers with the given statuses, the last one from then on."""

    statuses: list[int]
    received: list[bytes] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Webhook]]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    servers: list[HTTPServer] = []

    def start(*statuses: int) -> Webhook:
        hook = Webhook(list(statuses))

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.received.append(self.rfile.read(int(self.headers["Content-Length"])))
                status = hook.statuses.pop(0) if len(hook.statuses) > 1 else hook.statuses[0]
                self.send_response(status)
                if status in (302, 307):
                    self.send_header("Location", f"{hook.url}/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        hook.url = f"http://127.0.0.1:{server.server_port}/{_SECRET}"
        return hook

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def failed_run() -> Iterator[dg.RunFailureSensorContext]:
    """The context that Dagster hands to a sensor after a run whose config, tags and error hold a secret."""

    @dg.op(config_schema={"key": str})
    def fit(context: dg.OpExecutionContext) -> None:
        raise ValueError(f"refused: {context.op_config['key']}")

    @dg.job
    def refresh() -> None:
        fit()

    with dg.DagsterInstance.ephemeral() as instance:
        result = refresh.execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"ops": {"fit": {"config": {"key": _SECRET}}}},
            tags={"note": _SECRET},
        )
        yield dg.build_run_status_sensor_context(
            sensor_name="run_failure_notice",
            dagster_event=result.get_run_failure_event(),
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        ).for_run_failure()


def test_a_failed_run_is_told_with_names_only(
    webhook: Callable[..., Webhook], failed_run: dg.RunFailureSensorContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = webhook(200)
    monkeypatch.setenv(WEBHOOK_VARIABLE, hook.url)

    run_failure_notice(failed_run)

    [body] = hook.received
    notice = json.loads(body)
    assert set(notice) == {"event", "job", "run_id", "failed_steps", "time", "text"}
    assert notice["failed_steps"] == ["fit"]
    assert notice["run_id"] == failed_run.dagster_run.run_id
    assert _SECRET.encode() not in body


def test_without_an_address_the_sensor_says_so(
    failed_run: dg.RunFailureSensorContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(WEBHOOK_VARIABLE, raising=False)

    skipped = run_failure_notice(failed_run)

    assert isinstance(skipped, dg.SkipReason)
    assert WEBHOOK_VARIABLE in str(skipped.skip_message)


def test_a_server_in_trouble_is_asked_again(webhook: Callable[..., Webhook]) -> None:
    hook = webhook(503, 200)
    post_notice(hook.url, {"text": "한국어"}, pause=0)
    assert [json.loads(body) for body in hook.received] == [{"text": "한국어"}] * 2


@pytest.mark.parametrize(("status", "attempts"), [(404, 1), (500, 3), (302, 1), (307, 1)])
def test_a_refusal_or_redirect_is_an_error_without_the_address(
    webhook: Callable[..., Webhook], status: int, attempts: int
) -> None:
    hook = webhook(status)

    with pytest.raises(WebhookUnreachable, match=f"status {status}") as raised:
        post_notice(hook.url, {}, pause=0)

    assert len(hook.received) == attempts
    assert _SECRET not in _all_texts(raised.value)


@pytest.mark.parametrize(
    "address",
    [
        f"file:///{_SECRET}",
        _SECRET,
        f"http://127.0.0.1:{_SECRET}/",
        f"http://[{_SECRET}/",
        f"http://127.0.0.1/{_SECRET} \r\nX: y",
        f"http:///{_SECRET}",
        f"http://127.0.0.1/{_SECRET}é",
    ],
)
def test_what_is_no_address_is_an_error_that_does_not_repeat_it(address: str) -> None:
    with pytest.raises(WebhookUnreachable, match="not an http or https address") as raised:
        post_notice(address, {}, timeout=1, pause=0)
    assert _SECRET not in _all_texts(raised.value)


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(WebhookUnreachable, match="TimeoutError"):
            post_notice(f"http://127.0.0.1:{silent.getsockname()[1]}/", {}, timeout=0.2, pause=0)
    assert time.monotonic() - started < 5


def test_the_sensor_is_defined_and_off(tmp_path: Path) -> None:
    sensor = build_definitions(Home(tmp_path), None).resolve_sensor_def("run_failure_notice")
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED


def _all_texts(error: BaseException) -> str:
    """Everything that a log of the error, with its chain, could show."""
    texts = []
    chained: BaseException | None = error
    while chained is not None:
        texts.append(repr(chained))
        chained = chained.__cause__ or chained.__context__
    return " ".join(texts)
