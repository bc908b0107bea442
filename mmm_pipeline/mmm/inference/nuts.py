"""No-U-Turn sampler with windowed adaptation, as one program that serves warm-up and draws of any length.

Trees, dual averaging and the Welford estimate are NumPyro's; the loop around them is ours so that data, target
acceptance and the adaptation schedule are arguments: neither another window nor an escalation compiles anything.
Source: Hoffman & Gelman 2014; Betancourt 2017; the windows are those of Stan.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.infer.hmc_util import (
    IntegratorState,
    build_adaptation_schedule,
    build_tree,
    dual_averaging,
    euclidean_kinetic_energy,
    velocity_verlet,
    welford_covariance,
)

__all__ = ["ADAPT_METRIC", "ADAPT_STEP", "WINDOW_END", "ChainState", "Draws", "advance", "schedule", "start"]

Potential = Callable[[Array, Any], Array]

ADAPT_STEP, ADAPT_METRIC, WINDOW_END, LAST = 1, 2, 4, 8
"""Flags of an iteration: adapt the step size; feed the metric; renew the metric; settle the step size. 0: a draw."""

_MAX_ENERGY_ERROR = 1000.0
_step_init, _step_update = dual_averaging()
_metric_init, _metric_update, _metric_final = welford_covariance(diagonal=True)


class ChainState(NamedTuple):
    """Where a chain stands; D coordinates.

    Attributes:
        position: (D,)
        energy: () potential energy at the position.
        gradient: (D,) of the potential energy.
        key: random key of the coming iterations.
        step_size: () of the leapfrog integrator.
        metric: (D,) inverse mass, the estimated variances.
        step_adaptation: dual averaging state.
        metric_adaptation: Welford state of the current window.
    """

    position: Array
    energy: Array
    gradient: Array
    key: Array
    step_size: Array
    metric: Array
    step_adaptation: tuple[Array, ...]
    metric_adaptation: tuple[Array, ...]


class Draws(NamedTuple):
    """What N iterations left: one row per iteration."""

    position: Array
    energy: Array
    diverging: Array
    leapfrogs: Array
    acceptance: Array
    step_size: Array


def schedule(warmup: int) -> np.ndarray:
    """(warmup,) flags: a step-size buffer, doubling metric windows, a step-size buffer. Draws have the flag 0."""
    flags = np.full(warmup, ADAPT_STEP, dtype=np.int32)
    windows = build_adaptation_schedule(warmup)
    for window in windows[1:-1]:
        flags[window.start : window.end + 1] |= ADAPT_METRIC
        flags[window.end] |= WINDOW_END
    flags[warmup - 1] |= LAST
    return flags


def start(potential: Potential, key: Array, position: Array, data: Any) -> ChainState:
    """A chain at `position` (D,) that has adapted nothing yet."""
    energy, gradient = jax.value_and_grad(potential)(position, data)
    step_size = jnp.asarray(0.1, position.dtype)
    return ChainState(
        position=position,
        energy=energy,
        gradient=gradient,
        key=key,
        step_size=step_size,
        metric=jnp.ones_like(position),
        step_adaptation=_step_init(jnp.log(10 * step_size)),
        metric_adaptation=_metric_init(position.shape[0]),
    )


def advance(
    potential: Potential,
    state: ChainState,
    flags: Array,
    count: Array,
    target_accept: Array,
    data: Any,
    *,
    max_tree_depth: int,
) -> tuple[ChainState, Draws]:
    """Run the first `count` of the N iterations that `flags` describes.

    Args:
        potential: maps (position, data) to the potential energy.
        state: where the chain stands.
        flags: (N,) of `schedule`.
        count: () iterations to run, at most N; rows of the result beyond it are zero.
        target_accept: () acceptance probability that the step size is adapted to.
        data: second argument of `potential`.
        max_tree_depth: a trajectory has at most 2^depth - 1 steps.
    """
    chunk = flags.shape[0]
    empty = Draws(
        position=jnp.zeros((chunk, state.position.shape[0]), state.position.dtype),
        energy=jnp.zeros(chunk, state.position.dtype),
        diverging=jnp.zeros(chunk, bool),
        leapfrogs=jnp.zeros(chunk, jnp.int32),
        acceptance=jnp.zeros(chunk, state.position.dtype),
        step_size=jnp.zeros(chunk, state.position.dtype),
    )

    def iterate(i: Array, carried: tuple[ChainState, Draws]) -> tuple[ChainState, Draws]:
        state, draws = carried
        state, row = _transition(potential, state, data, max_tree_depth)
        state = _adapt(state, row.acceptance, flags[i], target_accept)
        return state, jax.tree.map(lambda column, value: column.at[i].set(value), draws, row)

    return jax.lax.fori_loop(0, count, iterate, (state, empty))


def _transition(potential: Potential, state: ChainState, data: Any, max_tree_depth: int) -> tuple[ChainState, Draws]:
    key, momentum_key, tree_key = jax.random.split(state.key, 3)
    momentum = jax.random.normal(momentum_key, state.position.shape, state.position.dtype) / jnp.sqrt(state.metric)
    _, step = velocity_verlet(lambda position: potential(position, data), euclidean_kinetic_energy)
    tree = build_tree(
        step,
        euclidean_kinetic_energy,
        IntegratorState(state.position, momentum, state.energy, state.gradient),
        state.metric,
        state.step_size,
        tree_key,
        max_delta_energy=_MAX_ENERGY_ERROR,
        max_tree_depth=max_tree_depth,
    )
    row = Draws(
        position=tree.z_proposal,
        energy=tree.z_proposal_pe,
        diverging=tree.diverging,
        leapfrogs=tree.num_proposals.astype(jnp.int32),
        acceptance=tree.sum_accept_probs / tree.num_proposals,
        step_size=state.step_size,
    )
    moved = state._replace(position=tree.z_proposal, energy=tree.z_proposal_pe, gradient=tree.z_proposal_grad, key=key)
    return moved, row


def _adapt(state: ChainState, acceptance: Array, flag: Array, target_accept: Array) -> ChainState:
    def adapted(state: ChainState) -> ChainState:
        step_adaptation = _step_update(target_accept - acceptance, state.step_adaptation)
        log_step, log_step_mean, *_ = step_adaptation
        step_size = jnp.exp(jnp.where(flag & LAST, log_step_mean, log_step))
        metric_adaptation = jax.lax.cond(
            (flag & ADAPT_METRIC) > 0,
            lambda: _metric_update(state.position, state.metric_adaptation),
            lambda: state.metric_adaptation,
        )
        state = state._replace(
            step_size=step_size, step_adaptation=step_adaptation, metric_adaptation=metric_adaptation
        )
        return jax.lax.cond((flag & WINDOW_END) > 0, _renewed, lambda state: state, state)

    return jax.lax.cond((flag & ADAPT_STEP) > 0, adapted, lambda state: state, state)


def _renewed(state: ChainState) -> ChainState:
    """The window's variances become the metric, and both adaptations start afresh."""
    metric, _, _ = _metric_final(state.metric_adaptation, regularize=True)
    return state._replace(
        metric=metric,
        step_adaptation=_step_init(jnp.log(10 * state.step_size)),
        metric_adaptation=_metric_init(state.position.shape[0]),
    )
