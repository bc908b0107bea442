"""The findings of the data profile as sentences of a language, those of one kind together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.reporting.text.formatting import Formatter
from mmm_pipeline.reporting.text.names import clean
from mmm_pipeline.reporting.text.wording import Wording

__all__ = ["Remark", "remarks"]

CHANNELS_NAMED = 8
_DATES_NAMED = 4


@dataclass(frozen=True)
class Remark:
    """One sentence for all findings of the same code."""

    severity: Literal["warning", "info"]
    text: str


def remarks(profile: Mapping[str, Any], words: Wording, write: Formatter) -> list[Remark]:
    """What the profile of `mmm_pipeline.mmm.eda.profile` found, warnings first.

    A code without a phrase is told in the finding's own (English) sentence.
    """
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for finding in profile.get("findings", ()):
        groups.setdefault(str(finding["code"]), []).append(finding)
    result = []
    for code, group in groups.items():
        severity: Literal["warning", "info"] = "warning" if group[0]["severity"] == "warning" else "info"
        if f"eda.{code}.text" not in words.texts:
            result += [Remark(severity, clean(finding["text"], limit=400)) for finding in group]
            continue
        items = [_item(code, finding, words, write) for finding in group if finding.get("channel")]
        values = _written(group[0]["values"], words, write)
        result.append(Remark(severity, words(f"eda.{code}.text", items=write.names(items, CHANNELS_NAMED), **values)))
    return result


def _item(code: str, finding: Mapping[str, Any], words: Wording, write: Formatter) -> str:
    values = _written(finding["values"], words, write)
    return words(f"eda.{code}.item", channel=clean(finding["channel"]), **values)


def _written(values: Mapping[str, Any], words: Wording, write: Formatter) -> dict[str, str]:
    formats: dict[str, Callable[[Any], str]] = {
        "periods": write.number,
        "per": lambda value: words.of_step(Step(value)).period["each"],
        "rows": write.number,
        "markets": write.number,
        "season_days": write.number,
        "names": lambda names: write.names([clean(name) for name in names], CHANNELS_NAMED),
        "train_periods": write.number,
        "active_periods": write.number,
        "parameters": write.number,
        "spend": write.money,
        "expected": write.money,
        "change": write.signed_percent,
        "share": lambda value: write.signed_percent(value, 1),
        "spend_share": lambda value: write.percent(value, 2),
        "variation": write.percent,
        "correlation": lambda value: write.number(value, 2),
        "vif": lambda value: write.number(value, 0),
        "last_active": write.date,
        "dates": lambda days: write.names([write.date(day) for day in days], _DATES_NAMED, counted=False),
        "missing": lambda value: words.get(f"missing.{value}", str(value)),
    }
    return {key: formats.get(key, clean)(value) for key, value in values.items()}
