"""The process that compiles a kernel computes what the later ones do, which load it from the cache."""

import os
import subprocess
import sys

SCRIPT = """
import hashlib
import torch
from ne_interactive.forces.mesh_numba import gather
from ne_interactive.graph.list_search import search_lists
from ne_interactive.graph.lists import inverted_lists
from ne_interactive.graph.metrics import Flat

draw = torch.Generator().manual_seed(0)
Z, potential = torch.rand((5000, 2), generator=draw) * 50 + 3, torch.rand((120, 120), generator=draw)
forces, _ = gather(Z, [0.0, 0.0], 0.5, potential)
X = torch.randn((3000, 20), generator=draw)
found = search_lists(inverted_lists(X, 50), 40, 16, 20, Flat(X), queries=X)
print(*(hashlib.md5(part.numpy().tobytes()).hexdigest() for part in (forces, *found)))
"""


def test_a_kernel_gives_the_same_bits_compiled_and_loaded(tmp_path):
    def bits():
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    compiled = bits()
    assert list(tmp_path.rglob("*.nbc"))  # the next process has what to load
    assert bits() == compiled
