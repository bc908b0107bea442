"""One narrative by Gemini: asked, checked, asked again once with the errors, or given up with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from mmm_pipeline.reporting.advice.changes import Change, change_problems
from mmm_pipeline.reporting.advice.proposals import Proposal, proposal_facts
from mmm_pipeline.reporting.advice.rules import all_channels
from mmm_pipeline.reporting.facts.result_facts import result_facts
from mmm_pipeline.reporting.gemini.answer_cache import AnswerCache
from mmm_pipeline.reporting.gemini.client import Answer, GeminiClient
from mmm_pipeline.reporting.gemini.disguise import Disguise, disguised
from mmm_pipeline.reporting.gemini.faults import GeminiFault, Reason, ReasonCode
from mmm_pipeline.reporting.gemini.questions import (
    QUESTIONS,
    AdvisingDocument,
    Asked,
    Suggestion,
    build_request,
)
from mmm_pipeline.reporting.gemini.request import Image
from mmm_pipeline.reporting.gemini.token_budget import TokenBudget
from mmm_pipeline.reporting.grounding.check import Problem
from mmm_pipeline.reporting.grounding.document import Document, document_problems, renamed
from mmm_pipeline.reporting.grounding.facts import Facts
from mmm_pipeline.reporting.results.tables import Language, ResultTables

__all__ = ["Brief", "GeminiWriter", "Receipt", "Written", "brief"]


@dataclass(frozen=True)
class Receipt:
    """How a narrative came about, for the metadata of its asset.

    Attributes:
        source: gemini or template.
        reason: why the template wrote it; None for Gemini.
        tokens: spent in this run, both questions together; 0 when the answer was kept from an earlier run.
        questions: 1, or 2 when the first answer was not accepted.
        calls: over the network, tries included.
        problems: of the last answer that was not accepted.
    """

    source: Literal["gemini", "template"]
    reason: Reason | None = None
    model_version: str = ""
    prompt_sha256: str = ""
    finish_reason: str = ""
    tokens: int = 0
    prompt_tokens: int = 0
    output_tokens: int = 0
    questions: int = 0
    calls: int = 0
    seconds: float = 0.0
    was_kept: bool = False
    images_left_out: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Brief:
    """One narrative to be written.

    Attributes:
        name: of the asset.
        images: pictures, drawn under the names that are sent.
        proposals: changes that fixed rules suggest already.
        wants_proposals: whether further ones may be suggested.
    """

    name: str
    tables: ResultTables
    disguise: Disguise
    language: Language
    images: Sequence[Image] = ()
    proposals: Sequence[Proposal] = ()
    wants_proposals: bool = False

    def facts(self) -> Facts:
        """All facts, under the names that are sent."""
        sent = [_under_sent_name(proposal, self.disguise) for proposal in self.proposals]
        return proposal_facts(result_facts(self.disguise.tables, with_settings=True), sent)

    def ask(self, errors: Sequence[Problem] = ()) -> Asked:
        """What is sent, the second time with the errors of the first answer."""
        return build_request(
            QUESTIONS[self.name],
            self.facts(),
            self.images,
            self.language,
            self.tables.settings,
            wants_proposals=self.wants_proposals,
            errors=errors,
        )


@dataclass(frozen=True)
class Written:
    """An accepted narrative, under the names that a reader is shown."""

    document: Document
    proposals: tuple[Proposal, ...]
    receipt: Receipt


@dataclass
class _Bill:
    """What was asked and spent so far for one narrative."""

    prompt_sha256: str
    images_left_out: tuple[str, ...]

    questions: int = 0
    calls: int = 0
    tokens: int = 0
    prompt_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    problems: tuple[Problem, ...] = ()

    def receipt(self, source: Literal["gemini", "template"], **details: Any) -> Receipt:
        return Receipt(source, **vars(self), **details)


@dataclass(frozen=True)
class _Checked:
    """An answer after the check: the document when there is no problem."""

    document: Document | None
    code: ReasonCode = "ungrounded"
    problems: tuple[Problem, ...] = ()


def brief(name: str, tables: ResultTables, language: Language, **details: Any) -> Brief:
    """A brief under the settings' privacy: codes instead of names where that is set."""
    return Brief(name, tables, disguised(tables, codes=tables.settings.gemini.channel_codes), language, **details)


