"""How JAX computes here: what is compiled is kept on disk, and LAPACK has one thread."""

import gc
from pathlib import Path

import jax
import scipy.linalg  # noqa: F401  Its LAPACK is JAX's on a CPU; loaded, it can be told.
from threadpoolctl import ThreadpoolController

from deepwas_app.workflow.folders import cache_dir

# Share of the memory maps of a process at which compiled programs are let go.
_CROWDED = 0.5


def prepare() -> None:
    """Use JAX's persistent compilation cache, unless the user has set one up, and calm LAPACK.

    Programs of earlier studies go where there are very many; see :func:`make_room`.

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
    make_room()


def make_room(share: float = _CROWDED) -> bool:
    """Let go of compiled programs before the process has no memory maps left; whether it did.

    Parameters
    ----------
    share
        Of the memory maps that Linux allows a process, above which they go.

    Notes
    -----
    A compiled program holds some 25 maps, and Linux allows 65,530: a process that has computed for
    studies of very many shapes would end with signal 11. What is let go is compiled again when it
    is needed, or found on disk.
    """
    try:
        limit = int(Path("/proc/sys/vm/max_map_count").read_text())
        with Path("/proc/self/maps").open("rb") as maps:
            held = sum(1 for _ in maps)
    except OSError:
        return False
    if held <= share * limit:
        return False
    jax.clear_caches()
    gc.collect()
    return True
