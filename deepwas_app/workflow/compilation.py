"""How JAX computes here: what is compiled is kept on disk, and LAPACK has one thread."""

import jax
import scipy.linalg  # noqa: F401  Its LAPACK is JAX's on a CPU; loaded, it can be told.
from threadpoolctl import ThreadpoolController

from deepwas_app.workflow.folders import cache_dir


def prepare() -> None:
    """Use JAX's persistent compilation cache, unless the user has set one up, and calm LAPACK.

    Notes
    -----
    LD blocks are factorised one after the other, each too small for several threads, which would
    only wait for each other and keep those of XLA from their work: of 120 blocks of 450 to 850
    variants on two cores, score and Fisher information take a third of the time and less than
    half of the processor with one thread. numpy's own threads are left alone.
    """
    if jax.config.jax_compilation_cache_dir is None:  # type: ignore[attr-defined]
        jax.config.update("jax_compilation_cache_dir", str(cache_dir() / "compiled"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)
    for library in ThreadpoolController().lib_controllers:
        if library.user_api == "blas" and "numpy" not in library.filepath:
            library.set_num_threads(1)
