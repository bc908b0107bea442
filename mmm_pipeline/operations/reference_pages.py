"""Reference pages made from the code: docs/tables.md from the contracts, docs/settings.md from the settings.

In docs/model.md the section on media transforms is made from those that are registered.

`python -m mmm_pipeline.operations.reference_pages` writes them; a test fails when the committed pages are out of date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandera.pandas as pa
import yaml

from mmm_pipeline.mmm.media.registry import MEDIA_TRANSFORMS
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.settings.sources import SourceSettings
from mmm_pipeline.tables.catalog import CONTRACTS

__all__ = ["model_page", "reference_pages", "settings_page", "tables_page"]

_GENERATED = "<!-- Made by `python -m mmm_pipeline.operations.reference_pages`; edit the code, not this page. -->"

_TRANSFORMS_BEGIN = (
    "<!-- Media transforms, made by `python -m mmm_pipeline.operations.reference_pages`; edit the code. -->"
)
_TRANSFORMS_END = "<!-- End of the media transforms. -->"

_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "maxLength": "at most {} characters",
}
_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "empty"}
_DTYPES = {
    "datetime64[ns]": "date",
    "float64": "number",
    "int64": "whole number",
    "Int64": "whole number",
    "bool": "true or false",
    "str": "text",
}


def reference_pages() -> dict[str, str]:
    """File name in docs/ -> its text."""
    return {"tables.md": tables_page(), "settings.md": settings_page(), "model.md": model_page()}


def tables_page() -> str:
    """Every stored table: columns, types, units, meaning, rules."""
    parts = [
        "# Tables",
        _GENERATED,
        "One schema object per table, in `mmm_pipeline/tables/catalog.py`. From it come the blocking asset check, the "
        "column schema in the Dagster UI and this page. *Empty* says whether a value may be missing.",
    ]
    for name, schema in CONTRACTS.items():
        parts += [f"## {name}", str(schema.description), *_rules(schema)]
        rows: list[tuple[str, ...]] = [
            (
                f"`{column}`",
                _DTYPES[str(field.dtype)],
                (field.metadata or {}).get("unit", ""),
                "yes" if field.nullable else "",
                ", ".join(_checked(check) for check in field.checks),
                str(field.description),
            )
            for column, field in schema.columns.items()
        ]
        parts.append(_table(("column", "type", "unit", "empty", "accepted", "meaning"), rows))
    return "\n\n".join(parts) + "\n"


def settings_page() -> str:
    """Every key of `pipeline.yaml`: default, accepted values, meaning."""
    schema = Settings.model_json_schema()
    parts = [
        "# Settings: `pipeline.yaml`",
        _GENERATED,
        "Every key is optional. Which file is in force, and whose rows are read, is one rule: "
        "[running.md](running.md#which-settings-and-rows-count). A key given twice, an unknown key or an impossible "
        "value ends the start with one message that names file, line, key, value and what is accepted. Relative paths "
        "are taken from the file's own folder. Secrets are never in this file.",
    ]
    single: list[tuple[str, ...]] = []
    for key, field in schema["properties"].items():
        if "$ref" not in field:
            single.append(_setting_row(key, field))
            continue
        section = schema["$defs"][_reference(field)]
        parts += [f"## {key}", *_section(section)]
        for name, value in section["properties"].items():
            if (nested := _reference(value)) and not _is_source(value):
                parts += [
                    f"{'Keys' if '$ref' in value else 'Each'} of `{key}.{name}`:",
                    *_section(schema["$defs"][nested]),
                ]
    parts += ["## Other keys", _table(("key", "default", "accepted", "meaning"), single)]
    return "\n\n".join(parts) + "\n"


def model_page() -> str:
    """docs/model.md with its table of media transforms as they are registered."""
    page = (Path(__file__).parents[2] / "docs" / "model.md").read_text(encoding="utf-8")
    before, begin, rest = page.partition(_TRANSFORMS_BEGIN)
    _, end, after = rest.partition(_TRANSFORMS_END)
    return f"{before}{begin}\n\n{_media_transforms()}\n\n{end}{after}"


def _media_transforms() -> str:
    rows: list[tuple[str, ...]] = []
    for transform in MEDIA_TRANSFORMS.values():
        parts = (transform.adstock, transform.saturation)
        priors = (f"{own.symbol} ~ {own.prior.formula} (`{own.name}`)" for own in transform.parameters)
        rows.append((f"`{transform.name}`", *(f"{part.title}: {part.formula}" for part in parts), "; ".join(priors)))
    parameters: dict[str, tuple[str, ...]] = {}
    sources: dict[str, str] = {}
    for transform in MEDIA_TRANSFORMS.values():
        for part in (transform.adstock, transform.saturation):
            sources[part.title] = part.source
            for own in part.parameters:
                parameters[f"{part.title} {own.name}"] = (part.title, f"{own.symbol} `{own.name}`", own.meaning)
    return "\n\n".join(
        [
            _table(("transform", "effective media z", "effect m(x)", "priors"), rows),
            _table(("of", "parameter", "meaning"), list(parameters.values())),
            "Sources:\n\n" + "\n".join(f"- {title}: {source}" for title, source in sources.items()),
        ]
    )


def _section(section: dict[str, Any]) -> list[str]:
    """Description and table of a section's keys."""
    required = section.get("required", ())
    rows = [_setting_row(name, value, required=name in required) for name, value in section["properties"].items()]
    return [section["description"], _table(("key", "default", "accepted", "meaning"), rows)]


