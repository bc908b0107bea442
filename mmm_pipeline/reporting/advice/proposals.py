"""The patch: suggested changes with their reasons, as one machine-readable document per narrative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mmm_pipeline.reporting.advice.changes import Change, written_value
from mmm_pipeline.reporting.grounding.facts import Column, Facts, FactTable, table
from mmm_pipeline.reporting.results.tables import Language

__all__ = ["Patch", "Proposal", "proposal_facts"]

Author = Literal["rule", "gemini"]


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Proposal(_Stored):
    """A change and why.

    Attributes:
        code: name of the rule that made it; `gemini` for one by the language model.
        about: name of the channel as a reader is shown it.
        why: the reason by language; a language may be missing.
    """

    change: Change
    code: str = Field(max_length=40)
    about: str | None = None
    why: dict[str, str] = Field(default_factory=dict)

    @property
    def author(self) -> Author:
        return "gemini" if self.code == "gemini" else "rule"

    def reason(self, language: Language) -> str:
        """In that language, else in any, else empty."""
        return self.why.get(language) or next(iter(self.why.values()), "")


class Patch(_Stored):
    """What one narrative suggests to change in `pipeline.yaml`; nothing applies it but `mmm advise --apply`."""

    narrative: str
    proposals: Annotated[list[Proposal], Field(max_length=60)] = []


def proposal_facts(facts: Facts, proposals: Sequence[Proposal]) -> Facts:
    """The facts with the numbers of the suggested changes among them."""
    keyed = [
        (f"{number} {proposal.change.setting}", proposal, {"value": written_value(proposal.change)})
        for number, proposal in enumerate(proposals, start=1)
    ]
    if not keyed:
        return facts
    owners: Mapping[str, tuple[str, ...]] = {key: (each.about,) for key, each, _ in keyed if each.about}
    made: FactTable = table(
        "proposals",
        "suggested changes of pipeline.yaml",
        [Column("value", "text", "the new value")],
        [(key, record) for key, _, record in keyed],
        owners,
    )
    return Facts({**facts.tables, made.name: made}, facts.names)
