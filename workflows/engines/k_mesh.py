"""One rule for every mesh of k-points: n_i = ceil(|b_i| / spacing), centered on Γ.

All terms of one ledger take the mesh of the interface's cell, with one point along the
normal, so that its error cancels; energies on different meshes are never combined.
"""

from __future__ import annotations

import numpy as np

from ionface.structures.ledger_cell import CellContext

ROUNDING = 1e-6  # a cell relaxed by nothing must not gain a k-point


def mesh(cell: CellContext, spacing: float | None) -> tuple[int, int, int]:
    """Return the divisions along the three reciprocal vectors.

    Args:
        cell: whose cell; one division along the normal of a slab or an interface, one
            in all directions where vacuum is on all sides.
        spacing: largest distance between points, Å⁻¹, 2π included as in VASP's
            KSPACING; None for Γ alone.
    """
    if spacing is None or cell.isolated:
        return (1, 1, 1)
    lengths = np.linalg.norm(2 * np.pi * np.linalg.inv(cell.cell), axis=0)  # (3,) Å⁻¹
    n = [max(1, int(np.ceil(length / spacing - ROUNDING))) for length in lengths]
    return (n[0], n[1], 1 if cell.slab else n[2])


def irreducible(divisions: tuple[int, int, int]) -> int:
    """Return the number of k-points left by time reversal alone (ISYM = 0)."""
    total = int(np.prod(divisions))
    own_images = int(np.prod([2 if n % 2 == 0 else 1 for n in divisions]))
    return (total + own_images) // 2
