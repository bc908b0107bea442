"""What BigQuery, the network or the credentials refuse, as one message that says what to do."""

from __future__ import annotations

from collections.abc import Iterator

from mmm_pipeline.errors import WarehouseError

__all__ = ["explained"]

_LONGEST_REASON = 400

_CREDENTIALS = (
    "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a service-account file, or "
    "GCP_CREDENTIALS to its JSON (plain or base64)"
)
_BY_REASON = {
    "accessdenied": (
        "the account needs roles/bigquery.jobUser on the project that pays, roles/bigquery.dataViewer on the source, "
        "and roles/bigquery.dataEditor on a dataset that is written to"
    ),
    "billingnotenabled": "switch on billing for the project, or set bigquery.project to one that has it",
    "billingtierlimitexceeded": "raise bigquery.maximum_bytes_billed, or narrow the source by source.since",
    "bytesbilledlimitexceeded": (
        "raise bigquery.maximum_bytes_billed, or read less: source.since prunes a table that is partitioned by the date"
    ),
    "quotaexceeded": "wait until the quota is renewed (most are daily), or ask for more under IAM & Admin > Quotas",
    "ratelimitexceeded": "too many requests at once: wait a minute and run again",
    "responsetoolarge": "the result is too large to be fetched: is columns.channel a column of few values?",
    "resourcesexceeded": "the query is too large for the project's slots: read less by source.since",
}
_BY_CODE = {
    400: "the query does not fit the table: was it changed since? `mmm check` shows what is read",
    401: f"the credentials are not accepted: {_CREDENTIALS}",
    403: _BY_REASON["accessdenied"],
    404: "check the name, bigquery.location, and that the account may see it (roles/bigquery.dataViewer)",
    409: "another job changed it at the same time: run again",
    412: "it was changed at the same moment: run again",
    429: _BY_REASON["ratelimitexceeded"],
}
_UNREACHABLE = "BigQuery could not be reached: check the network (and HTTPS_PROXY), then run again"


def explained(error: BaseException, *, about: str, doing: str, deadline: float) -> WarehouseError:
    """The message for the user; nothing of a credential is in it.

    Args:
        error: raised by google-cloud-bigquery or what it stands on.
        about: `project.dataset.table`, or the part of it that is known.
        doing: what was attempted, e.g. `reading the rows`.
        deadline: seconds after which it was given up.
    """
    cause = _innermost(error)
    code, reason = _code(cause), _reason(cause)
    hint = _BY_REASON.get(reason.casefold()) or (_BY_CODE.get(code) if code is not None else None)
    if _is(cause, "google.auth.exceptions", "DefaultCredentialsError"):
        what, hint = "there are no Google credentials", _CREDENTIALS
    elif _is(cause, "google.auth.exceptions", "RefreshError"):
        what, hint = f"the Google credentials have expired or were withdrawn ({_first_line(cause)})", _CREDENTIALS
    elif _gave_up(error, cause, code):
        status = f" on HTTP {code}" if code else ""
        what = f"given up within {deadline:g} s (bigquery.deadline_seconds){status}: {_first_line(cause)}"
        hint = hint or _UNREACHABLE
    else:
        what = f"{reason or type(cause).__name__}{f' ({code})' if code else ''}: {_first_line(cause)}"
        hint = hint or _UNREACHABLE
    return WarehouseError(f"{about}: {doing} failed: {what}. What to do: {hint}. Nothing was left half-written")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made from: google.api_core keeps that in `cause`."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        inner = getattr(seen, "cause", None)
        seen = inner if isinstance(inner, BaseException) else seen.__cause__


def _innermost(error: BaseException) -> BaseException:
    """The first error of the chain that says something of its own."""
    wrappers = {"RetryError", "RefreshFailed", "TransportError"}
    for link in _chain(error):
        if type(link).__name__ not in wrappers:
            return link
    return error


def _is(error: BaseException, module: str, name: str) -> bool:
    return any(kind.__module__ == module and kind.__name__ == name for kind in type(error).__mro__)


def _code(error: BaseException) -> int | None:
    code = getattr(error, "code", None)
    return int(code) if isinstance(code, int) else None


def _reason(error: BaseException) -> str:
    details = getattr(error, "errors", None) or []
    first = details[0] if isinstance(details, list | tuple) and details else {}
    return str(first.get("reason", "")) if isinstance(first, dict) else ""


def _gave_up(error: BaseException, cause: BaseException, code: int | None) -> bool:
    if any(type(link).__name__ == "RetryError" or isinstance(link, TimeoutError) for link in _chain(error)):
        return True
    return code in (429, 500, 502, 503, 504) or code is None


def _first_line(error: BaseException) -> str:
    text = str(getattr(error, "message", None) or error).strip().splitlines()
    line = text[0] if text else type(error).__name__
    return line[:_LONGEST_REASON].rstrip(".")
