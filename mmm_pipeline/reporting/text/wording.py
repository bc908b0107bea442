"""The words of charts and pages, per language; the sentences of the narratives are in `templates/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from mmm_pipeline.mmm.media.registry import MEDIA_TRANSFORMS
from mmm_pipeline.reporting.results.tables import Language

__all__ = ["Wording", "wording"]


@dataclass(frozen=True)
class Wording:
    """Texts by dotted key, e.g. `words("charts.roi.title")`; placeholders are filled by `str.format`."""

    language: Language
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: Any) -> str:
        """The text of `key`; an unknown key or a missing value is a KeyError, never a blank."""
        text = self.texts[key]
        return text.format(**values) if values else text

    def get(self, key: str, default: str) -> str:
        """The text of a key made from data, e.g. a status, or `default` where it is unknown."""
        return self.texts.get(key, default)


@cache
def wording(language: Language) -> Wording:
    """The words of a language, from `phrases/<language>.yaml`; media transforms bring their own, `adstock.<name>`."""
    file = resources.files("mmm_pipeline.reporting").joinpath("phrases", f"{language}.yaml")
    transforms = {f"adstock.{own.name}": own.titles.get(language, own.name) for own in MEDIA_TRANSFORMS.values()}
    return Wording(language, dict(_flat(yaml.safe_load(file.read_text(encoding="utf-8")))) | transforms)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in tree.items():
        if isinstance(value, Mapping):
            pairs += _flat(value, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", str(value)))
    return pairs
