"""`mmm advise` and `mmm preview-prompt`: what is suggested for pipeline.yaml, and what would be sent to Gemini."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mmm_pipeline.errors import SettingsError, StoredResultError
from mmm_pipeline.reporting.advice.changes import Change, written_value
from mmm_pipeline.reporting.advice.proposals import Patch, Proposal
from mmm_pipeline.reporting.advice.yaml_file import changed_text, diff, read_text, write_if_unchanged
from mmm_pipeline.reporting.gemini.request import Request
from mmm_pipeline.reporting.narratives.names import ADVISING
from mmm_pipeline.reporting.results.tables import Language
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.artifacts import artifact_store
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.workspace import Workspace, newest_refresh

__all__ = ["Advice", "as_json", "as_line", "preview", "read_advice", "rendered", "stored_proposals"]


@dataclass(frozen=True)
class Advice:
    """Suggested changes of one file.

    Attributes:
        path: the file that would be written.
        before, after: its text; equal when nothing would change.
    """

    path: Path
    proposals: tuple[Proposal, ...]
    before: str
    after: str

    @property
    def diff(self) -> str:
        return diff(self.before, self.after, self.path.name)

    def write(self) -> None:
        """Write the file, unless it changed meanwhile.

        Raises:
            SettingsError: it did, or it cannot be written.
        """
        write_if_unchanged(self.path, self.before, self.after)


def stored_proposals(home: Home, settings: Settings) -> list[Proposal]:
    """What the last run's narratives suggest, in a fixed order; a change that two of them suggest comes once.

    Raises:
        StoredResultError: there is no run yet, or a stored patch is damaged.
    """
    artifacts = artifact_store(settings, newest_refresh(home, settings))
    missing = [name for name in ADVISING if not artifacts.has(f"{name}.patch", suffix=".json")]
    if missing:
        raise StoredResultError(
            f"{artifacts.root}: there is no advice yet: `mmm run` first, or materialize {missing[0]}"
        )
    found: dict[tuple[str, str | None], Proposal] = {}
    for name in ADVISING:
        try:
            patch = Patch.model_validate(artifacts.read_json(f"{name}.patch"))
        except ValidationError as error:
            path = artifacts.path(f"{name}.patch", suffix=".json")
            raise StoredResultError(f"{path}: the stored patch is damaged: materialize {name} again") from error
        for proposal in patch.proposals:
            found.setdefault(proposal.change.key, proposal)
    return list(found.values())


def read_advice(proposals: Sequence[Proposal], path: Path, only: Sequence[int] = ()) -> Advice:
    """The changes of `pipeline.yaml` at `path`; `only` chooses proposals by their number, starting at 1.

    Raises:
        SettingsError: a number does not exist, or the file cannot be read or would not be valid.
    """
    unknown = [number for number in only if not 1 <= number <= len(proposals)]
    if unknown:
        raise SettingsError(f"--only {unknown[0]}: there are proposals 1 to {len(proposals)}")
    chosen = [proposals[number - 1] for number in dict.fromkeys(only)] if only else list(proposals)
    before = read_text(path)
    changes: list[Change] = [proposal.change for proposal in chosen]
    after = changed_text(before, changes, str(path)) if changes else before
    return Advice(path, tuple(chosen), before, after)


def as_json(proposals: Sequence[Proposal]) -> dict[str, object]:
    """The proposals for machines, as what JSON can hold."""
    rows = [{**proposal.model_dump(mode="json"), "author": proposal.author} for proposal in proposals]
    return {"proposals": rows}


def as_line(proposal: Proposal) -> str:
    """One proposal on one line, without its reason."""
    value = written_value(proposal.change)
    parts = [proposal.change.setting, *([proposal.about] if proposal.about else []), *([value] if value else [])]
    return " · ".join(parts)


def preview(workspace: Workspace, name: str, language: Language) -> tuple[Request, tuple[str, ...]]:
    """Exactly the request that the narrative `name` would make now, and the pictures that are too large for it.

    Raises:
        StoredResultError: there is no run yet.
    """
    from mmm_pipeline.reporting.gemini.pictures import stored_pictures
    from mmm_pipeline.reporting.gemini.writer import brief
    from mmm_pipeline.reporting.narratives.writing import rule_proposals
    from mmm_pipeline.reporting.results.stored import result_tables

    tables = result_tables(workspace)
    languages = tables.settings.report.languages
    task = brief(
        name,
        tables,
        language,
        proposals=tuple(rule_proposals(name, tables)),
        wants_proposals=language == languages[0],
    )
    images = tuple(stored_pictures(workspace.artifacts())(name, task.disguise, language))
    asked = replace(task, images=images).ask()
    return asked.request, asked.images_left_out


def rendered(request: Request) -> dict[str, Any]:
    """The request as it goes over the wire, under a fresh marker; of pictures, what identifies them."""
    system, text = request.sealed(secrets.token_hex(16))
    return {
        "model": request.model,
        "store": False,
        "tools": [],
        "max_output_tokens": request.max_output_tokens,
        "prompt_sha256": request.sha256,
        "estimated_input_tokens": request.estimated_tokens,
        "system_instruction": system,
        "text": text,
        "images": [
            {"name": image.name, "caption": image.caption, "bytes": len(image.png), "sha256": image.sha256}
            for image in request.images
        ],
        "answer_schema": dict(request.schema),
    }
