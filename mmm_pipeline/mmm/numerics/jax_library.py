"""JAX: for the sampler. One draw at a time, with derivatives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import jax.scipy.special
from jax import Array

from mmm_pipeline.mmm.numerics.library import Library

__all__ = ["JAX"]


@jax.custom_jvp
def _recurrence(x: Array, share: Array) -> Array:
    """s_t = r s_(t-1) + x_t: step by step on a CPU, where compiled loops are cheap, by doubling elsewhere."""
    return jax.lax.platform_dependent(x, share, cpu=_by_step, default=_by_doubling)


def _by_step(x: Array, share: Array) -> Array:
    def step(state: Array, added: Array) -> tuple[Array, Array]:
        state = share * state + added
        return state, state

    return jax.lax.scan(step, jnp.zeros_like(x[0]), x)[1]


def _by_doubling(x: Array, share: Array) -> Array:
    """log2(T) shifted multiply-adds of the whole matrix."""
    distance, decay = 1, share
    while distance < x.shape[0]:
        x = x + decay * _later(x, distance)
        distance, decay = 2 * distance, decay * decay
    return x


@_recurrence.defjvp
def _recurrence_derivative(at: tuple[Array, Array], towards: tuple[Array, Array]) -> tuple[Array, Array]:
    """The derivative obeys the same recursion, ds_t = r ds_(t-1) + dx_t + dr s_(t-1), so no step of it is stored."""
    x, share = at
    dx, dshare = towards
    state = _recurrence(x, share)
    return state, _recurrence(dx + dshare * _later(state, 1), share)


def _later(x: Array, steps: int) -> Array:
    return jnp.concatenate([jnp.zeros((steps, *x.shape[1:]), x.dtype), x[:-steps]])


JAX = Library(jnp, jax.scipy.special, jax.nn.softmax, _recurrence)
