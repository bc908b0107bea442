"""The champion of a partition beside those of the partitions before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmm_pipeline.storage.artifacts import ArtifactStore, artifact_store
from mmm_pipeline.storage.workspace import stored_refreshes

if TYPE_CHECKING:
    from mmm_pipeline.settings.pipeline import Settings
    from mmm_pipeline.storage.home import RefreshFolder

__all__ = ["CHAMPION_MODEL", "EarlierChampion", "champion_is_quick", "earlier_champion", "mark_champion"]

CHAMPION_MODEL = "champion_model"
_MARK = "champion_run"


def mark_champion(artifacts: ArtifactStore, *, quick: bool) -> None:
    """Say beside the stored champion whether it comes from a quick run."""
    artifacts.write_json(_MARK, {"quick": quick})


def champion_is_quick(artifacts: ArtifactStore) -> bool:
    """Whether the stored champion has fewer draws than a decision needs, whatever the settings say by now.

    Raises:
        StoredResultError: the mark is damaged.
    """
    return artifacts.has(_MARK, suffix=".json") and bool(artifacts.read_json(_MARK)["quick"])


@dataclass(frozen=True)
class EarlierChampion:
    """The champion of an earlier partition; `artifacts` has its fit."""

    folder: RefreshFolder
    artifacts: ArtifactStore


def earlier_champion(folder: RefreshFolder, settings: Settings, *, quick: bool) -> EarlierChampion | None:
    """The champion of the nearest partition before this one that has another; whatever the order they were filled in.

    Args:
        folder: of the present partition, which has a champion.
        settings: in force.
        quick: whether the present champion is quick; one that is not is not compared with a quick one.

    Raises:
        StoredResultError: there is no present champion.
    """
    present = artifact_store(settings, folder).fit_fingerprint(CHAMPION_MODEL)
    for earlier in reversed(stored_refreshes(folder.home, settings)):
        if earlier.key >= folder.key:
            continue
        artifacts = artifact_store(settings, earlier)
        if not artifacts.has(CHAMPION_MODEL) or (champion_is_quick(artifacts) and not quick):
            continue
        if artifacts.fit_fingerprint(CHAMPION_MODEL) != present:
            return EarlierChampion(earlier, artifacts)
    return None
