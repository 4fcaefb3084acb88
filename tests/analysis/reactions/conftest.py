import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def blinking(in_memory):
    """Return a function: distances in time of independent In-S pairs to a trajectory.

    Each pair sits in a row of its own, far from the others.
    """

    def make(distances, interval=2.0, symbols=("In", "S")):
        distances = np.asarray(distances, dtype=float)  # (frames, pairs)
        n_frames, n_pairs = distances.shape
        positions = np.zeros((n_frames, 2 * n_pairs, 3))
        positions[:, ::2, 1] = positions[:, 1::2, 1] = 12.0 * np.arange(n_pairs)
        positions[:, 1::2, 0] = distances
        lattice = np.diag([40.0, 12.0 * n_pairs + 12.0, 40.0])
        return in_memory(list(symbols) * n_pairs, lattice, positions, interval=interval)

    return make


@pytest.fixture
def telegraph():
    """Return a function: bonds that form and break at constant rates, as distances."""

    def make(form_fs, break_fs, n_frames, n_pairs, interval=2.0, seed=0, bonded=False):
        rng = np.random.default_rng(seed)
        state = np.full(n_pairs, bonded)
        states = np.empty((n_frames, n_pairs), dtype=bool)
        for k in range(n_frames):
            states[k] = state
            rate = np.where(state, 1 / break_fs, 1 / form_fs)
            state = state ^ (rng.random(n_pairs) < -np.expm1(-rate * interval))
        return np.where(states, 2.6, 5.0)

    return make


@pytest.fixture
def benchmark_of_verdicts():
    """Return the script that makes docs/verdicts.md, a module."""
    path = Path(__file__).parents[3] / "benchmarks" / "verdicts.py"
    spec = importlib.util.spec_from_file_location("benchmark_of_verdicts", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for it there
    spec.loader.exec_module(module)
    return module
