"""The page in a real browser: it fits its window, follows the colour scheme, switches languages and prints."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmm_pipeline_tests.reporting.conftest import WrittenReport

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed to look at the page with")

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def _chromium(page: Path, profile: Path, *flags: str) -> str:
    """Open a page headless; what it prints is what `--dump-dom` asks for."""
    command = [str(CHROMIUM), *_FLAGS, f"--user-data-dir={profile}", *flags, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def _probed(report: WrittenReport, folder: Path, script: str) -> Path:
    """A copy of the page whose policy lets a probe of ours run."""
    html = report.files.html.read_text(encoding="utf-8")
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    copy = folder / "probed.html"
    copy.write_text(html.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    return copy


def _answer(page: Path, folder: Path, *flags: str) -> str:
    dom = _chromium(page, folder / "profile", "--dump-dom", *flags)
    match = re.search(r'data-answer="([^"]*)"', dom)
    assert match is not None
    return match[1]


_OVERFLOW = (
    "document.body.dataset.answer = [...document.querySelectorAll('article')].map(a => "
    "(document.getElementById('show-' + a.lang).click(), "
    "document.documentElement.scrollWidth - document.documentElement.clientWidth)).join()"
)


@pytest.mark.parametrize("which", ["hostile_report", "uncertain_report"])
def test_no_name_or_table_makes_the_page_scroll_sideways(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    page = _probed(request.getfixturevalue(which), tmp_path, _OVERFLOW)
    assert _answer(page, tmp_path, "--window-size=1280,900") == "0,0"


_OVERFLOW_ON_PHONES = """
const page = document.documentElement.outerHTML.replace(/<script>[^]*?<\\/script>/g, "");
document.body.replaceChildren();
const measured = [390, 360].map(width => new Promise(resolve => {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:${width}px;height:800px;border:0`;
  frame.onload = () => {
    const shown = frame.contentDocument;
    resolve([...shown.querySelectorAll("article")].map(article => {
      shown.getElementById("show-" + article.lang)?.click();
      const root = shown.documentElement;
      return `${root.clientWidth}:${root.scrollWidth - root.clientWidth}`;
    }).join());
  };
  frame.srcdoc = page;
  document.body.append(frame);
}));
Promise.all(measured).then(answers => { document.body.dataset.answer = answers.join(); });
"""
"""A frame is as narrow as it is told to be; windows of a desktop browser stop at 500 px."""


@pytest.mark.parametrize("which", ["report", "hostile_report", "uncertain_report"])
def test_the_page_does_not_scroll_sideways_on_a_phone(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    page = _probed(request.getfixturevalue(which), tmp_path, _OVERFLOW_ON_PHONES)
    answer = _answer(page, tmp_path, "--window-size=1280,900", "--virtual-time-budget=20000")
    assert answer == "390:0,390:0,360:0,360:0"


def test_the_language_switch_works_without_a_script_of_the_page(report: WrittenReport, tmp_path: Path) -> None:
    script = (
        "const shown = () => [...document.querySelectorAll('article')]"
        ".filter(a => getComputedStyle(a).display !== 'none').map(a => a.lang).join('+');"
        "const before = shown(); document.querySelector('label[for=show-ko]').click();"
        "document.body.dataset.answer = before + ' ' + shown()"
    )
    assert _answer(_probed(report, tmp_path, script), tmp_path) == "en ko"


def test_the_page_follows_the_colour_scheme_and_charts_stay_on_white(report: WrittenReport, tmp_path: Path) -> None:
    brightness = {}
    for scheme, setting in (("light", 1), ("dark", 0)):
        picture = tmp_path / f"{scheme}.png"
        flags = (f"--blink-settings=preferredColorScheme={setting}", "--window-size=1280,3600")
        _chromium(report.files.html, tmp_path / "profile", f"--screenshot={picture}", *flags)
        pixels = np.asarray(Image.open(picture).convert("L"))
        brightness[scheme] = float(np.median(pixels[:700]))
        assert (pixels == 255).mean() > 0.1
    assert brightness["light"] > 200 > 80 > brightness["dark"]


def test_the_page_prints_on_paper(report: WrittenReport, tmp_path: Path) -> None:
    paper = tmp_path / "report.pdf"
    _chromium(report.files.html, tmp_path / "profile", "--no-pdf-header-footer", f"--print-to-pdf={paper}")
    content = paper.read_bytes()
    sizes = {
        tuple(round(float(edge)) for edge in match.split())
        for match in re.findall(rb"/MediaBox \[0 0 ([\d. ]+)\]", content)
    }
    assert all(abs(width - 595) <= 1 and abs(height - 842) <= 1 for width, height in sizes), "A4 in points"
    assert 4 <= len(re.findall(rb"/Type /Page\b", content)) <= 16


def _requested(page: Path, folder: Path) -> set[str]:
    """What a page asks the network for, by the browser's own log; requests of the browser itself have no origin."""
    log = folder / "net.json"
    _chromium(page, folder / "profile", "--dump-dom", f"--log-net-log={log}")
    parameters = [event.get("params") or {} for event in json.loads(log.read_text(encoding="utf-8"))["events"]]
    return {
        each["url"] for each in parameters if "url" in each and each.get("initiator", "") not in ("", "not an origin")
    }


@pytest.mark.parametrize("which", ["report", "hostile_report"])
def test_the_page_asks_the_network_for_nothing(which: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    assert _requested(request.getfixturevalue(which).files.html, tmp_path) == set()


def test_a_request_of_a_page_would_be_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<!doctype html><img src="http://127.0.0.1:9/pixel.png">', encoding="utf-8")
    assert _requested(page, tmp_path) == {"http://127.0.0.1:9/pixel.png"}
