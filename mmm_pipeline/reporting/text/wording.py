"""The words of charts and pages, per language; the sentences of the narratives are in `templates/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import Any

import yaml

from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.mmm.media.registry import MEDIA_TRANSFORMS
from mmm_pipeline.reporting.results.tables import Language
from mmm_pipeline.reporting.text.particles import with_particles

__all__ = ["Wording", "wording"]


@dataclass(frozen=True)
class Wording:
    """Texts by dotted key, e.g. `words("charts.roi.title")`; placeholders are filled by `str.format`.

    Attributes:
        texts: a phrase that reads differently for another kind of KPI has a second text under `<key>@<variant>`.
        variant: which of these texts count; empty: none.
        common: values that every phrase may mention.
        periods: what periods of a step are called.
        step: of the data.
    """

    language: Language
    texts: Mapping[str, str]
    variant: str = ""
    common: Mapping[str, str] = field(default_factory=dict)
    periods: Mapping[Step, Mapping[str, str]] = field(default_factory=dict)
    step: Step = Step.DAY

    def __call__(self, key: str, **values: Any) -> str:
        """The text of `key`; an unknown key or a missing value is a KeyError, never a blank."""
        text = self.texts.get(f"{key}@{self.variant}") or self.texts[key]
        told = text.format(**{**self.period, **self.common, **values})
        return with_particles(told) if self.language == "ko" else told

    def get(self, key: str, default: str) -> str:
        """The text of a key made from data, e.g. a status, or `default` where it is unknown."""
        return self(key) if key in self.texts else default

    @property
    def period(self) -> Mapping[str, str]:
        """What a period of the data is called: every phrase may mention `{day}`, `{days}`, `{daily}` and the like."""
        return self.periods.get(self.step, {})

    def of_step(self, step: Step) -> Wording:
        """The same words for data of another step."""
        return replace(self, step=step)

    def about(self, variant: str, **common: str) -> Wording:
        """The same words for another kind of KPI."""
        return replace(self, variant=variant, common=common)


@cache
def wording(language: Language) -> Wording:
    """The words of a language, from `phrases/<language>.yaml`; media transforms bring their own, `adstock.<name>`."""
    file = resources.files("mmm_pipeline.reporting").joinpath("phrases", f"{language}.yaml")
    transforms = {f"adstock.{own.name}": own.titles.get(language, own.name) for own in MEDIA_TRANSFORMS.values()}
    tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    periods = {Step(step): words for step, words in tree.pop("period").items()}
    return Wording(language, dict(_flat(tree)) | transforms, periods=periods)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in tree.items():
        if isinstance(value, Mapping):
            pairs += _flat(value, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", str(value)))
    return pairs