@dataclass(frozen=True)
class GeminiWriter:
    """Writes narratives by asking Gemini."""

    client: GeminiClient
    cache: AnswerCache
    budget: TokenBudget

    def write(self, task: Brief) -> Written | Receipt:
        """The narrative, or the receipt of a failure with its reason; never a text that was not checked.

        Raises:
            SettingsError: a prompt file of the user's cannot be used.
        """
        asked = task.ask()
        bill = _Bill(asked.request.sha256, asked.images_left_out)
        kept = self.cache.get(bill.prompt_sha256)
        if kept is not None:
            checked = _checked(kept, asked, task)
            if checked.document is not None:
                return _written(task, checked.document, kept, bill, was_kept=True)
        try:
            for _ in range(2):
                answer = self._ask(asked, bill)
                checked = _checked(answer, asked, task)
                if checked.document is not None:
                    self.cache.put(bill.prompt_sha256, answer)
                    return _written(task, checked.document, answer, bill, was_kept=False)
                bill.problems = checked.problems
                asked = task.ask(checked.problems)
            raise GeminiFault(Reason(checked.code, str(len(checked.problems))))
        except GeminiFault as fault:
            return bill.receipt("template", reason=fault.reason)

    def _ask(self, asked: Asked, bill: _Bill) -> Answer:
        request = asked.request
        self.budget.require(request.estimated_tokens + request.max_output_tokens)
        bill.questions += 1
        try:
            answer = self.client.ask(request)
        except GeminiFault as fault:
            # What a call that timed out cost is not known: it is counted as if it had been read.
            spent = fault.tokens or (request.estimated_tokens if fault.reason.code == "timeout" else 0)
            self.budget.add(spent)
            bill.tokens += spent
            bill.calls += fault.attempts
            raise
        self.budget.add(answer.tokens)
        bill.calls += answer.attempts
        bill.tokens += answer.tokens
        bill.prompt_tokens += answer.prompt_tokens
        bill.output_tokens += answer.output_tokens
        bill.seconds += answer.seconds
        return answer


def _written(task: Brief, document: Document, answer: Answer, bill: _Bill, *, was_kept: bool) -> Written:
    shown = renamed(document, task.disguise.shown)
    receipt = bill.receipt(
        "gemini", model_version=answer.model_version, finish_reason=answer.finish_reason, was_kept=was_kept
    )
    return Written(shown, tuple(_suggested(shown, document, task)), receipt)


def _checked(answer: Answer, asked: Asked, task: Brief) -> _Checked:
    try:
        document = asked.shape.model_validate_json(answer.text)
    except ValidationError as error:
        problems = [
            Problem("", ".".join(map(str, problem["loc"]))[:80], str(problem["msg"])[:200])
            for problem in error.errors(include_url=False, include_input=False)[:5]
        ]
        return _Checked(None, "schema", tuple(problems))
    found = document_problems(document, asked.facts, task.language)
    found += [Problem("", "", text) for text in _suggestion_problems(document, task)]
    return _Checked(None if found else document, "ungrounded", tuple(found))


def _suggestion_problems(document: Document, task: Brief) -> list[str]:
    if not isinstance(document, AdvisingDocument):
        return []
    taken = [proposal.change for proposal in task.proposals]
    suggested = [_change(suggestion, task) for suggestion in document.proposals]
    return change_problems([*taken, *suggested], task.tables.settings, all_channels(task.tables))


def _change(suggestion: Suggestion, task: Brief) -> Change:
    """The change under the channel's name in the data; a name that was never sent stays, and is then refused."""
    channel = suggestion.channel
    if channel is not None:
        channel = task.disguise.channel_of.get(channel, channel)
    return Change(setting=suggestion.setting, channel=channel, numbers=suggestion.numbers, choice=suggestion.choice)


def _suggested(shown: Document, sent: Document, task: Brief) -> list[Proposal]:
    if not isinstance(shown, AdvisingDocument) or not isinstance(sent, AdvisingDocument):
        return []
    return [
        Proposal(
            change=_change(as_sent, task), code="gemini", about=as_shown.channel, why={task.language: as_shown.why.text}
        )
        for as_shown, as_sent in zip(shown.proposals, sent.proposals, strict=True)
    ]


def _under_sent_name(proposal: Proposal, disguise: Disguise) -> Proposal:
    channel = proposal.change.channel
    return proposal.model_copy(update={"about": disguise.sent.get(channel) if channel is not None else None})
