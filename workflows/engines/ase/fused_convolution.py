"""SevenNet's convolutions by compiled loops on a CPU: the same numbers, sooner.

SevenNet leaves room for fused convolutions and ships three of them, all for GPUs. On a
CPU its arrays over all edges, a gigabyte for some hundred atoms, are read from memory
again and again: four fifths of a step. `fuse` puts the loops of `convolution_kernel` in
their place. They know first derivatives alone, forces and stress, and so are no use in
training; where numba is missing, or on a GPU, nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ionface.workflows.engines.ase.convolution_kernel import Edges, Paths


def fuse(calculator: Any) -> None:
    """Replace the convolutions of SevenNet's calculator, where that makes it faster.

    Args:
        calculator: of ASE; one of another kind is left as it is.
    """
    model: Any = getattr(calculator, "model", None)
    if not type(model).__module__.startswith("sevenn."):
        return
    if calculator.device.type != "cpu" or find_spec("numba") is None:
        return
    from sevenn.nn.convolution import IrrepsConvolution

    for name, module in list(model._modules.items()):
        if type(module) is IrrepsConvolution and not module.is_parallel:
            model._modules[name] = _fused(module)


def _fused(module: Any) -> Any:
    """Return the module with compiled loops in the place of its own."""
    import torch
    from torch.autograd.function import once_differentiable

    from ionface.workflows.engines.ase.convolution_kernel import gather, scatter

    paths, channels_last, channels_first, n_out = _paths(module.convolution)

    class Convolve(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any, w: Any, ends: Any) -> Any:
            ctx.ends = ends
            ctx.save_for_backward(x, y, w)
            out = x.new_zeros(len(x), n_out)
            given = (x.numpy(), y.numpy(), w.numpy(), out.numpy())
            edges = _edges(ends[0], ends[1], len(x))
            _in_threads(gather, edges, paths, *given)
            return out

        @staticmethod
        @once_differentiable
        def backward(ctx: Any, slope: Any) -> Any:
            given = ctx.saved_tensors
            slopes = tuple(torch.zeros_like(each) for each in given)
            edges = _edges(ctx.ends[1], ctx.ends[0], len(given[0]))
            _in_threads(
                scatter,
                edges,
                paths,
                *(each.detach().numpy() for each in given),
                slope.contiguous().numpy(),
                tuple(each.numpy() for each in slopes),
            )
            return *slopes, None

    class FusedConvolution(torch.nn.Module):
        """SevenNet's IrrepsConvolution, which it holds and stands for."""

        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, data: Any) -> Any:
            w = module.weight_nn(data[module.key_weight_input])
            x = data[module.key_x][:, channels_last].contiguous()
            y = data[module.key_filter].contiguous()
            out = Convolve.apply(
                x, y, w.contiguous(), data[module.key_edge_idx].numpy()
            )
            data[module.key_x] = out[:, channels_first].div(module.denominator)
            return data

    return FusedConvolution()


def _paths(product: Any) -> tuple[Paths, Any, Any, int]:
    """Return the paths of e3nn's tensor product, and how features are to be ordered.

    Returns:
        paths: with channels last in each l.
        channels_last: from e3nn's order of the input, indices.
        channels_first: back to e3nn's order of the output, indices.
        n_out: features of the output.
    """
    import torch
    from e3nn.o3 import wigner_3j

    from ionface.workflows.engines.ase.convolution_kernel import Paths

    x, y, out = product.irreps_in1, product.irreps_in2, product.irreps_out
    starts = [[part.start for part in irreps.slices()] for irreps in (x, y, out)]
    table, coefficients, indices, first = [], [], [], [0]
    n_weights = 0
    for path in product.instructions:
        (mul, l1), (_, l2), (_, l3) = x[path.i_in1], y[path.i_in2], out[path.i_out]
        places = zip(starts, (path.i_in1, path.i_in2, path.i_out), strict=True)
        table.append(
            (mul, *(start[i] for start, i in places), n_weights, l1.dim, l2.dim, l3.dim)
        )
        n_weights += mul
        c = path.path_weight * wigner_3j(l1.l, l2.l, l3.l, dtype=torch.float64).numpy()
        there = np.argwhere(np.abs(c) > 1e-12)
        indices.append(there)
        coefficients.append(c[tuple(there.T)])
        first.append(first[-1] + len(there))
    dtype = torch.empty(0, dtype=torch.get_default_dtype()).numpy().dtype
    return (
        Paths(
            np.array(table, dtype=np.int64),
            np.concatenate(coefficients).astype(dtype),
            np.concatenate(indices).astype(np.int64),
            np.array(first, dtype=np.int64),
        ),
        torch.as_tensor(_transposed(x)),
        torch.argsort(torch.as_tensor(_transposed(out))),
        out.dim,
    )


def _transposed(irreps: Any) -> Any:
    """Return the indices that put channels behind components in each part."""
    parts = [
        part.start + np.arange(mul * kind.dim).reshape(mul, kind.dim).T.ravel()
        for part, (mul, kind) in zip(irreps.slices(), irreps, strict=True)
    ]
    return np.concatenate(parts)


def _edges(here: Any, there: Any, n_atoms: int) -> Edges:
    """Return the edges in the order of one of their ends."""
    from ionface.workflows.engines.ase.convolution_kernel import Edges

    order = np.argsort(here, kind="stable")
    starts = np.searchsorted(here[order], np.arange(n_atoms + 1))
    return Edges(starts, order, there[order])


def _in_threads(loop: Callable[..., None], edges: Edges, *given: Any) -> None:
    """Share the atoms among as many threads as torch uses, by their edges."""
    import torch

    n_threads = torch.get_num_threads()
    goals = np.linspace(0, edges.starts[-1], n_threads + 1)[1:-1]
    inner = np.searchsorted(edges.starts, goals)
    limits = [0, *inner.tolist(), len(edges.starts) - 1]
    if n_threads == 1:
        loop(*limits, edges, *given)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(lambda part: loop(*part, edges, *given), pairwise(limits)))
