"""How JAX computes in a process that trains."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import numpy, scipy.linalg
from threadpoolctl import ThreadpoolController
def threads():
    blas = [lib for lib in ThreadpoolController().lib_controllers if lib.user_api == "blas"]
    return {"numpy" in lib.filepath: lib.num_threads for lib in blas}
before = threads()
from deepwas_app.workflow.compilation import prepare
prepare()
print(sorted(before.items()), sorted(threads().items()))
"""


def test_lapack_has_one_thread_and_numpy_its_own():
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "[(False, 2), (True, 2)] [(False, 1), (True, 2)]"


MANY = """
import jax, jax.numpy as jnp
from deepwas_app.workflow.compilation import make_room
held = lambda: sum(1 for _ in open("/proc/self/maps"))
before = held()
program = jax.jit(lambda x: jnp.sin(x @ x.T))
for n in range(2, 30):
    program(jnp.ones((n, n)))
after = held()
kept = not make_room(1.0) and held() >= after
gone = make_room(0.0) and held() < before + (after - before) / 2
again = float(program(jnp.ones((2, 2)))[0, 0]) == float(jnp.sin(2.0))
print(after > before + 200, kept, gone, again)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="not Linux")
def test_programs_are_let_go_before_a_process_has_too_many():
    done = subprocess.run([sys.executable, "-c", MANY], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 4
