"""Checks of the written reports: what they say must be what the stored tables say."""

from __future__ import annotations

import dagster as dg
import pandas as pd

from mmm_pipeline.assets.reports import NARRATIVES
from mmm_pipeline.assets.result_tables import result_tables
from mmm_pipeline.assets.table_outputs import preview
from mmm_pipeline.resources.workspace import Workspace

__all__ = ["narrative_checks"]


def narrative_checks() -> list[dg.AssetChecksDefinition]:
    """One check per narrative."""
    return [_figures_check(name) for name in NARRATIVES]


def _figures_check(name: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=name,
        name=f"{name}_figures",
        description=f"Every number of {name}, in every language, is one of the stored tables, within its rounding.",
    )
    def figures(workspace: Workspace) -> dg.AssetCheckResult:
        from mmm_pipeline.reporting.grounding.check import ungrounded_in_text
        from mmm_pipeline.reporting.result_facts import result_facts

        tables = result_tables(workspace)
        facts, read = result_facts(tables), workspace.artifacts().read_text
        problems = [
            {"language": language, "figure": problem.figure, "sentence": problem.sentence, "why": problem.why}
            for language in tables.settings.report.languages
            for problem in ungrounded_in_text(read(f"{name}.{language}", ".md"), facts)
        ]
        return dg.AssetCheckResult(
            passed=not problems,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{len(problems)} figure(s) without support" if problems else "every figure is in the tables",
            metadata={"offending_sentences": preview(pd.DataFrame(problems))} if problems else {},
        )

    return figures
