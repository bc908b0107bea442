"""The published results over HTTP, to read only: `/results/latest/report.html` beside the Dagster UI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["REPORT_ADDRESS", "RESULTS_PREFIX", "ResultsFiles"]

RESULTS_PREFIX = "/results/"
REPORT_ADDRESS = f"{RESULTS_PREFIX}latest/report.html"
_FIRST_PAGE = "report.html"
_HEADERS = {
    # A page of results is no part of the UI: whatever stands in it can neither ask the server nor load anything.
    "Content-Security-Policy": "sandbox allow-scripts allow-downloads allow-popups; default-src 'none'; "
    "img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class ResultsFiles:
    """An ASGI application that serves the files of a results folder, and hands everything else on.

    Args:
        app: who answers other paths.
        folder: `results` of a home; what links in it lead to outside is not served.
    """

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self._app = app
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(RESULTS_PREFIX):
            await self._app(scope, receive, send)
            return
        await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("results can only be read\n", status_code=405, headers={"Allow": "GET, HEAD"})
        wanted = scope["path"].removeprefix(RESULTS_PREFIX.rstrip("/")).strip("/") or "latest"
        try:
            root = self._folder.resolve()
            found = (root / wanted).resolve()
            hidden = any(part.startswith(".") for part in Path(wanted).parts)
            if hidden or not found.is_relative_to(root):
                return _missing(wanted)
            if found.is_dir() and (found / _FIRST_PAGE).is_file():
                return RedirectResponse(f"{RESULTS_PREFIX}{wanted}/{_FIRST_PAGE}")
            return FileResponse(found, headers=_HEADERS) if found.is_file() else _missing(wanted)
        except (OSError, ValueError):  # a name that no file can have
            return _missing(wanted)


def _missing(wanted: str) -> Response:
    return PlainTextResponse(f"there are no results {wanted[:100]!r} in this home (yet)\n", status_code=404)
