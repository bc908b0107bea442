"""Made-up results in a home folder, as a run would have left them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd

from mmm_pipeline.orchestration.resources.workspace import RunWorkspace
from mmm_pipeline.reporting.results.tables import ResultTables
from mmm_pipeline.storage.home import Home
from mmm_pipeline.tables.catalog import CONTRACTS, empty_table


def stored_results(tables: ResultTables, folder: Path) -> RunWorkspace:
    """Write the tables, the profile and the settings into `folder`."""
    home = Home(folder)
    home.prepare()
    workspace = RunWorkspace(root=str(folder), config=str(home.remember_settings(tables.settings)))
    frames = {
        field.name: getattr(tables, field.name)
        for field in dataclasses.fields(tables)
        if isinstance(getattr(tables, field.name), pd.DataFrame)
    }
    empty = {name: empty_table(name) for name in CONTRACTS}
    workspace.warehouse().write_tables({**empty, **frames})
    window = {key: str(getattr(tables.window, key)) for key in ("start", "end", "holdout_start")}
    workspace.artifacts().write_json("eda_profile", {**tables.eda_profile, "window": window})
    return workspace
