"""The four questions: which prompt, which tables, which pictures, which shape of answer."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import Field

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.reporting.advice.changes import Setting
from mmm_pipeline.reporting.gemini.request import MARKER, Image, Request
from mmm_pipeline.reporting.grounding.check import Problem
from mmm_pipeline.reporting.grounding.document import Document, Shape, Statement
from mmm_pipeline.reporting.grounding.facts import Facts, FactTable
from mmm_pipeline.reporting.results.tables import Language
from mmm_pipeline.settings.pipeline import Settings

__all__ = ["QUESTIONS", "AdvisingDocument", "Prompts", "Question", "Suggestion", "build_request"]

MAX_ROWS = 60
MAX_BYTES = 80_000
MAX_IMAGE_BYTES = 3_000_000
_LEAST_ROWS = 5
_MOST_ERRORS = 30


class Suggestion(Shape):
    """A change of a setting, as a language model may suggest it."""

    setting: Setting
    channel: str | None = Field(None, max_length=400)
    numbers: list[float] = Field([], max_length=10)
    choice: str | None = Field(None, max_length=40)
    why: Statement


class AdvisingDocument(Document):
    """A narrative that also suggests changes of settings."""

    proposals: list[Suggestion] = Field([], max_length=10)

    def statements(self) -> Iterator[Statement]:
        yield from super().statements()
        for suggestion in self.proposals:
            yield suggestion.why


@dataclass(frozen=True)
class Question:
    """One narrative.

    Attributes:
        name: of the asset, and of the prompt file.
        tables: names of the facts that are sent.
        charts: names of the pictures that are sent.
        advises: whether it also suggests changes of settings.
    """

    name: str
    tables: tuple[str, ...]
    charts: tuple[str, ...] = ()
    advises: bool = False


_COMMON = ("run", "implausible", "definitions", "counts", "data")
QUESTIONS: Mapping[str, Question] = {
    question.name: question
    for question in (
        Question(
            "eda_report",
            (
                *_COMMON,
                "eda_profile.findings",
                "eda_profile.channels",
                "eda_profile.kpi",
                "eda_profile.kpi_outliers",
                "eda_profile.weekdays",
                "eda_profile.correlated_pairs",
                "eda_profile.spend_outliers",
                "eda_profile.breakdown",
                "excluded_channels",
                "refused_rows",
                "settings",
                "proposals",
            ),
            charts=("activity", "kpi_profile", "collinearity", "lagged_correlation"),
            advises=True,
        ),
        Question(
            "chart_report",
            (
                *_COMMON,
                "attribution",
                "spec_agreement",
                "response_curves",
                "retention_density",
                "leaderboard",
                "naive_forecasts",
                "excluded_channels",
            ),
            charts=("retention", "contribution", "roi", "response_curves"),
        ),
        Question(
            "budget_report",
            (
                *_COMMON,
                "budget_summary",
                "budget_plan",
                "reallocation",
                "attribution",
                "spec_agreement",
                "drift",
                "response_curves",
            ),
        ),
        Question(
            "model_advice",
            (
                *_COMMON,
                "leaderboard",
                "naive_forecasts",
                "rolling_origins",
                "attribution",
                "spec_agreement",
                "drift",
                "retention_density",
                "budget_plan",
                "eda_profile.findings",
                "excluded_channels",
                "settings",
                "proposals",
            ),
            advises=True,
        ),
    )
}


class Prompts:
    """The prompt files: those of the package, or files of the same name in a folder of the user's."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def text(self, name: str, **values: str) -> str:
        """The prompt `<name>.md` with its `${placeholders}` filled.

        Raises:
            SettingsError: the user's folder or file cannot be read, or names a placeholder that does not exist.
        """
        try:
            text = string.Template(self._read(f"{name}.md")).substitute(values)
        except (KeyError, ValueError) as error:
            known = ", ".join(f"${{{key}}}" for key in values) or "none"
            raise SettingsError(
                f"gemini.prompts: {self._folder}/{name}.md: placeholder {error} is unknown; known here: {known}. "
                "Write $$ for a dollar sign"
            ) from error
        return text.strip()

    def _read(self, file: str) -> str:
        if self._folder is not None:
            if not self._folder.is_dir():
                raise SettingsError(f"gemini.prompts: {self._folder}: there is no such folder")
            own = self._folder / file
            if own.is_file():
                try:
                    return own.read_text(encoding="utf-8")
                except (OSError, UnicodeDecodeError) as error:
                    raise SettingsError(f"gemini.prompts: {own}: cannot be read: {error}") from error
        return resources.files(__package__).joinpath("prompts", file).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Asked:
    """A request and what its answer is checked against."""

    request: Request
    facts: Facts
    images_left_out: tuple[str, ...]

    @cached_property
    def shape(self) -> type[Document]:
        return AdvisingDocument if "proposals" in self.request.schema.get("properties", {}) else Document


