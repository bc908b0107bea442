"""Where the tests find what a run of today stores."""

from __future__ import annotations

from mmm_pipeline.settings.schedule import RefreshCalendar
from mmm_pipeline.storage.home import Home, RefreshFolder

__all__ = ["present"]


def present(home: Home) -> RefreshFolder:
    """The partition that a run fills today."""
    return home.refresh(RefreshCalendar().present().key)
