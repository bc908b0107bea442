"""One suggested change of a setting: what may be changed at all, within which limits, and how it is applied."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings.pipeline import Settings, parse_settings

__all__ = ["CHANGEABLE", "Change", "Setting", "apply_change", "change_problems", "written_value"]

Setting = Literal[
    "channels.exclude",
    "channels.min_active_periods",
    "channels.min_spend",
    "split.holdout",
    "split.rolling_origins",
    "model.degrees",
    "model.noise",
    "priors.intercept_scale",
    "priors.trend_scale",
    "priors.seasonality_scale",
    "priors.weekday_scale",
    "sampler.warmup",
    "sampler.draws",
    "sampler.target_accept",
    "sampler.max_escalations",
    "budget.lower",
    "budget.upper",
    "budget.bounds",
    "budget.locked",
]


@dataclass(frozen=True)
class _Kind:
    """How a setting is changed.

    Attributes:
        form: `names` (add the channel to a list), `range` (low and high of the channel), `number`, `numbers` or
            `choice`.
        least, most: limits of every number; narrower than what the settings accept.
        whole: whether numbers are whole.
        choices: the words that are accepted.
    """

    form: Literal["names", "range", "number", "numbers", "choice"]
    least: float = 0.0
    most: float = 0.0
    whole: bool = False
    choices: tuple[str, ...] = ()

    @property
    def needs_channel(self) -> bool:
        return self.form in ("names", "range")

    @property
    def count(self) -> tuple[int, int]:
        """Fewest and most numbers."""
        return {"names": (0, 0), "choice": (0, 0), "range": (2, 2), "number": (1, 1), "numbers": (1, 10)}[self.form]


CHANGEABLE: Mapping[str, _Kind] = {
    "channels.exclude": _Kind("names"),
    "channels.min_active_periods": _Kind("number", 1, 60, whole=True),
    "channels.min_spend": _Kind("number", 0, 1e9),
    "split.holdout": _Kind("number", 7, 120, whole=True),
    "split.rolling_origins": _Kind("number", 1, 12, whole=True),
    "model.degrees": _Kind("numbers", 0, 10, whole=True),
    "model.noise": _Kind("choice", choices=("normal", "student_t")),
    **{f"priors.{name}_scale": _Kind("number", 0.05, 20) for name in ("intercept", "trend", "seasonality", "weekday")},
    "sampler.warmup": _Kind("number", 200, 10_000, whole=True),
    "sampler.draws": _Kind("number", 200, 10_000, whole=True),
    "sampler.target_accept": _Kind("number", 0.8, 0.99),
    "sampler.max_escalations": _Kind("number", 0, 5, whole=True),
    "budget.lower": _Kind("number", 0, 1),
    "budget.upper": _Kind("number", 1, 5),
    "budget.bounds": _Kind("range", 0, 5),
    "budget.locked": _Kind("names"),
}
"""Everything that may be suggested; sources, columns, thresholds and reports are not among it."""
assert set(CHANGEABLE) == set(get_args(Setting))


class Change(BaseModel):
    """One change; `channel` is the channel's name in the data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    setting: Setting
    channel: str | None = Field(None, max_length=400, description="for settings of one channel, else null")
    numbers: list[float] = Field([], max_length=10, description="the new value; [low, high] for budget.bounds")
    choice: str | None = Field(None, max_length=40, description="the new value of a setting that is a word, else null")

    @property
    def key(self) -> tuple[str, str | None]:
        """Two changes of the same key contradict each other."""
        return self.setting, self.channel


def written_value(change: Change) -> str:
    """What is written, as a reader sees it: `[0.5, 1.2]`, `2000`, or nothing for a name that joins a list."""
    kind = CHANGEABLE[change.setting]
    if kind.form == "choice":
        return change.choice or ""
    values = [str(int(value)) if value == int(value) else f"{value:g}" for value in change.numbers]
    if kind.form == "number":
        return values[0]
    return f"[{', '.join(values)}]" if values else ""


def apply_change(content: MutableMapping[str, Any], change: Change) -> None:
    """Write the change into the content of a `pipeline.yaml`, in place; other keys and their comments stay."""
    section_name, key = change.setting.split(".")
    if not isinstance(content.get(section_name), MutableMapping):
        content[section_name] = {}
    section, kind = content[section_name], CHANGEABLE[change.setting]
    values = [_number(kind, value) for value in change.numbers]
    if kind.form == "names":
        if not isinstance(section.get(key), list):
            section[key] = []
        if change.channel not in section[key]:
            section[key].append(change.channel)
    elif kind.form == "range":
        if not isinstance(section.get(key), MutableMapping):
            section[key] = {}
        section[key][change.channel] = values
    elif kind.form == "choice":
        section[key] = change.choice
    else:
        section[key] = values if kind.form == "numbers" else values[0]


def change_problems(changes: Sequence[Change], settings: Settings, channels: Iterable[str]) -> list[str]:
    """Why these changes cannot be suggested together; empty when they can.

    Args:
        changes: to be applied in order.
        settings: in force.
        channels: every channel of the data, those left out by a rule included.
    """
    known, seen = set(channels), dict[tuple[str, str | None], int]()
    problems = []
    content = settings.model_dump(mode="json")
    for number, change in enumerate(changes, start=1):
        label = f"proposal {number} ({change.setting}{f', {change.channel}' if change.channel else ''})"
        trouble = _trouble(change, known) or (
            f"says the same as proposal {seen[change.key]}, or the opposite" if change.key in seen else None
        )
        seen.setdefault(change.key, number)
        if trouble is None:
            before = copy.deepcopy(content)
            apply_change(content, change)
            trouble = "changes nothing" if content == before else _refused(content)
            content = before if trouble else content
        if trouble:
            problems.append(f"{label}: {trouble}")
    excluded = set(content["channels"]["exclude"])
    if known and not known - excluded:
        problems.append("the proposals together leave no channel")
    for channel in sorted(excluded & (set(content["budget"]["locked"]) | set(content["budget"]["bounds"]))):
        problems.append(f"{channel} is excluded, and has a budget rule as well")
    return problems


def _trouble(change: Change, known: set[str]) -> str | None:
    kind = CHANGEABLE[change.setting]
    if kind.needs_channel and change.channel not in known:
        return "names no channel of the data"
    if not kind.needs_channel and change.channel is not None:
        return "is not a setting of one channel"
    if kind.form != "choice" and change.choice is not None:
        return "is not a setting that is a word"
    if kind.form == "choice" and change.choice not in kind.choices:
        return f"is {change.choice!r}: accepted are {', '.join(kind.choices)}"
    fewest, most = kind.count
    if not fewest <= len(change.numbers) <= most:
        return f"needs {fewest if fewest == most else f'{fewest} to {most}'} number(s), has {len(change.numbers)}"
    outside = [value for value in change.numbers if not kind.least <= value <= kind.most]
    if outside:
        return f"{outside[0]:g} is outside {kind.least:g} to {kind.most:g}"
    if kind.whole and any(value != int(value) for value in change.numbers):
        return "takes whole numbers only"
    return None


def _refused(content: Mapping[str, Any]) -> str | None:
    """What the settings themselves say against it."""
    try:
        parse_settings(dict(content), origin="settings")
    except SettingsError as error:
        return str(error)
    return None


def _number(kind: _Kind, value: float) -> float | int:
    return int(value) if kind.whole else value
