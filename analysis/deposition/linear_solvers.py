"""Solvers of the systems of u and ψ: LU factors, or multigrid on large meshes."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres, splu

from ionface.analysis.deposition.stability import FloatArray
from ionface.errors import AnalysisError

LARGE = 25_000
"""Unknowns, 110 x 110 elements, from which multigrid is the quicker one; at twice as
many columns and rows it takes half the time (benchmarks/results/deposition.md)."""

REMAINS = 1e-6
"""Part of a load that GMRES may leave. Newton's next step takes it up."""


def solved(matrix: Any, load: FloatArray, solver: str | None = None) -> FloatArray:
    """Return x of matrix x = load.

    Args:
        matrix: sparse, of the salt's rows and columns and then of the charge's.
        load: shape (2 nodes,).
        solver: "direct" or "iterative"; by size if None.

    Raises:
        AnalysisError: pyamg is not installed, for a large mesh.
    """
    if solver is None:
        solver = "direct" if len(load) < LARGE else "iterative"
    found = _by_multigrid(matrix, load) if solver == "iterative" else None
    return _by_factors(matrix, load) if found is None else found


def _by_factors(matrix: Any, load: FloatArray) -> FloatArray:
    """Factor with an order for a pattern that is symmetric: half the time."""
    options = {"SymmetricMode": True}
    factors = splu(
        matrix.tocsc(), "MMD_AT_PLUS_A", diag_pivot_thresh=0.01, options=options
    )
    return np.asarray(factors.solve(load))


def _by_multigrid(matrix: Any, load: FloatArray) -> FloatArray | None:
    """Solve by GMRES; None if it does not converge.

    The charge follows the salt nearly everywhere, but not the salt the charge: a sweep
    of multigrid for the salt, then one for the charge, is close to the inverse on
    every mesh.
    """
    amg = _require_pyamg()
    rows, half = matrix.tocsr(), len(load) // 2
    salt, charge = rows[:half, :half], rows[half:, half:]
    coupling = rows[half:, :half]
    cycles = [
        amg.ruge_stuben_solver(block).aspreconditioner() for block in (salt, charge)
    ]

    def near(residual: FloatArray) -> FloatArray:
        du = cycles[0] @ residual[:half]
        return np.concatenate([du, cycles[1] @ (residual[half:] - coupling @ du)])

    inverse = LinearOperator(rows.shape, near)
    found, failed = gmres(rows, load, M=inverse, rtol=REMAINS, restart=60, maxiter=3)
    return None if failed else np.asarray(found)


def _require_pyamg() -> Any:
    try:
        import pyamg
    except ImportError as error:
        raise AnalysisError(
            "a deposition on more than 110 x 110 elements needs pyamg, which is not "
            "installed; install it with pip install 'ionface[deposition]', or give "
            "fewer columns and rows"
        ) from error
    return pyamg
