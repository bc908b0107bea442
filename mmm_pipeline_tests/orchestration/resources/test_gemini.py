"""Who writes: decided by the settings and the environment, told with a reason, never sent elsewhere."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.orchestration.resources.gemini import KEY_VARIABLE, URL_VARIABLE, Gemini, what_leaves_the_machine
from mmm_pipeline.reporting.gemini.faults import Reason
from mmm_pipeline.settings.pipeline import Settings, parse_settings
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.workspace import Workspace

KEY = "test-key"


def _writer(folder: Path, **report: Any) -> Any:
    home = Home(folder)
    home.prepare()
    config = home.remember_settings(parse_settings({"report": report}))
    return Gemini(workspace=Workspace(root=str(folder), config=str(config))).writer("run")


@pytest.mark.parametrize("key", [None, "", "  "])
def test_without_a_key_nobody_is_asked(key: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setenv("GOOGLE_API_KEY", "a key for something else")
    if key is not None:
        monkeypatch.setenv(KEY_VARIABLE, key)
    assert _writer(tmp_path) == Reason("no_key")
    assert what_leaves_the_machine(Settings()) == []


def test_the_writer_template_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    assert _writer(tmp_path, writer="template") == Reason("off")
    assert what_leaves_the_machine(parse_settings({"report": {"writer": "template"}})) == []


def test_without_the_package_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert _writer(tmp_path) == Reason("not_installed")


@pytest.mark.parametrize("key", ["two words", "né", "line\nbreak"])
def test_what_cannot_be_a_key_is_not_sent(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, key)
    assert _writer(tmp_path) == Reason("refused_key", "malformed")


@pytest.mark.parametrize(
    "url", ["http://evil.example:80", "https://127.0.0.1", "http://127.0.0.1.evil.example", "127.0.0.1:1", "file:///x"]
)
def test_a_server_elsewhere_is_refused(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.setenv(URL_VARIABLE, url)
    with pytest.raises(SettingsError, match="only a server on this machine"):
        _writer(tmp_path)


def test_with_a_key_it_is_said_that_something_leaves_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    writer = _writer(tmp_path)
    assert writer.client.key == KEY
    assert KEY not in repr(writer)
    [line] = what_leaves_the_machine(Settings())
    assert "sent to Google" in line
