"""Refuses what other web sites make a browser ask of Dagster's webserver, which itself takes a request from anybody.

Two ways lead from a foreign page to a server on this machine. The page can send requests that change something, of
which it need not see the answer (cross-site request forgery): one picture whose address is
`http://127.0.0.1:3000/graphql?query=mutation...` is enough. Or its own name can come to mean 127.0.0.1 after it was
loaded (DNS rebinding), so that the browser takes both for one site. Against the first, a browser says where a request
comes from (`Sec-Fetch-Site`, https://www.w3.org/TR/fetch-metadata/, and `Origin`); against the second, the name that
was asked for is in `Host`.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["NAMES_VARIABLE", "Guard", "refusal"]

NAMES_VARIABLE = "MMM_UI_NAMES"
"""Names, separated by commas, by which the UI may be asked for beside those of this machine: of a proxy in front."""

_OWN_SITE = {"same-origin", "none"}
"""Of `Sec-Fetch-Site`: the UI's own pages, and what a person typed or bookmarked."""
_QUERIES = "/graphql"
_JSON = ("application/json", "application/graphql")
_ADDED = {
    # No foreign page may show ours in a frame, where a click could be meant for something else, or hold its window.
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """An ASGI application in front of another; HTTP and websockets alike.

    Args:
        app: who answers what is let through.
        names: host names that are ours beside `localhost`, the loopback addresses and the address of the server.
    """

    def __init__(self, app: ASGIApp, names: Collection[str] = ()) -> None:
        self._app = app
        self._names = frozenset(name.strip().lower() for name in names if name.strip())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        why = refusal(scope, self._names)
        if why is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": why[:120]})
        else:
            await PlainTextResponse(f"{why}\n", status_code=403)(scope, receive, send)


def refusal(scope: Scope, names: Collection[str] = frozenset()) -> str | None:
    """Why a request is refused, as one sentence; None when it is let through."""
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if not _is_ours(_name_in(host), names, scope):
        return (
            f"refused: the UI was asked for under the name {host[:100]!r}, which is not its own. Behind a proxy, name "
            f"it in the environment variable {NAMES_VARIABLE}"
        )
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and not _is_own_origin(origin, host, names):
        return f"refused: the page that asks comes from {origin[:100]!r}, which is another site"
    # Of a websocket, the origin says all; who sends none is no browser.
    if scope["type"] == "http" and site is not None and site not in _OWN_SITE and not _is_visit(scope, headers):
        return f"refused: the page that asks is another site (Sec-Fetch-Site: {site[:20]})"
    if scope["type"] == "http" and scope["path"].rstrip("/").endswith(_QUERIES):
        return _query_refusal(scope, headers)
    return None


def _query_refusal(scope: Scope, headers: Headers) -> str | None:
    """Queries are posted as JSON, which no form and no picture of a page can do, whatever the browser says of them.

    Who asks for a page of HTML is given one to write queries on, and nothing is run.
    """
    if scope["method"] == "POST":
        kind = headers.get("content-type", "").lower()
        return None if kind.startswith(_JSON) else "refused: GraphQL queries are posted as application/json"
    if "query" in QueryParams(scope.get("query_string", b"")) and "text/html" not in headers.get("accept", ""):
        return "refused: GraphQL queries are posted, not asked for by GET"
    return None


def _is_visit(scope: Scope, headers: Headers) -> bool:
    """Whether somebody follows a link to a page of ours, as from a mail or a chat: that changes nothing."""
    return (
        scope["method"] in ("GET", "HEAD")
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
        and not scope["path"].rstrip("/").endswith(_QUERIES)
    )


def _is_ours(name: str, names: Collection[str], scope: Scope) -> bool:
    if name == "localhost" or name in names:
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    # No site can make its address mean another machine, as it can its name. The server's own is what a probe asks for.
    server = scope.get("server")
    return address.is_loopback or (server is not None and name == server[0])


def _is_own_origin(origin: str, host: str, names: Collection[str]) -> bool:
    found = urlsplit(origin)
    if found.scheme not in ("http", "https"):
        return False
    # Another port of this machine is another site. A proxy may ask for the UI under another name than the browser did.
    return found.netloc.lower() == host.lower() or _name_in(found.netloc) in names


def _name_in(netloc: str) -> str:
    """Host name without port, brackets of IPv6 and capitals; empty when there is none."""
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _ADDED.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
