"""Compiled programs are kept on disk, so that the second session starts at once."""

import jax

from deepwas_app.workflow.folders import cache_dir


def keep_compiled() -> None:
    """Use JAX's persistent compilation cache, unless the user has set one up."""
    if jax.config.jax_compilation_cache_dir is None:  # type: ignore[attr-defined]
        jax.config.update("jax_compilation_cache_dir", str(cache_dir() / "compiled"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)
