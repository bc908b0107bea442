"""Which environment variables a third party's code gets to see: those named here, so that no secret reaches it."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence

__all__ = ["ENGINE_VARIABLES", "INSTALL_VARIABLES", "engine_variables", "install_variables"]

ENGINE_VARIABLES = (
    # the user, the language, places for files
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "XDG_CACHE_HOME"),
    # libraries of the system and of the GPU
    *("LD_LIBRARY_PATH", "DYLD_*", "CUDA_*", "NVIDIA_*", "XLA_PYTHON_CLIENT_*"),
    # how many threads, how long a program is compiled
    *("OMP_*", "MKL_*", "OPENBLAS_*", "NUMEXPR_*", "VECLIB_*", "PYTENSOR_FLAGS"),
)
"""Names and patterns of what an engine is given; documented in docs/engines.md."""

INSTALL_VARIABLES = (
    *ENGINE_VARIABLES,
    *("PIP_*", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NETRC", "CC", "CXX", "CFLAGS", "LDFLAGS"),
    *("http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
)
"""pip needs its index, and the way to it, too."""


def engine_variables(environment: Mapping[str, str], also: Sequence[str] = ()) -> dict[str, str]:
    """The part of an environment that an engine is given; `also` are the names that its `engine.toml` asks for."""
    return _matching(environment, (*ENGINE_VARIABLES, *also))


def install_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that pip is given, and with it the build scripts of packages."""
    return _matching(environment, INSTALL_VARIABLES)


def _matching(environment: Mapping[str, str], patterns: Sequence[str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    }
