"""Dagster's webserver behind the guard, with the published results beside it; takes the options of `dagster-webserver`.

`python -m mmm_pipeline.orchestration.ui.webserver -w workspace.yaml -h 127.0.0.1 -p 3000`; also installed as
`mmm-webserver`. Results are those of the home that MMM_HOME names.
"""

from __future__ import annotations

import os
from typing import Any

import uvicorn

from mmm_pipeline.orchestration.ui.guard import NAMES_VARIABLE, Guard
from mmm_pipeline.orchestration.ui.results_files import ResultsFiles
from mmm_pipeline.storage.home import home_from_environment

__all__ = ["main"]

_GOODBYE_SECONDS = 3
"""How long open pages, whose websockets never end by themselves, may keep the server from ending."""

_run = uvicorn.run


def main() -> None:
    """Run `dagster-webserver`; it has no place for a middleware, so the application is taken where it is served.

    `mmm ui` asks for a page under a foreign name before it says that the UI is open, and a test does the same: a
    release of Dagster that serves in another way is noticed.
    """
    from dagster_webserver.cli import main as dagster_webserver

    uvicorn.run = _run_guarded
    dagster_webserver()


def _run_guarded(app: Any, **options: Any) -> None:
    names = os.environ.get(NAMES_VARIABLE, "").split(",")
    guarded = Guard(ResultsFiles(app, home_from_environment().results), names)
    _run(guarded, **{"timeout_graceful_shutdown": _GOODBYE_SECONDS, "server_header": False, **options})


if __name__ == "__main__":
    main()
