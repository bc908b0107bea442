"""The real client against an emulator process: one process for all tests, one dataset for each."""

from __future__ import annotations

import base64
import io
import itertools
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mmm_pipeline.settings.pipeline import Settings, parse_settings
from mmm_pipeline_tests.storage.bigquery.faulty_proxy import Proxy, faulty_proxy

PROJECT = "demo-project"
_NUMBERS = itertools.count(1)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the emulator; it takes some seconds to start."""
    pytest.importorskip("bqemulator", reason="the BigQuery emulator is not installed: pip install -e '.[dev]'")
    log = tmp_path_factory.mktemp("emulator") / "log"
    port = _free_port()
    command = [sys.executable, str(Path(__file__).parent / "emulator.py"), "--log-level", "warning"]
    command += ["--rest-port", str(port), "--grpc-port", str(_free_port())]
    url = f"http://127.0.0.1:{port}"
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 120
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the emulator did not start: {log.read_text()[-2000:]}")
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url + "/healthz", timeout=2)
    except OSError:
        return False
    return True


class TokenServer:
    """Gives out access tokens, or refuses; counts both."""

    def __init__(self) -> None:
        self.grants: list[str] = []
        self.refuse = False
        tokens = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                tokens.grants.append(self.rfile.read(int(self.headers["content-length"])).decode())
                granted = {"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}
                refused = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
                body = json.dumps(refused if tokens.refuse else granted).encode()
                self.send_response(400 if tokens.refuse else 200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/token"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="session")
def token_server() -> Iterator[TokenServer]:
    server = TokenServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def key(token_server: TokenServer) -> str:
    """JSON of a throw-away service-account key that gets its tokens from this machine."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps(
        {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "k",
            "private_key": pem.decode(),
            "client_email": f"mmm@{PROJECT}.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": token_server.url,
        }
    )


@pytest.fixture
def proxy(emulator: str, key: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The way to the emulator, with the environment that leads there; faults can be put into it."""
    with faulty_proxy(emulator) as running:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", running.url)
        monkeypatch.setenv("GCP_CREDENTIALS", base64.b64encode(key.encode()).decode())
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
        yield running


@pytest.fixture
def dataset(emulator: str) -> str:
    """A new, empty dataset: `project.dataset`."""
    name = f"{PROJECT}.set_{next(_NUMBERS)}"
    client_of(emulator).create_dataset(name)
    return name


def client_of(emulator: str) -> Any:
    """A client of the tests' own, straight to the emulator."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    return bigquery.Client(
        project=PROJECT, credentials=AnonymousCredentials(), client_options={"api_endpoint": emulator}
    )


Put = Callable[..., str]


@pytest.fixture
def put(emulator: str, dataset: str) -> Put:
    """Write a table: `put(frame)`, all text, or with `types`; returns its name."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from google.cloud import bigquery

    client = client_of(emulator)

    def put_it(frame: pd.DataFrame, name: str = "campaigndata", types: Sequence[str] | None = None) -> str:
        kinds = list(types or ["STRING"] * frame.shape[1])
        schema = [bigquery.SchemaField(str(column), kind) for column, kind in zip(frame.columns, kinds, strict=True)]
        file = io.BytesIO()
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), file)
        file.seek(0)
        config = bigquery.LoadJobConfig(schema=schema, source_format="PARQUET", write_disposition="WRITE_TRUNCATE")
        client.load_table_from_file(file, f"{dataset}.{name}", job_config=config).result(timeout=60)
        return f"{dataset}.{name}"

    return put_it


def bigquery_settings(table: str, *, share: float = 1.0, deadline: float = 60.0, **sections: Any) -> Settings:
    """Settings that read a BigQuery table."""
    source = {"kind": "bigquery", "table": table, **sections.pop("source", {})}
    section = {"deadline_seconds": deadline, **sections.pop("bigquery", {})}
    rules = {"max_rejected_share": share, "incomplete_kpi": "accept", **sections.pop("validation", {})}
    return parse_settings({"source": source, "bigquery": section, "validation": rules, **sections})
