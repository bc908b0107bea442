"""NumPy and SciPy: for stored draws, which need no compiled program."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmm_pipeline.mmm.numerics.library import Library

__all__ = ["NUMPY"]


class _SciPySpecial:
    """`scipy.special`, imported at first use: settings read the media transforms too, and need not wait for it."""

    def __getattr__(self, name: str) -> Any:
        import scipy.special

        return getattr(scipy.special, name)


_special = _SciPySpecial()


def _softmax(x: np.ndarray) -> np.ndarray:
    return _special.softmax(x, axis=-1)


def _recurrence(x: np.ndarray, share: np.ndarray) -> np.ndarray:
    result = np.empty((*share.shape[:-1], *x.shape))
    state = np.zeros_like(share)
    for t, added in enumerate(x):
        state = share * state + added
        result[..., t, :] = state
    return result


NUMPY = Library(np, _special, _softmax, _recurrence)
