"""A bucket of Google Cloud Storage on this machine: real HTTP, tokens for a throw-away key, faults on demand."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "fake-access-token"


@dataclass
class Bucket:
    """What is in the bucket, and how the next requests are answered.

    Attributes:
        objects: key -> content.
        requests: `METHOD path`, in order.
        cut: so many uploads from now on are cut in the middle.
        status: answer every storage request with this status instead.
    """

    url: str
    name: str = "marketing"
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)
    cut: int = 0
    status: int | None = None

    def described(self, key: str) -> dict[str, Any]:
        content = self.objects[key]
        digest = base64.b64encode(hashlib.md5(content).digest()).decode()
        return {
            "kind": "storage#object", "name": key, "bucket": self.name, "size": str(len(content)), "md5Hash": digest,
            "generation": "1", "timeCreated": "2026-01-05T06:00:00Z", "updated": "2026-01-05T06:00:00Z",
        }  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bucket: Bucket

    def log_message(self, *arguments: object) -> None:
        """Be quiet."""

    def do_GET(self) -> None:
        if self._refused():
            return
        key, query = self._asked()
        if key is None:
            self._answer(200, self._listing(query))
        elif key not in self.bucket.objects:
            self._answer(404, {"error": {"code": 404, "message": f"No such object: {key}"}})
        elif query.get("alt") == "media":
            self._send(200, self.bucket.objects[key], "application/octet-stream")
        else:
            self._answer(200, self.bucket.described(key))

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        if self.path.startswith("/token"):
            self.rfile.read(length)
            self._answer(200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})
            return
        if self.bucket.cut:
            self.bucket.cut -= 1
            self.rfile.read(length // 2)
            self.close_connection = True
            self.connection.close()
            return
        body = self.rfile.read(length)
        if self._refused():
            return
        if f"/b/{self.bucket.name}/o" not in self.path:
            self._answer(404, {"error": {"code": 404, "message": "The specified bucket does not exist."}})
            return
        boundary = self.headers["Content-Type"].partition("boundary=")[2].strip('"')
        _, described, content = body.split(f"--{boundary}".encode(), 3)[:3]
        key = json.loads(described.partition(b"\n\n")[2])["name"]
        self.bucket.objects[key] = content.partition(b"\n\n")[2].removesuffix(b"\n")
        self._answer(200, self.bucket.described(key))

    def do_DELETE(self) -> None:
        if self._refused():
            return
        key, _ = self._asked()
        known = self.bucket.objects.pop(str(key), None) is not None
        self._send(204 if known else 404, b"", "application/json")

    def _asked(self) -> tuple[str | None, dict[str, str]]:
        parts = urlsplit(self.path)
        key = parts.path.partition(f"/b/{self.bucket.name}/o")[2].removeprefix("/")
        return unquote(key) or None, {name: values[0] for name, values in parse_qs(parts.query).items()}

    def _listing(self, query: dict[str, str]) -> dict[str, Any]:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        items, prefixes = [], set()
        for key in sorted(key for key in self.bucket.objects if key.startswith(prefix)):
            rest = key.removeprefix(prefix)
            if delimiter and delimiter in rest:
                prefixes.add(prefix + rest.partition(delimiter)[0] + delimiter)
            else:
                items.append(self.bucket.described(key))
        return {"kind": "storage#objects", "items": items, "prefixes": sorted(prefixes)}

    def _refused(self) -> bool:
        self.bucket.requests.append(f"{self.command} {urlsplit(self.path).path}")
        self.bucket.tokens.add(self.headers.get("Authorization"))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"error": {"code": 401, "message": "Invalid Credentials"}})
        elif self.bucket.status is not None:
            self._answer(self.bucket.status, {"error": {"code": self.bucket.status, "message": "refused for the test"}})
        else:
            return False
        return True

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        self._send(status, json.dumps(content).encode(), "application/json; charset=UTF-8")

    def _send(self, status: int, content: bytes, kind: str) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # who asks whether it exists may not listen
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)


@contextlib.contextmanager
def serve() -> Iterator[Bucket]:
    """Run the bucket on a free port of 127.0.0.1."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    bucket = Bucket(f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = type("Handler", (_Handler,), {"bucket": bucket})
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()


def environment_of(bucket: Bucket, folder: Path) -> dict[str, str]:
    """Variables with which Google's client finds the bucket, by a throw-away key whose tokens the bucket gives out."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = folder / "key.json"
    key.write_text(
        json.dumps(
            {
                "type": "service_account",
                "project_id": "test",
                "private_key_id": "1",
                "private_key": private.decode(),
                "client_email": "mmm@test.iam.gserviceaccount.com",
                "client_id": "1",
                "token_uri": f"{bucket.url}/token",
            }
        )
    )
    return {
        "STORAGE_EMULATOR_HOST": bucket.url,
        "GOOGLE_APPLICATION_CREDENTIALS": str(key),
        "no_proxy": "127.0.0.1",
    }
