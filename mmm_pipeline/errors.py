"""The errors a user can meet: each message says what, where, which value, what is accepted, what to do."""

from __future__ import annotations

from typing import Literal

from mmm_pipeline.text_safety.printable import printable

__all__ = [
    "CampaignDataError",
    "EngineError",
    "InfeasibleBudget",
    "MmmError",
    "ModelInputError",
    "ModelNotConverged",
    "SettingsError",
    "StorageUnavailable",
    "StoredResultError",
    "WarehouseError",
]


class MmmError(Exception):
    """Base of every error whose message is meant for the user; shown without a traceback.

    The message may quote names and values of a file: what would steer a terminal is taken out, wherever it is shown.

    Attributes:
        passing: whether the same call may succeed later, without anybody changing data or settings.
    """

    passing = False

    def __init__(self, message: str = "") -> None:
        super().__init__(printable(message))


class SettingsError(MmmError):
    """`pipeline.yaml` or an override of it is not acceptable."""


class CampaignDataError(MmmError):
    """The campaign rows cannot be read, or what was read cannot carry a model."""


class ModelInputError(MmmError):
    """Arrays, priors or specs handed to the model cannot be fitted."""


class ModelNotConverged(MmmError):
    """Too few fitted specs met the convergence thresholds, so there is no champion."""


class EngineError(MmmError):
    """Another engine is not installed, failed, or answered what cannot be used."""


class InfeasibleBudget(MmmError):
    """The budget constraints contradict each other.

    Attributes:
        code: `no_spend`: there is no current spend to plan from; `out_of_reach`: no plan within the bounds reaches the
            KPI target; `constraints`: everything else.
    """

    def __init__(self, message: str, *, code: Literal["no_spend", "out_of_reach", "constraints"] = "constraints"):
        super().__init__(message)
        self.code = code


class StoredResultError(MmmError):
    """A stored table or artifact is missing, damaged or of another version."""


class StorageUnavailable(StoredResultError):
    """The disk, or another process, kept a result from being read or written; that can be over in a minute."""

    passing = True


class WarehouseError(MmmError):
    """A remote warehouse refused, cannot be reached, or would cost more than allowed."""
