"""Suggested changes: only what may be changed, only within limits, only what the settings accept."""

from __future__ import annotations

import pytest

from mmm_pipeline.mmm.data.duration import Duration
from mmm_pipeline.reporting.advice.changes import Change, apply_change, change_problems, written_value
from mmm_pipeline.settings.pipeline import Settings, parse_settings

CHANNELS = ("TV", "Radio", "Search")


def _problems(*changes: Change, settings: Settings | None = None) -> str:
    return "\n".join(change_problems(changes, settings or Settings(), CHANNELS))


def test_good_changes_have_no_problem_and_make_valid_settings() -> None:
    changes = [
        Change(setting="channels.exclude", channel="TV"),
        Change(setting="budget.locked", channel="Radio"),
        Change(setting="budget.bounds", channel="Search", numbers=[0.5, 1.2]),
        Change(setting="split.holdout", numbers=[35]),
        Change(setting="model.degrees", numbers=[1, 2]),
        Change(setting="priors.trend_scale", numbers=[0.5]),
        Change(setting="model.noise", choice="student_t"),
    ]
    assert _problems(*changes) == ""
    content: dict = {}
    for change in changes:
        apply_change(content, change)
    settings = parse_settings(content)
    assert settings.channels.exclude == ("TV",)
    assert settings.budget.bounds == {"Search": (0.5, 1.2)}
    assert settings.budget.locked == ("Radio",)
    assert (settings.split.holdout, settings.model.degrees) == (Duration(35), (1, 2))
    assert settings.model.noise == "student_t"
    assert written_value(changes[-1]) == "student_t"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (Change(setting="channels.exclude", channel="Nobody"), "names no channel"),
        (Change(setting="channels.exclude"), "names no channel"),
        (Change(setting="channels.exclude", channel="TV", numbers=[1]), "needs 0 number"),
        (Change(setting="split.holdout", numbers=[3]), "outside 7 to 120"),
        (Change(setting="sampler.draws", numbers=[1000]), "changes nothing"),
        (Change(setting="split.holdout", numbers=[28.5]), "whole numbers"),
        (Change(setting="split.holdout", channel="TV", numbers=[35]), "not a setting of one channel"),
        (Change(setting="budget.bounds", channel="TV", numbers=[1.5, 0.5]), "0 <= low <= high"),
        (Change(setting="budget.bounds", channel="TV", numbers=[0, 50]), "outside 0 to 5"),
        (Change(setting="model.degrees", numbers=[1, 1]), "lists a value twice"),
        (Change(setting="priors.trend_scale", numbers=[float("nan")]), "outside"),
        (Change(setting="priors.trend_scale", numbers=[]), "needs 1 number"),
        (Change(setting="priors.trend_scale", choice="large"), "not a setting that is a word"),
        (Change(setting="model.noise", choice="cauchy"), "'cauchy': accepted are normal, student_t"),
        (Change(setting="model.noise", numbers=[3]), "accepted are normal, student_t"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_change_is_refused_with_its_reason(change: Change, why: str) -> None:
    assert why in _problems(change)


def test_what_is_not_to_be_changed_cannot_even_be_named() -> None:
    for setting in ("source.path", "convergence.rhat_max", "report.writer", "validation.max_rejected_share"):
        with pytest.raises(ValueError, match="setting"):
            Change.model_validate({"setting": setting, "numbers": [2]})


def test_contradictions_are_refused() -> None:
    twice = [Change(setting="budget.bounds", channel="TV", numbers=[0.5, high]) for high in (1.1, 1.5)]
    assert "proposal 1" in _problems(*twice)
    both = [Change(setting="channels.exclude", channel="TV"), Change(setting="budget.locked", channel="TV")]
    assert "is excluded" in _problems(*both)
    assert "leave no channel" in _problems(*(Change(setting="channels.exclude", channel=name) for name in CHANNELS))


def test_the_new_value_is_shown_as_it_is_written() -> None:
    assert written_value(Change(setting="budget.bounds", channel="TV", numbers=[0.5, 3])) == "[0.5, 3]"
    assert written_value(Change(setting="sampler.warmup", numbers=[2000])) == "2000"
    assert written_value(Change(setting="budget.locked", channel="TV")) == ""
