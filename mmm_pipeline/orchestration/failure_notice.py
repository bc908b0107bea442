"""Tell a webhook that a run failed. Its address is a secret: it comes from the environment and is shown nowhere."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import os
from collections.abc import Mapping

import dagster as dg
from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt, wait_fixed

__all__ = ["WEBHOOK_VARIABLE", "WebhookUnreachable", "failure_notice", "post_notice", "run_failure_notice"]

WEBHOOK_VARIABLE = "MMM_WEBHOOK_URL"
_TIMEOUT_SECONDS = 10.0
_ATTEMPTS = 3
_PAUSE_SECONDS = 1.0


class WebhookUnreachable(Exception):
    """The notice was not taken; the message never holds the address, which is a secret."""


@dg.run_failure_sensor(
    name="run_failure_notice",
    default_status=dg.DefaultSensorStatus.STOPPED,
    description=f"Posts a short JSON to the address in {WEBHOOK_VARIABLE} when a run fails: job, run, failed steps.",
)
def run_failure_notice(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
    """Off until switched on in the UI; without an address it says so and does nothing."""
    address = os.environ.get(WEBHOOK_VARIABLE, "")
    if not address:
        return dg.SkipReason(f"{WEBHOOK_VARIABLE} is not set, so nobody was told of the failed run")
    post_notice(address, failure_notice(context))
    context.log.info(f"the webhook was told that run {context.dagster_run.run_id[:8]} failed")
    return None


def failure_notice(context: dg.RunFailureSensorContext) -> dict[str, object]:
    """What is told: names only. Error texts, run config and tags may hold rows, paths or keys, and stay here."""
    run = context.dagster_run
    steps = sorted({str(event.step_key) for event in context.get_step_failure_events()})
    return {
        "event": "run_failed",
        "job": run.job_name,
        "run_id": run.run_id,
        "failed_steps": steps,
        "time": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "text": f"mmm_pipeline: run {run.run_id[:8]} of {run.job_name} failed"
        + (f" in {', '.join(steps)}" if steps else "")
        + "; see the run in the Dagster UI",
    }


def post_notice(
    address: str, notice: Mapping[str, object], *, timeout: float = _TIMEOUT_SECONDS, pause: float = _PAUSE_SECONDS
) -> None:
    """POST the notice as JSON, at most three times. Redirects are not followed, and no answer is read.

    Args:
        address: http or https.
        notice: what to tell; `text` is what chat webhooks show.
        timeout: seconds that one connection may stay silent.
        pause: seconds before the next attempt.

    Raises:
        WebhookUnreachable: the address is not one, or nobody there took the notice.
    """
    body = json.dumps(notice, ensure_ascii=False).encode()
    tries = Retrying(
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_fixed(pause),
        retry=retry_if_result(lambda tried: tried[1]),
        retry_error_callback=_last,
    )
    problem, _ = tries(_attempt, address, body, timeout)
    if problem:
        raise WebhookUnreachable(f"the webhook in {WEBHOOK_VARIABLE} did not take the notice: {problem}")


def _last(tries: RetryCallState) -> tuple[str, bool]:
    assert tries.outcome is not None
    outcome: tuple[str, bool] = tries.outcome.result()
    return outcome


def _attempt(address: str, body: bytes, timeout: float) -> tuple[str, bool]:
    """What went wrong, empty for nothing, and whether another attempt may help.

    Exceptions end here, because their texts, and the chain that Dagster stores, can hold the address.
    """
    import urllib.error
    import urllib.parse
    import urllib.request

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    try:
        parts = urllib.parse.urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return "it is not an http or https address", False
        request = urllib.request.Request(
            address, data=body, headers={"Content-Type": "application/json; charset=utf-8"}, method="POST"
        )
        with urllib.request.build_opener(NoRedirect).open(request, timeout=timeout):
            return "", False
    except urllib.error.HTTPError as error:
        error.close()
        return f"it answered with status {error.code}", error.code >= 500 or error.code == 429
    except (ValueError, http.client.InvalidURL):
        return "it is not an http or https address", False
    except urllib.error.URLError as error:
        return f"no connection ({type(error.reason).__name__})", True
    except (OSError, http.client.HTTPException) as error:
        return f"no answer ({type(error).__name__})", True
