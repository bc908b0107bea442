"""A narrative, by Gemini where that is possible and by the template where it is not; always with a receipt."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mmm_pipeline.reporting.advice.proposals import Proposal
from mmm_pipeline.reporting.advice.rules import data_proposals, model_proposals
from mmm_pipeline.reporting.gemini.disguise import Disguise
from mmm_pipeline.reporting.gemini.faults import Reason
from mmm_pipeline.reporting.gemini.request import Image
from mmm_pipeline.reporting.gemini.writer import GeminiWriter, Receipt, Written, brief
from mmm_pipeline.reporting.grounding.document import Document, render_document
from mmm_pipeline.reporting.narratives.template import offline_narrative, proposals_section, warning_section
from mmm_pipeline.reporting.results.tables import Language, ResultTables
from mmm_pipeline.reporting.text.markdown import Markdown
from mmm_pipeline.reporting.text.wording import wording

__all__ = ["Narrative", "rule_proposals", "write_narrative"]

Pictures = Callable[[str, Disguise, Language], Sequence[Image]]


@dataclass(frozen=True)
class Narrative:
    """One narrative in one language.

    Attributes:
        document: with references, when Gemini wrote it; None: the template did.
        proposals: changes of settings that it suggests, those of fixed rules first.
    """

    markdown: Markdown
    document: Document | None
    proposals: tuple[Proposal, ...]
    receipt: Receipt


def rule_proposals(name: str, tables: ResultTables) -> list[Proposal]:
    """The changes that fixed rules suggest beside a narrative; none beside most."""
    rules = {"eda_report": data_proposals, "model_advice": model_proposals}
    return rules[name](tables) if name in rules else []


def write_narrative(
    name: str, tables: ResultTables, writer: GeminiWriter | Reason, pictures: Pictures
) -> dict[Language, Narrative]:
    """Write one narrative in every language of the settings.

    Further changes of settings are asked for in the first language only, so that all languages suggest the same.

    Args:
        name: of the narrative's asset.
        tables: the results.
        writer: who writes, or why the template does.
        pictures: gives the pictures of a narrative under the names that are sent.

    Raises:
        StoredResultError: a table has no rows, or there is no champion.
        SettingsError: a prompt file of the user's cannot be used.
    """
    proposals = tuple(rule_proposals(name, tables))
    written: dict[Language, Narrative] = {}
    for position, language in enumerate(tables.settings.report.languages):
        started = time.monotonic()
        narrative = _write(name, tables, language, writer, pictures, proposals, wants_proposals=position == 0)
        proposals = narrative.proposals
        receipt = replace(narrative.receipt, seconds=time.monotonic() - started)
        written[language] = replace(narrative, receipt=receipt)
    return written


def _write(
    name: str,
    tables: ResultTables,
    language: Language,
    writer: GeminiWriter | Reason,
    pictures: Pictures,
    proposals: tuple[Proposal, ...],
    *,
    wants_proposals: bool,
) -> Narrative:
    if isinstance(writer, Reason):
        outcome: Written | Receipt = Receipt("template", reason=writer)
    else:
        task = brief(name, tables, language, proposals=proposals, wants_proposals=wants_proposals)
        outcome = writer.write(replace(task, images=tuple(pictures(name, task.disguise, language))))
    if isinstance(outcome, Receipt):
        reason = outcome.reason or Reason("not_configured")
        text = offline_narrative(name, tables, language, reason, proposals)
        return Narrative(text, None, proposals, outcome)
    together = (*proposals, *outcome.proposals)
    words = wording(language)
    text = render_document(
        outcome.document,
        words(f"narrative.title.{name}"),
        words("narrative.by_gemini", model=outcome.receipt.model_version),
    )
    warning = warning_section(tables, language)
    if warning:
        note, title, body = text.split("\n\n", 2)
        text = Markdown("\n\n".join([note, title, warning + "\n" + body]))
    changes = proposals_section(together, language)
    return Narrative(Markdown(f"{text}\n{changes}" if changes else text), outcome.document, together, outcome.receipt)
