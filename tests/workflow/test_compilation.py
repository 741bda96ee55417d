"""How JAX computes in a process that trains."""

import os
import subprocess
import sys

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
