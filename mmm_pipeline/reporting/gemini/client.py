"""The call over the network: bounded in time, told apart by what went wrong. The key is never shown."""

from __future__ import annotations

import contextlib
import functools
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential,
)

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.reporting.gemini.faults import GeminiFault, Reason
from mmm_pipeline.reporting.gemini.request import Request

__all__ = ["Answer", "GeminiClient", "Limits", "local_url"]

_PASSING_STATUS = {408, 429, 500, 502, 503, 504}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """How long one question may wait for Gemini.

    Attributes:
        timeout_seconds: for one call.
        deadline_seconds: for all tries of one question together, pauses included.
        attempts: tries at most.
        pause_seconds: before the second try; it doubles from try to try. What the server asks for goes first.
    """

    timeout_seconds: float = 60.0
    deadline_seconds: float = 180.0
    attempts: int = 4
    pause_seconds: float = 1.0


@dataclass(frozen=True)
class Answer:
    """What came back, not yet believed.

    Attributes:
        text: the JSON text.
        tokens: billed for input, thinking and output together.
    """

    text: str
    model_version: str
    finish_reason: str
    prompt_tokens: int
    output_tokens: int
    tokens: int
    attempts: int
    seconds: float


@dataclass(frozen=True)
class GeminiClient:
    """Asks one model. `base_url` is for tests: `local_url` accepts this machine only."""

    key: str = field(repr=False)
    limits: Limits = Limits()
    base_url: str | None = None

    def ask(self, request: Request) -> Answer:
        """Send the request until an answer comes, the tries are used up or the deadline is near.

        Raises:
            GeminiFault: no usable answer came; it says why.
        """
        from google import genai  # noqa: F401  (seconds, which must not count as waiting)

        started = time.monotonic()
        deadline = started + self.limits.deadline_seconds
        tries = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, GeminiFault) and error.is_passing),
            wait=self._pause,
            stop=stop_after_attempt(self.limits.attempts) | stop_before_delay(self.limits.deadline_seconds),
            reraise=True,
        )

        def one_try() -> Answer:
            seconds = max(0.1, min(self.limits.timeout_seconds, deadline - time.monotonic()))
            response = _within(seconds, functools.partial(self._call, request, seconds))
            return _answer(response, tries.statistics["attempt_number"], time.monotonic() - started)

        try:
            return tries(one_try)
        except GeminiFault as fault:
            fault.attempts = tries.statistics["attempt_number"]
            raise

    def _pause(self, tries: RetryCallState) -> float:
        """Seconds before the next try."""
        fault = tries.outcome.exception() if tries.outcome else None
        asked = fault.retry_after_seconds if isinstance(fault, GeminiFault) else None
        return max(asked or 0.0, wait_exponential(self.limits.pause_seconds)(tries))

    def _call(self, request: Request, seconds: float) -> Any:
        from google import genai
        from google.genai import types

        options = types.HttpOptions(
            base_url=self.base_url,
            timeout=max(1, int(seconds * 1000)),
            retry_options=types.HttpRetryOptions(attempts=1),  # retried by `ask`, which keeps the deadline
            # A proxy of the environment must not see what is meant for this machine.
            client_args={"trust_env": False} if self.base_url else None,
        )
        system, text = request.sealed(secrets.token_hex(16))
        parts: list[Any] = [types.Part.from_text(text=text)]
        for image in request.images:
            parts.append(types.Part.from_text(text=f"image: {image.name} — {image.caption}"))
            parts.append(types.Part.from_bytes(data=image.png, mime_type="image/png"))
        config = types.GenerateContentConfig(
            system_instruction=system,
            response_mime_type="application/json",
            response_json_schema=dict(request.schema),
            max_output_tokens=request.max_output_tokens,
            thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW),
            store=False,
        )
        client = genai.Client(api_key=self.key, http_options=options)
        with _faults():
            return client.models.generate_content(
                model=request.model, contents=types.Content(role="user", parts=parts), config=config
            )


