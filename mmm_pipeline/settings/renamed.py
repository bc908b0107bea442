"""Settings that had another name in version 1: homes remember their settings, and people have files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["present_name", "with_present_names"]

_NAMES = {
    ("split", "holdout_days"): "holdout",
    ("budget", "horizon_days"): "horizon",
    ("channels", "min_active_days"): "min_active_periods",
    ("validation", "missing_kpi_days"): "missing_kpi",
    ("validation", "incomplete_kpi_days"): "incomplete_kpi",
}
_GONE = {("runs", "backfill")}
_GONE_SECTIONS = {"drift"}
"""`drift.keep_champions`: a champion stays as long as its partition (`refreshes.keep`)."""
_SECTIONS = {"features": "controls"}
_SOURCE_KEYS = ("path", "sheet", "decimal")
_VALUES = {("columns", "kpi_per", "day"): "date"}


def present_name(location: Sequence[str]) -> str | None:
    """Today's name of a setting, `split.holdout`; None where it had no other."""
    if len(location) == 1 and location[0] in _SECTIONS:
        return _SECTIONS[location[0]]
    found = _NAMES.get((location[0], location[-1])) if len(location) == 2 else None
    return f"{location[0]}.{found}" if found else None


def with_present_names(content: Any) -> Any:
    """Settings that version 1 wrote, under the names of today."""
    if not isinstance(content, Mapping):
        return content
    return {
        _SECTIONS.get(str(section), section): _of_controls(held)
        if str(section) == "features"
        else {
            _NAMES.get((str(section), str(key)), key): _VALUES.get((str(section), str(key), str(value)), value)
            for key, value in held.items()
            if (str(section), str(key)) not in _GONE
        }
        if isinstance(held, Mapping)
        else held
        for section, held in content.items()
        if str(section) not in _GONE_SECTIONS
    }


def _of_controls(held: Any) -> Any:
    """The section `features` as `controls`: its file is a source now."""
    if not isinstance(held, Mapping):
        return held
    source = {str(key): value for key, value in held.items() if key in _SOURCE_KEYS and value is not None}
    kept = {str(key): value for key, value in held.items() if key not in _SOURCE_KEYS}
    return {**kept, "source": {"kind": "file", **source}} if "path" in source else kept
