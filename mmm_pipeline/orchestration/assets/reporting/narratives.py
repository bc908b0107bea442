"""Stage 6, in words: the four narratives, by Gemini or by the offline template."""

# Dagster reads the type of `context` itself, so annotations are not postponed here.
import dataclasses
from typing import TYPE_CHECKING, Any

import dagster as dg

from mmm_pipeline.orchestration.resources.gemini import GeminiResource
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.reporting.narratives.names import ADVISING
from mmm_pipeline.reporting.results.stored import EDA_PROFILE, REPORTED_TABLES, result_tables
from mmm_pipeline.storage.generations import version_of

if TYPE_CHECKING:
    from mmm_pipeline.reporting.narratives.writing import Narrative
    from mmm_pipeline.reporting.results.tables import Language

__all__ = ["budget_report", "chart_report", "eda_report", "model_advice"]

_GROUP = "reports"
_TABLES = [*REPORTED_TABLES, EDA_PROFILE, "rejected_rows", "campaign_totals"]


def _narrative_asset(name: str, deps: list[str], description: str) -> dg.AssetsDefinition:
    """An asset that writes one of the narratives, in every language of the settings."""

    @dg.asset(name=name, deps=deps, group_name=_GROUP, kinds={"markdown"}, description=description)
    def narrative(
        context: dg.AssetExecutionContext, workspace: WorkspaceResource, gemini: GeminiResource
    ) -> dg.MaterializeResult:
        from mmm_pipeline.reporting.gemini.pictures import stored_pictures
        from mmm_pipeline.reporting.narratives.writing import write_narrative

        workspace.require_one_generation(deps)
        tables = result_tables(workspace)
        written = write_narrative(
            name, tables, gemini.writer(context.run.run_id), stored_pictures(workspace.artifacts())
        )
        if tables.settings.report.strict:
            _refuse_templates(name, written)
        _store(workspace, name, written)
        texts = {language: narrative.markdown for language, narrative in written.items()}
        return dg.MaterializeResult(metadata=_metadata(written), data_version=workspace.made(name, version_of(texts)))

    return narrative


eda_report = _narrative_asset(
    "eda_report",
    [*_TABLES, "charts"],
    "What the data is, what is odd in it, what it cannot tell about; a patch to clean.",
)
chart_report = _narrative_asset(
    "chart_report", [*_TABLES, "charts"], "What each channel brings, in words, with the pictures' figures."
)
budget_report = _narrative_asset(
    "budget_report", _TABLES, "What to do with the next budget, in which order, and how sure that is."
)
model_advice = _narrative_asset(
    "model_advice", _TABLES, "Which spec won and why, what to change, where a lift test would teach most; a patch."
)


def _refuse_templates(name: str, written: "dict[Language, Narrative]") -> None:
    failed = [
        f"{language}: {narrative.receipt.reason}"
        for language, narrative in written.items()
        if narrative.receipt.source == "template"
    ]
    if failed:
        raise dg.Failure(
            f"{name}: Gemini did not write it, and report.strict forbids the template in its place: {'; '.join(failed)}"
        )


def _store(workspace: WorkspaceResource, name: str, written: "dict[Language, Narrative]") -> None:
    from mmm_pipeline.reporting.advice.proposals import Patch

    artifacts = workspace.artifacts()
    for language, narrative in written.items():
        artifacts.write_text(f"{name}.{language}", narrative.markdown, ".md")
        document = narrative.document.model_dump() if narrative.document else None
        receipt = dataclasses.asdict(narrative.receipt)
        artifacts.write_json(f"{name}.{language}", {"receipt": receipt, "document": document})
    if name in ADVISING:
        proposals = list(next(reversed(written.values())).proposals)
        artifacts.write_json(f"{name}.patch", Patch(narrative=name, proposals=proposals).model_dump())


def _metadata(written: "dict[Language, Narrative]") -> dict[str, Any]:
    """What a narrative cost and who wrote it; keys of further languages carry the language."""
    metadata: dict[str, Any] = {}
    for position, (language, narrative) in enumerate(written.items()):
        end, receipt = f"_{language}" if position else "", narrative.receipt
        metadata |= {
            f"source{end}": receipt.source,
            f"tokens{end}": receipt.tokens,
            f"seconds{end}": round(receipt.seconds, 3),
            language: dg.MetadataValue.md(narrative.markdown),
        }
        if receipt.reason is not None:
            metadata[f"reason{end}"] = str(receipt.reason)
        if receipt.prompt_sha256:
            metadata |= {
                f"prompt_sha256{end}": receipt.prompt_sha256,
                f"prompt_tokens{end}": receipt.prompt_tokens,
                f"output_tokens{end}": receipt.output_tokens,
                f"questions{end}": receipt.questions,
                f"calls{end}": receipt.calls,
                f"from_cache{end}": receipt.was_kept,
            }
        if receipt.source == "gemini":
            metadata |= {
                f"model_version{end}": receipt.model_version,
                f"finish_reason{end}": receipt.finish_reason,
            }
        if receipt.images_left_out:
            metadata[f"images_left_out{end}"] = ", ".join(receipt.images_left_out)
        if receipt.problems:
            metadata[f"refused_sentences{end}"] = dg.MetadataValue.json(
                [dataclasses.asdict(problem) for problem in receipt.problems[:20]]
            )
    metadata["proposals"] = len(next(reversed(written.values())).proposals)
    return metadata