def local_url(url: str) -> str:
    """A base URL for tests, which may be this machine only: the key must not go anywhere else.

    Raises:
        SettingsError: it is another machine's.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
        raise SettingsError(
            f"MMM_GEMINI_BASE_URL={url!r}: only a server on this machine is accepted, e.g. http://127.0.0.1:18080; "
            "unset it to use Gemini itself"
        )
    return url


def _within(seconds: float, call: Callable[[], T]) -> T:
    """Run a call in a thread and give up on it after so many seconds: a server that drips bytes has no timeout."""
    outcome: dict[str, Any] = {}

    def run() -> None:
        try:
            outcome["value"] = call()
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=run, name="gemini", daemon=True)
    thread.start()
    thread.join(seconds + 0.5)  # the client's own timeout is to come first
    if thread.is_alive():
        raise GeminiFault(Reason("timeout", f"{seconds:.0f} s"), is_passing=True)
    if "error" in outcome:
        raise outcome["error"]
    value: T = outcome["value"]
    return value


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    """Turns what the SDK raises into a `GeminiFault`; no text of a server or of an exception goes on."""
    import httpx2
    from google.genai import errors

    try:
        yield
    except errors.APIError as error:
        raise _refusal(error) from None
    except httpx2.TimeoutException:
        raise GeminiFault(Reason("timeout"), is_passing=True) from None
    except (httpx2.HTTPError, OSError) as error:
        raise GeminiFault(Reason("unreachable", type(error).__name__), is_passing=True) from None
    except ValueError:  # HTML with status 200, or JSON of another shape
        raise GeminiFault(Reason("not_json"), is_passing=True) from None


def _refusal(error: Any) -> GeminiFault:
    code = int(error.code or 0)
    status = f"{code} {error.status}" if isinstance(error.status, str) and error.status.isupper() else str(code)
    if code in (401, 403) or (code == 400 and "API_KEY_INVALID" in str(error.details)):
        return GeminiFault(Reason("refused_key", status))
    if code == 404:
        return GeminiFault(Reason("unknown_model", status))
    if code == 429:
        wait = _retry_delay(error.details)
        asked = f"{status}, wait {wait:.0f} s" if wait else status
        return GeminiFault(Reason("quota", asked), retry_after_seconds=wait, is_passing=True)
    if code in _PASSING_STATUS:
        return GeminiFault(Reason("overloaded", status), is_passing=True)
    return GeminiFault(Reason("refused", status))


def _retry_delay(details: Any) -> float | None:
    """Seconds of google.rpc.RetryInfo, when the error carries one."""
    try:
        for detail in details["error"]["details"]:
            delay = detail.get("retryDelay")
            if delay:
                return max(0.0, float(str(delay).removesuffix("s")))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return None


def _answer(response: Any, attempts: int, seconds: float) -> Answer:
    """The text of a finished answer; a blocked, empty or cut one is a fault."""
    usage = response.usage_metadata
    tokens = int(getattr(usage, "total_token_count", 0) or 0)
    candidate = (response.candidates or [None])[0]
    if candidate is None:
        feedback = response.prompt_feedback
        if feedback is not None and feedback.block_reason is not None:
            raise GeminiFault(Reason("blocked", _name(feedback.block_reason)), tokens=tokens)
        raise GeminiFault(Reason("empty"), tokens=tokens)
    finish = _name(candidate.finish_reason) if candidate.finish_reason is not None else "OTHER"
    if finish != "STOP":
        raise GeminiFault(Reason("truncated" if finish == "MAX_TOKENS" else "blocked", finish), tokens=tokens)
    parts = (candidate.content.parts if candidate.content else None) or []
    text = "".join(part.text for part in parts if part.text and not part.thought)
    if not text.strip():
        raise GeminiFault(Reason("empty"), tokens=tokens)
    return Answer(
        text=text,
        model_version=str(response.model_version or ""),
        finish_reason=finish,
        prompt_tokens=int(getattr(usage, "prompt_token_count", 0) or 0),
        output_tokens=int(getattr(usage, "candidates_token_count", 0) or 0),
        tokens=tokens,
        attempts=attempts,
        seconds=seconds,
    )


def _name(reason: Any) -> str:
    """An enumeration's name; a value that this SDK does not know is not repeated."""
    name = str(getattr(reason, "name", reason))
    return name if name.replace("_", "").isalpha() and name.isupper() and len(name) < 40 else "OTHER"
