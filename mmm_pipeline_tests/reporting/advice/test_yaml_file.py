"""Changes in pipeline.yaml: comments and order stay, the result is valid, nobody's edit is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.reporting.advice.changes import Change
from mmm_pipeline.reporting.advice.yaml_file import changed_text, diff, write_if_unchanged
from mmm_pipeline.settings.pipeline import load_settings

COMMITTED = Path(__file__).parents[3] / "pipeline.yaml"
CHANGES = [
    Change(setting="channels.exclude", channel="광고: 'x' #1"),
    Change(setting="budget.bounds", channel="TV", numbers=[0.5, 1.25]),
    Change(setting="budget.locked", channel="- yes"),
    Change(setting="split.holdout", numbers=[35]),
    Change(setting="model.degrees", numbers=[1, 2]),
]


def test_the_commented_file_keeps_every_comment_and_every_other_line(tmp_path: Path) -> None:
    before = COMMITTED.read_text(encoding="utf-8")
    after = changed_text(before, CHANGES, "pipeline.yaml")
    comments = [line.partition("#")[2] for line in before.splitlines() if "#" in line]
    assert [comment for comment in comments if comment not in after] == []
    changed = [line for line in diff(before, after, "x").splitlines() if line.startswith("-") and "---" not in line]
    assert len(changed) == len(CHANGES)
    path = tmp_path / "pipeline.yaml"
    path.write_text(after, encoding="utf-8")
    settings = load_settings(path)
    assert settings.channels.exclude == ("광고: 'x' #1",)
    assert settings.budget.locked == ("- yes",)
    assert settings.budget.bounds == {"TV": (0.5, 1.25)}
    assert settings.model.degrees == (1, 2)


@pytest.mark.parametrize(
    "text", ["", "# only a comment\n", "budget:\n", "budget: {lower: 0.9}\n", "channels:\n  exclude:\n  - TV\n"]
)
def test_missing_sections_and_keys_are_made(text: str, tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(changed_text(text, CHANGES, "x"), encoding="utf-8")
    settings = load_settings(path)
    assert settings.budget.bounds == {"TV": (0.5, 1.25)}
    assert settings.channels.exclude[-1] == "광고: 'x' #1"


def test_a_file_that_says_it_already_is_not_touched() -> None:
    once = changed_text("", CHANGES, "x")
    assert diff(once, changed_text(once, CHANGES, "x"), "x") == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "not valid YAML"),
        ("- 1\n", "expected sections"),
        ("budget: {lower: 3}\n", r"budget.lower and upper is \[3.0, 2.0\]"),
    ],
)
def test_a_file_that_cannot_take_the_changes_is_one_clear_error(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        changed_text(text, CHANGES, "pipeline.yaml")


def test_an_edit_made_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text("split: {holdout: 14}\n")
    with pytest.raises(SettingsError, match="was changed while you were asked"):
        write_if_unchanged(path, "split: {holdout: 28}\n", "split: {holdout: 35}\n")
    assert path.read_text() == "split: {holdout: 14}\n"
