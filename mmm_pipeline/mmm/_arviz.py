"""ArviZ, imported in one place: its announcement of a refactoring is not for the users of this package."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=r"(?s).*ArviZ is undergoing a major refactor.*", category=FutureWarning)
    import arviz as az

__all__ = ["az"]
