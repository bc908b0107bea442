"""How long partitions stay stored."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.places import place_of, remove_folder
from mmm_pipeline.storage.results import remove_copy, remove_results
from mmm_pipeline.storage.warehouses import open_warehouse
from mmm_pipeline.storage.workspace import stored_refreshes

if TYPE_CHECKING:
    from mmm_pipeline.settings.pipeline import Settings

__all__ = ["forget_old"]


def forget_old(home: Home, settings: Settings) -> list[str]:
    """Remove all but the newest `refreshes.keep` partitions: tables, fits, pictures, texts, results.

    Returns:
        Keys of those that went.
    """
    old = stored_refreshes(home, settings)[: -settings.refreshes.keep]
    for folder in old:
        if settings.warehouse.kind != "duckdb":
            warehouse = open_warehouse(settings, folder)
            for name in warehouse.tables():
                warehouse.drop_table(name)
        if settings.storage.artifacts:
            remove_folder(place_of(settings.storage.artifacts) / folder.key)
        if settings.storage.results:
            remove_copy(place_of(settings.storage.results), folder.key)
        remove_results(home.results, folder.key)
        shutil.rmtree(folder.root, ignore_errors=True)
    return [folder.key for folder in old]
