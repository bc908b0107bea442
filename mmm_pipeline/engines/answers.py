"""Answers of engines as they are stored: the result, or why there is none, with the fingerprint of what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mmm_pipeline.engines.catalog import Engine
from mmm_pipeline.engines.result import EngineResult, parse_result
from mmm_pipeline.errors import EngineError, StoredResultError

if TYPE_CHECKING:
    from mmm_pipeline.storage.artifacts import ArtifactStore

__all__ = ["Answer", "Status", "stored_answer", "write_answer"]

Status = Literal["ok", "failed", "stale", "missing"]


@dataclass(frozen=True)
class Answer:
    """What is known of one engine and spec.

    Attributes:
        status: `ok`; `failed`; `stale` (of other inputs, settings or of another version of the engine); `missing`.
        result: of an `ok` answer.
        reason: why there is none, else.
    """

    status: Status
    result: EngineResult | None = None
    reason: str = ""


def stored_answer(artifacts: ArtifactStore, engine: Engine, key: str | None, request: Mapping[str, Any]) -> Answer:
    """The stored answer to this request; `key` is the spec of an engine that has our grid, else None."""
    if not artifacts.has(engine.asset, key, ".json"):
        return Answer("missing", reason="it was not run")
    try:
        content = artifacts.read_json(engine.asset, key)
    except StoredResultError as error:
        return Answer("missing", reason=str(error))
    if not isinstance(content, dict) or content.get("fingerprint") != request["fingerprint"]:
        return Answer("stale", reason="it was run on other inputs or settings")
    if "error" in content:
        return Answer("failed", reason=str(content["error"]))
    try:
        return Answer("ok", parse_result(content.get("result"), engine, request))
    except EngineError as error:
        return Answer("failed", reason=str(error))


def write_answer(
    artifacts: ArtifactStore, engine: Engine, key: str | None, request: Mapping[str, Any], answer: EngineResult | str
) -> None:
    """Store a result, or the reason why there is none."""
    told = {"error": answer} if isinstance(answer, str) else {"result": answer.model_dump(mode="json")}
    artifacts.write_json(engine.asset, {"fingerprint": request["fingerprint"], **told}, key)
