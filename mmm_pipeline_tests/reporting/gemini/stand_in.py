"""A stand-in for the Gemini API on this machine: real HTTP, answers from the data that it is sent, faults on demand."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "test-key-0123456789"
Answering = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass
class Fault:
    """What goes wrong with one call."""

    status: int | None = None
    retry_delay: str | None = None
    delay: float = 0.0
    drop: bool = False
    drip: bool = False
    body: bytes | None = None
    text: str | None = None
    finish: str = "STOP"
    block: str | None = None
    no_candidates: bool = False


@dataclass
class StandIn:
    """What was asked, and how the next calls are answered; without a fault, by `answer`."""

    url: str
    answer: Answering
    faults: list[Fault] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    @property
    def last(self) -> Asked:
        return Asked(self.requests[-1])


@dataclass(frozen=True)
class Asked:
    """One request as it came over the wire."""

    body: dict[str, Any]

    @property
    def system(self) -> str:
        return self.body["systemInstruction"]["parts"][0]["text"]

    @property
    def texts(self) -> list[str]:
        return [part["text"] for part in self.body["contents"][0]["parts"] if "text" in part]

    @property
    def images(self) -> list[bytes]:
        parts = self.body["contents"][0]["parts"]
        return [base64.urlsafe_b64decode(part["inlineData"]["data"]) for part in parts if "inlineData" in part]

    @property
    def tables(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Table -> row key -> column -> value, read from between the markers."""
        match = re.search(r"DATA BEGINS (\w+)\n\n(.*)\n\nDATA ENDS \1", self.texts[0], flags=re.DOTALL)
        assert match is not None
        tables = {}
        for table in json.loads(match[2]):
            names = [column["name"] for column in table["columns"]][1:]
            tables[table["table"]] = {row[0]: dict(zip(names, row[1:], strict=True)) for row in table["rows"]}
        return tables

    @property
    def is_korean(self) -> bool:
        return bool(re.search("[가-힣]", self.system))


def honest(body: dict[str, Any]) -> dict[str, Any]:
    """A true answer, in the language that is asked for."""
    asked = Asked(body)
    words = (
        {"media": "미디어가 만든 비율은 {}로 추정됩니다.", "days": "데이터는 {}일입니다.", "head": "요약",
         "roi": "{}: 지출 한 단위가 {}을 돌려준다고 모델은 추정합니다."}
        if asked.is_korean
        else {"media": "By the estimate, media brought {} of it.", "days": "The data covers {} days.",
              "head": "In short", "roi": "{} brings back {} per unit of spend, as the model estimates it."}
    )  # fmt: skip
    run, data = asked.tables["run"]["all"], asked.tables["data"]["all"]
    share = f"{100 * run['media_share']:.1f}%"
    statements = [_statement(words["days"].format(data["periods"]), str(data["periods"]), "data", "all", "periods")]
    for name, row in list(asked.tables.get("attribution", {}).items())[:3]:
        roi = f"{row['roi']:.2f}"
        statements.append(_statement(words["roi"].format(name, roi), roi, "attribution", name, "roi"))
    answer: dict[str, Any] = {
        "summary": [_statement(words["media"].format(share), share, "run", "all", "media_share")],
        "parts": [{"heading": words["head"], "statements": statements}],
    }
    if "proposals" in body["generationConfig"]["responseJsonSchema"]["properties"]:
        answer["proposals"] = []
    return answer


def _statement(text: str, figure: str, table: str, row: str, column: str) -> dict[str, Any]:
    return {"text": text, "figures": [{"text": figure, "table": table, "row": row, "column": column}]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stand_in: StandIn

    def log_message(self, *arguments: object) -> None:
        """Be quiet."""

    def do_POST(self) -> None:
        state = self.stand_in
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        state.requests.append(body)
        state.keys.append(self.headers.get("x-goog-api-key"))
        fault = state.faults.pop(0) if state.faults else Fault()
        time.sleep(fault.delay)
        if fault.drop:
            self.close_connection = True
            self.connection.close()
        elif fault.drip:
            self._drip()
        elif state.keys[-1] != KEY:
            self._send(400, _error(400, "INVALID_ARGUMENT", [{"reason": "API_KEY_INVALID"}]))
        elif "gemini-3.8-flash:" not in self.path:
            self._send(404, _error(404, "NOT_FOUND", []))
        elif fault.status is not None:
            details = [{"@type": "google.rpc.RetryInfo", "retryDelay": fault.retry_delay}] if fault.retry_delay else []
            self._send(fault.status, _error(fault.status, "RESOURCE_EXHAUSTED", details))
        elif fault.body is not None:
            self._send(200, fault.body, "text/html")
        else:
            self._send(200, json.dumps(self._reply(fault, body)).encode())

    def _reply(self, fault: Fault, body: dict[str, Any]) -> dict[str, Any]:
        reply: dict[str, Any] = {
            "usageMetadata": {"promptTokenCount": 900, "candidatesTokenCount": 80, "totalTokenCount": 1000},
            "modelVersion": "gemini-3.8-flash-001",
        }
        if fault.block:
            return {**reply, "promptFeedback": {"blockReason": fault.block}}
        if fault.no_candidates:
            return reply
        text = fault.text if fault.text is not None else json.dumps(self.stand_in.answer(body), ensure_ascii=False)
        candidate: dict[str, Any] = {"finishReason": fault.finish, "index": 0}
        if fault.finish != "SAFETY":
            candidate["content"] = {"role": "model", "parts": [{"text": text}]}
        return {**reply, "candidates": [candidate]}

    def _send(self, status: int, content: bytes, kind: str = "application/json") -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def _drip(self) -> None:
        """A byte now and then: no read ever times out."""
        with contextlib.suppress(OSError):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            for _ in range(1000):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.1)


def _error(code: int, status: str, details: list[dict[str, Any]]) -> bytes:
    message = "<script>alert('message of a server')</script>"
    return json.dumps({"error": {"code": code, "message": message, "status": status, "details": details}}).encode()


@contextlib.contextmanager
def serve(answer: Answering = honest) -> Iterator[StandIn]:
    """Run the stand-in on a free port of 127.0.0.1."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    state = StandIn(f"http://127.0.0.1:{server.server_port}", answer)
    server.RequestHandlerClass = type("Handler", (_Handler,), {"stand_in": state})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
