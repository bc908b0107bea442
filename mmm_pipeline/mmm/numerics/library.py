"""What a formula may use, so that one statement serves the sampler (JAX) and stored draws (NumPy).

`numpy_library.NUMPY` and `jax_library.JAX` are the two; a formula takes one of them as `f`. Importing this module
imports neither.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Library", "power", "power_of_positive"]


class Library(NamedTuple):
    """The same functions from one of two libraries.

    Attributes:
        xp: array functions by the names of the array API: `numpy` or `jax.numpy`.
        special: `scipy.special` or `jax.scipy.special`: `expit`, `log_ndtr`, `ndtri`.
        softmax: exp(x) / Σ exp(x) over the last axis.
        recurrence: s_t = r s_(t-1) + x_t, from x (T, C) and r (..., C) to (..., T, C); JAX takes r (C,) only, and a
            batch of draws by `vmap`.
    """

    xp: Any
    special: Any
    softmax: Callable[[Any], Any]
    recurrence: Callable[[Any, Any], Any]


def power(x: Any, exponent: Any, f: Library) -> Any:
    """x^exponent for x >= 0, where 0^anything is 0; value and gradients are finite."""
    positive = x > 0
    return f.xp.where(positive, power_of_positive(f.xp.where(positive, x, 1.0), exponent, f), 0.0)


def power_of_positive(x: Any, exponent: Any, f: Library) -> Any:
    """x^exponent for x > 0."""
    return f.xp.exp(exponent * f.xp.log(x))
