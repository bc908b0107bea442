"""Champions of earlier runs, each a file of its own that says when it was kept and what it was fitted on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.storage.artifacts import ArtifactStore

if TYPE_CHECKING:
    from mmm_pipeline.mmm.fit.fit import Fit

__all__ = ["ChampionHistory", "KeptChampion", "champion_is_quick", "mark_champion"]

_FOLDER = "champions"
_MARK = "champion_run"
_STAMP = "%Y%m%dT%H%M%S%fZ"
_NAME = re.compile(r"(?:(?P<number>\d{6})-)?(?P<kept>\d{8}T\d{12}Z)-(?P<fingerprint>[0-9a-f]+)(?P<quick>-quick)?\Z")


def mark_champion(artifacts: ArtifactStore, *, quick: bool) -> None:
    """Say beside the stored champion whether it comes from a quick run."""
    artifacts.write_json(_MARK, {"quick": quick})


def champion_is_quick(artifacts: ArtifactStore) -> bool:
    """Whether the stored champion has fewer draws than a decision needs, whatever the settings say by now.

    Raises:
        StoredResultError: the mark is damaged.
    """
    return artifacts.has(_MARK, suffix=".json") and bool(artifacts.read_json(_MARK)["quick"])


@dataclass(frozen=True, order=True)
class KeptChampion:
    """One file of the history; the order is that of the refreshes, whatever a clock said.

    Attributes:
        number: of the refresh at which it last became champion, from 1; 0 in files of earlier versions, which come
            first, in the order of their times.
        kept: when it became champion, UTC.
        fingerprint: of the inputs and settings that it was fitted on.
        quick: whether it comes from a quick run, with fewer draws than a decision needs.
    """

    number: int
    kept: datetime
    fingerprint: str
    quick: bool

    @property
    def key(self) -> str:
        """Stem of its file, below `artifacts/champions/`."""
        number = f"{self.number:06d}-" if self.number else ""
        return f"{number}{self.kept.strftime(_STAMP)}-{self.fingerprint}{'-quick' if self.quick else ''}"


@dataclass(frozen=True)
class ChampionHistory:
    """The champions kept below one artifact folder."""

    artifacts: ArtifactStore

    def entries(self) -> list[KeptChampion]:
        """Oldest first; files with other names are not ours and are left alone."""
        found = [_NAME.match(stem) for stem in self.artifacts.stems(_FOLDER)]
        return sorted(
            KeptChampion(
                int(match["number"] or 0),
                datetime.strptime(match["kept"], _STAMP).replace(tzinfo=UTC),
                match["fingerprint"],
                match["quick"] is not None,
            )
            for match in found
            if match
        )

    def keep(self, champion: str, limit: int, quick: bool, *, now: datetime | None = None) -> int:
        """Copy the stored champion into the history as its newest entry; forget the oldest.

        A champion that comes back, as after a setting was tried and reverted, moves to the end. One that stays, with
        neither data nor settings changed, keeps its entry.

        Args:
            champion: artifact name of the stored champion.
            limit: earlier champions that stay.
            quick: whether it comes from a quick run.
            now: when it became champion; default: now.

        Returns:
            Number of earlier champions that can be read.

        Raises:
            StoredResultError: there is no stored champion, or it is damaged.
        """
        fingerprint = self.artifacts.read_fit(champion)[1]
        entries = self.entries()
        if not entries or entries[-1].fingerprint != fingerprint:
            number = max((entry.number for entry in entries), default=0) + 1
            self.artifacts.copy(
                champion, _FOLDER, KeptChampion(number, now or datetime.now(UTC), fingerprint, quick).key
            )
            for entry in entries:
                if entry.fingerprint == fingerprint:
                    self.artifacts.remove(_FOLDER, entry.key)
        earlier = [entry for entry in self.entries() if entry.fingerprint != fingerprint]
        for entry in earlier[: max(0, len(earlier) - limit)]:
            self.artifacts.remove(_FOLDER, entry.key)
        return min(limit, len(earlier))

    def previous(self, fingerprint: str, quick: bool) -> KeptChampion | None:
        """The champion of the refresh before, fitted on something else; a full run is not compared with a quick one."""
        others = [entry for entry in self.entries() if entry.fingerprint != fingerprint and (quick or not entry.quick)]
        return others[-1] if others else None

    def read(self, entry: KeptChampion) -> Fit:
        """The posterior of a kept champion.

        Raises:
            StoredResultError: the file is missing, damaged, or was written by an incompatible version.
        """
        fit, fingerprint = self.artifacts.read_fit(_FOLDER, entry.key)
        if fingerprint != entry.fingerprint:
            path = self.artifacts.path(_FOLDER, entry.key)
            raise StoredResultError(
                f"{path}: holds the fingerprint {fingerprint}, not that of its name: delete the file"
            )
        return fit