def build_request(
    question: Question,
    facts: Facts,
    images: Sequence[Image],
    language: Language,
    settings: Settings,
    *,
    wants_proposals: bool,
    errors: Sequence[Problem] = (),
) -> Asked:
    """Everything that is sent for one narrative, capped in rows, bytes and image size.

    Raises:
        SettingsError: a prompt file of the user's cannot be used.
    """
    prompts = Prompts(settings.gemini.prompts)
    sent, data = _capped_json(facts.only(question.tables))
    shape: type[Document] = AdvisingDocument if question.advises and wants_proposals else Document
    proposals = prompts.text("proposals" if wants_proposals else "no_proposals") if question.advises else ""
    task = prompts.text(question.name, **({"proposals": proposals} if question.advises else {}))
    parts = [task, f"DATA BEGINS {MARKER}", data, f"DATA ENDS {MARKER}"]
    if errors:
        listed = [{"statement": e.sentence, "figure": e.figure, "error": e.why} for e in errors[:_MOST_ERRORS]]
        again = prompts.text("again", errors=f"ERRORS BEGIN {MARKER}\n{_json(listed)}\nERRORS END {MARKER}")
        parts.append(again)
    kept = [image for image in images if image.name in question.charts and len(image.png) <= MAX_IMAGE_BYTES]
    request = Request(
        model=settings.gemini.model,
        system=prompts.text("rules", language=prompts.text(f"language_{language}")).replace("{{MARKER}}", MARKER),
        text="\n\n".join(parts),
        schema=_flat_schema(shape),
        images=tuple(kept),
        max_output_tokens=settings.gemini.max_output_tokens,
    )
    left_out = tuple(image.name for image in images if image.name in question.charts and image not in kept)
    return Asked(request, sent, left_out)


def _capped_json(facts: Facts) -> tuple[Facts, str]:
    rows = MAX_ROWS
    while True:
        capped = facts.capped(rows)
        text = _json([_table(each) for each in capped.tables.values()])
        if len(text.encode()) <= MAX_BYTES or rows <= _LEAST_ROWS:
            return capped, text
        rows = max(rows // 2, _LEAST_ROWS)


def _table(each: FactTable) -> dict[str, Any]:
    columns = [
        {"name": column.name, "unit": column.unit, **({"about": column.about} if column.about else {})}
        for column in each.columns
    ]
    shown: dict[str, Any] = {
        "table": each.name,
        "about": each.about,
        "columns": [{"name": "row", "unit": "key"}, *columns],
        "rows": [[key, *map(_plain, values)] for key, values in each.rows.items()],
    }
    if each.left_out:
        shown["smaller_rows_left_out"] = each.left_out
    return shown


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, tuple):
        return [str(day) for day in value]
    return value if value is None or isinstance(value, str | int) else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _flat_schema(shape: type[Document]) -> dict[str, Any]:
    """The JSON schema without references and titles, and without the length limits that only the check needs."""
    schema = shape.model_json_schema()
    definitions = schema.pop("$defs", {})

    def flat(node: Any) -> Any:
        if isinstance(node, list):
            return [flat(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return flat(definitions[node["$ref"].rsplit("/", 1)[-1]])
        dropped = {"title", "default", "maxLength", "minLength", "additionalProperties"}
        kept = {key: flat(value) for key, value in node.items() if key not in dropped or not isinstance(key, str)}
        if kept.get("type") == "object" and isinstance(kept.get("properties"), dict):
            kept["required"] = list(kept["properties"])
        return kept

    return dict(flat(schema))
