"""Between Google's client and the emulator: passes requests on, or fails them as the service or a network would."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Fault:
    """What happens to requests whose method and path match.

    Attributes:
        pattern: of `METHOD path`.
        status: HTTP status of the answer; 0: the connection is cut instead.
        reason: of Google's error format.
        message: of Google's error format.
        times: how many requests fail; the others pass.
        cut_after: pass the answer on, but cut it after so many bytes.
        delay: seconds before anything happens.
    """

    pattern: str
    status: int = 0
    reason: str = ""
    message: str = "injected"
    times: int = 1_000
    cut_after: int | None = None
    delay: float = 0.0


@dataclass
class Proxy:
    """A running proxy.

    Attributes:
        url: where it listens.
        faults: the first one that matches counts.
        requests: `METHOD path` of all requests so far, and their JSON bodies.
    """

    url: str
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, Any]] = field(default_factory=list)

    def bodies(self, pattern: str) -> list[Any]:
        """JSON bodies of the requests that match."""
        return [body for line, body in self.requests if re.search(pattern, line)]


@contextlib.contextmanager
def faulty_proxy(upstream: str) -> Iterator[Proxy]:
    """Listen on a free port and pass requests on to `upstream`."""
    proxy = Proxy("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            line = f"{self.command} {self.path}"
            proxy.requests.append((line, _json(body)))
            fault = next((it for it in proxy.faults if it.times > 0 and re.search(it.pattern, line)), None)
            if fault is not None:
                fault.times -= 1
                time.sleep(fault.delay)
                if fault.cut_after is None:
                    self._fail(fault)
                    return
            status, headers, answer = self._upstream(body)
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            if fault is not None:
                self.wfile.write(answer[: fault.cut_after])
                self.close_connection = True
                return
            self.wfile.write(answer)

        def _fail(self, fault: Fault) -> None:
            if fault.status == 0:
                self.close_connection = True
                return
            error = {"reason": fault.reason, "message": fault.message, "domain": "global"}
            answer = json.dumps({"error": {"code": fault.status, "message": fault.message, "errors": [error]}}).encode()
            self.send_response(fault.status)
            self.send_header("content-type", "application/json; charset=UTF-8")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def _upstream(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in ("host", "content-length", "accept-encoding", "connection", "authorization")
            }
            request = urllib.request.Request(
                upstream + self.path, data=body or None, headers=headers, method=self.command
            )
            try:
                with urllib.request.urlopen(request, timeout=120) as answer:
                    status, found, content = answer.status, answer.getheaders(), answer.read()
            except urllib.error.HTTPError as error:
                status, found, content = error.code, list(error.headers.items()), error.read()
            # Uploads go on at an address that the emulator gives: keep them on the proxy.
            kept = [
                (name, value.replace(upstream, proxy.url))
                for name, value in found
                if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server")
            ]
            return status, kept, content

        def log_message(self, *arguments: object) -> None: ...

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.handle_any)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body[:1] in (b"{", b"[") else None
    except ValueError:
        return None
