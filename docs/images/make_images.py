"""Make the README's pictures from the demo's results: `make demo`, then `.venv/bin/python docs/images/make_images.py`.

Needs Chromium. Starts the Dagster UI on the demo's home, photographs the asset graph, and the first page of the report.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(__file__).parent
HOME = Path(os.environ.get("DEMO_HOME", ".mmm-demo")).resolve()
PORT = 3917


def photograph(url: str, file: Path, width: int, height: int) -> None:
    chromium = shutil.which("chromium") or sys.exit("chromium is needed to make the pictures")
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
                *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
                *("--hide-scrollbars", "--virtual-time-budget=25000", f"--user-data-dir={profile}"),
                *(f"--window-size={width},{height}", f"--screenshot={file}", url),
            ],
            check=True,
            capture_output=True,
        )
    shrink(file)


def shrink(file: Path) -> None:
    """A palette of 128 colours is enough for a screenshot, at a third of the size."""
    from PIL import Image

    Image.open(file).convert("RGB").quantize(128).save(file, optimize=True)


def wait_for(port: int, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    sys.exit(f"the UI did not open port {port} within {seconds:.0f} s")


def main() -> None:
    photograph((HOME / "results" / "latest" / "report.html").as_uri(), FOLDER / "report.png", 1200, 1150)
    interface = subprocess.Popen(
        [sys.executable, "-m", "mmm_pipeline.cli.main", "ui", "--home", str(HOME), "--port", str(PORT)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(PORT)
        photograph(f"http://127.0.0.1:{PORT}/asset-groups/", FOLDER / "asset-graph.png", 2300, 860)
    finally:
        os.killpg(interface.pid, signal.SIGTERM)
        try:
            interface.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(interface.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