def _reference(field: dict[str, Any]) -> str:
    """Name of the section that a field is, or is made of; empty when it is of plain values."""
    for part in (field, field.get("items", {}), field.get("additionalProperties", {}), *field.get("anyOf", ())):
        if isinstance(part, dict) and "$ref" in part:
            return str(part["$ref"]).rsplit("/", 1)[-1]
    return ""


def _is_source(field: dict[str, Any]) -> bool:
    """Whether a field is a source of its own; its keys are those of the section `source`."""
    return _reference(field) == SourceSettings.__name__


def _rules(schema: pa.DataFrameSchema) -> Iterator[str]:
    """What must hold beyond single columns."""
    if schema.unique:
        yield f"One row per {', '.join(f'`{column}`' for column in schema.unique)}."
    for check in schema.checks:
        yield f"Rule: {check.error}."


def _checked(check: pa.Check) -> str:
    """A column's check in words."""
    values: dict[str, Any] = check.statistics or {}
    words = {
        "greater_than_or_equal_to": "at least {min_value}",
        "greater_than": "above {min_value}",
        "in_range": "{min_value} to {max_value}",
        "str_length": "not empty text",
        "isin": "one of those named",
    }
    return words.get(str(check.name), str(check.error)).format(**values)


def _setting_row(key: str, field: dict[str, Any], *, required: bool = False) -> tuple[str, ...]:
    is_empty = field.get("default", {}) is None or _is_source(field)
    default = "empty" if is_empty else f"`{_flow(field.get('default', {}))}`"
    if required:
        default = "needed"
    return f"`{key}`", default, _accepted(field), field["description"]


def _flow(value: Any) -> str:
    """The value as it would be written in YAML, on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=1000).strip()
    return text.removesuffix("...").strip()


def _accepted(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return ", or ".join(_accepted(option) for option in field["anyOf"])
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "$ref" in field:
        return "a file, or keys as in the section `source`" if _is_source(field) else "entries as below"
    kind = field["type"]
    bounds = [text.format(field[name]) for name, text in _BOUNDS.items() if name in field]
    if kind == "array" and "items" not in field:
        return "[low, high]"
    if kind == "array":
        what = f"list of {_accepted(field['items'])}"
        bounds = [f"at least {field['minItems']} of them"] if "minItems" in field else []
    elif kind == "object":
        values = field.get("additionalProperties") or next(iter(field["patternProperties"].values()))
        what = f"name: {_accepted(values)}"
    else:
        what = field["format"] if "format" in field else _TYPES[kind]
    return ", ".join([what, *bounds])


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _main(folder: Path) -> None:
    for name, text in reference_pages().items():
        (folder / name).write_text(text, encoding="utf-8")
        print(folder / name)


if __name__ == "__main__":
    _main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs"))
