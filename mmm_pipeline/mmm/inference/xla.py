"""How XLA is to compile on a CPU: said once, before JAX starts."""

from __future__ import annotations

import os

__all__ = ["prepare_jax"]

_LOOP_BYTES = "xla_cpu_small_while_loop_byte_threshold"


def prepare_jax() -> None:
    """Let XLA turn whole sampling loops into one machine function; without effect once JAX has started.

    On a CPU, XLA hands out the hundred small operations of a leapfrog step one by one, at a cost like their own; a loop
    whose body touches less than this many bytes becomes one function instead. No option of a single compilation sets
    the limit (1 kB by default), and JAX reads `XLA_FLAGS` when it starts: so every entry point calls this first.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if _LOOP_BYTES not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --xla_backend_extra_options={_LOOP_BYTES}=1000000000"
