"""Checks of the written reports: what they say must be what the stored tables say, by the writer that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd

from mmm_pipeline.orchestration.metadata.table_outputs import preview
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.reporting.narratives.names import ADVISING, NARRATIVES
from mmm_pipeline.reporting.results.stored import result_tables
from mmm_pipeline.storage.artifacts import ArtifactStore

if TYPE_CHECKING:
    from mmm_pipeline.reporting.grounding.check import Problem
    from mmm_pipeline.reporting.results.tables import Language, ResultTables

__all__ = ["narrative_checks", "narrative_problems"]


def narrative_checks() -> list[dg.AssetChecksDefinition]:
    """One check of the figures per narrative, and one of who wrote them."""
    return [*(_figures_check(name) for name in NARRATIVES), written_as_asked]


def _figures_check(name: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=name,
        name=f"{name}_figures",
        description=f"Every number of {name}, in every language, is one of the stored tables, within its rounding.",
    )
    def figures(workspace: WorkspaceResource) -> dg.AssetCheckResult:
        tables, artifacts = result_tables(workspace), workspace.artifacts()
        problems = [
            {"language": language, "figure": problem.figure, "sentence": problem.sentence, "why": problem.why}
            for language in tables.settings.report.languages
            for problem in narrative_problems(name, language, tables, artifacts)
        ]
        return dg.AssetCheckResult(
            passed=not problems,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{len(problems)} figure(s) without support" if problems else "every figure is in the tables",
            metadata={"offending_sentences": preview(pd.DataFrame(problems))} if problems else {},
        )

    return figures


def narrative_problems(name: str, language: Language, tables: ResultTables, artifacts: ArtifactStore) -> list[Problem]:
    """A text with references is checked against these; one of the template, figure by figure."""
    from mmm_pipeline.reporting.advice.proposals import Patch, proposal_facts
    from mmm_pipeline.reporting.facts.result_facts import result_facts
    from mmm_pipeline.reporting.gemini.questions import AdvisingDocument
    from mmm_pipeline.reporting.grounding.check import ungrounded_in_text
    from mmm_pipeline.reporting.grounding.document import document_problems

    document: dict[str, Any] | None = artifacts.read_json(f"{name}.{language}")["document"]
    facts = result_facts(tables, with_settings=document is not None)
    if name in ADVISING:
        facts = proposal_facts(facts, Patch.model_validate(artifacts.read_json(f"{name}.patch")).proposals)
    if document is not None:
        return document_problems(AdvisingDocument.model_validate(document), facts, language)
    _, _, body = artifacts.read_text(f"{name}.{language}", ".md").partition(
        "\n"
    )  # the first line is the title, or says who wrote it
    return ungrounded_in_text(body, facts)


@dg.asset_check(
    asset="decision_report",
    name="narratives_written_as_asked",
    description="Gemini wrote the narratives where it was to; where the template had to, the reason is shown.",
)
def written_as_asked(workspace: WorkspaceResource) -> dg.AssetCheckResult:
    """Warn when the template had to stand in for Gemini."""
    settings, artifacts = workspace.settings(), workspace.artifacts()
    stood_in: dict[str, str] = {}
    for name in NARRATIVES:
        for language in settings.report.languages:
            receipt = artifacts.read_json(f"{name}.{language}")["receipt"]
            if receipt["source"] == "template":
                reason = receipt["reason"]
                stood_in[f"{name} ({language})"] = " ".join(filter(None, (reason["code"], reason["detail"])))
    is_expected = settings.report.writer == "template" or (
        settings.report.writer == "auto" and all(why in ("no_key", "not_installed", "off") for why in stood_in.values())
    )
    total = len(NARRATIVES) * len(settings.report.languages)
    told = f"{total - len(stood_in)} of {total} narratives by Gemini, {len(stood_in)} by the template"
    reasons = "; ".join(sorted(set(stood_in.values())))
    return dg.AssetCheckResult(
        passed=not stood_in or is_expected,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{told} ({reasons})" if reasons else told,
        metadata={key: dg.MetadataValue.text(why) for key, why in stood_in.items()},
    )
