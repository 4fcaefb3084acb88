"""SevenNet's own convolutions are the slow sentence that the loops must repeat."""

from __future__ import annotations

from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.lj import LennardJones

from ionface.workflows.engines.ase import fused_convolution, potential
from ionface.workflows.engines.ase.fused_convolution import fuse
from ionface.workflows.engines.ase.named_potentials import pretrained

torch = pytest.importorskip("torch")
pytest.importorskip("numba")
if find_spec("sevenn") is None:
    pytest.skip("SevenNet is not installed", allow_module_level=True)
pytestmark = [pytest.mark.mlip, pytest.mark.filterwarnings("ignore")]

HIGH = "7x0e+3x1e+5x2e+2x3e"  # no number of channels fills whole registers


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def salt() -> Atoms:
    """Return rattled, strained LiCl: no force and no stress is zero by symmetry."""
    atoms = bulk("LiCl", "rocksalt", a=5.1, cubic=True)
    atoms.set_cell(atoms.cell @ (np.eye(3) + 0.03 * np.tri(3)), scale_atoms=True)
    atoms.rattle(0.2, seed=7)
    return atoms


def convolution(irreps_x: str, irreps_out: str):
    from e3nn.o3 import Irreps
    from sevenn.nn.convolution import IrrepsConvolution

    torch.manual_seed(5)
    return IrrepsConvolution(
        Irreps(irreps_x),
        Irreps("1x0e+1x1e+1x2e+1x3e"),
        Irreps(irreps_out),
        [4, 6],
        lazy_layer_instantiate=False,
    )


def values_and_slopes(module, n_atoms: int, ends):
    """Return what a convolution gives, and its derivatives by all that it is given."""
    torch.manual_seed(3)
    own = module.module if hasattr(module, "module") else module
    product = own.convolution
    shapes = [
        (n_atoms, product.irreps_in1.dim),
        (len(ends[0]), product.irreps_in2.dim),
        (len(ends[0]), 4),
    ]
    x, y, w = (torch.randn(shape, requires_grad=True) for shape in shapes)
    given = {
        own.key_x: x,
        own.key_filter: y,
        own.key_weight_input: w,
        own.key_edge_idx: torch.as_tensor(np.array(ends)),
    }
    out = module(given)[own.key_x]
    slope = torch.randn(out.shape)
    return out, *torch.autograd.grad((out * slope).sum(), (x, y, w))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("irreps_x", "irreps_out"),
    [("8x0e", HIGH), (HIGH, HIGH), (HIGH, "1x0e"), ("4x1e+4x1o", "1x0e+1x1o+1x1e")],
)
def test_values_and_slopes_are_those_of_e3nn(
    irreps_x, irreps_out, threads, monkeypatch
):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    own = convolution(irreps_x, irreps_out)
    # neither end in order, one atom without an edge, one pair with two
    ends = np.array([[3, 0, 0, 4, 1, 4, 0, 3, 3], [0, 1, 3, 4, 0, 0, 1, 1, 0]])
    expected = values_and_slopes(own, 6, ends)
    found = values_and_slopes(fused_convolution._fused(own), 6, ends)
    for mine, e3nns in zip(found, expected, strict=True):
        assert mine.shape == e3nns.shape
        assert torch.allclose(mine, e3nns, atol=1e-5 * e3nns.abs().max().item())


def test_slopes_of_slopes_are_refused_rather_than_wrong():
    fused = fused_convolution._fused(convolution(HIGH, HIGH))
    x = torch.randn(2, fused.module.convolution.irreps_in1.dim, requires_grad=True)
    given = {
        fused.module.key_x: x,
        fused.module.key_filter: torch.randn(1, 16),
        fused.module.key_weight_input: torch.randn(1, 4),
        fused.module.key_edge_idx: torch.tensor([[0], [1]]),
    }
    out = fused(given)[fused.module.key_x]
    (slope,) = torch.autograd.grad((out**2).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        (slope**2).sum().backward()


@pytest.mark.parametrize(
    "name",
    [
        "sevennet",
        pytest.param("sevennet-l3i5", marks=pytest.mark.slow),
        pytest.param("sevennet-mf", marks=pytest.mark.slow),
    ],
)
def test_energy_forces_and_stress_are_those_of_the_package(
    name, monkeypatch, two_threads
):
    fused = pretrained(name).potential.load()
    monkeypatch.setattr(potential, "fuse", lambda calculator: None)
    own = pretrained(name).potential.load()
    kinds = {type(module).__name__ for module in fused.model.children()}
    assert "FusedConvolution" in kinds
    assert "IrrepsConvolution" not in kinds
    for atoms in (salt(), Atoms("Li", cell=np.eye(3) * 20, pbc=True)):
        for calculator in (fused, own):
            calculator.calculate(atoms)
        assert fused.results["energy"] == pytest.approx(own.results["energy"], abs=1e-5)
        for key in ("forces", "stress", "energies"):
            assert fused.results[key] == pytest.approx(own.results[key], abs=2e-5)
    assert np.abs(own.results["forces"]).max() == 0  # of the atom that is alone


def test_forces_are_the_slope_of_the_energy():
    atoms = salt()
    atoms.calc = pretrained("sevennet").potential.load()
    along = np.random.default_rng(1).normal(size=(len(atoms), 3))
    expected = -np.sum(atoms.get_forces() * along)
    h = 0.01
    energies = []
    for sign in (-1, 1):
        moved = atoms.copy()
        moved.positions += sign * h * along
        moved.calc = atoms.calc
        energies.append(moved.get_potential_energy())
    assert np.diff(energies)[0] / (2 * h) == pytest.approx(expected, rel=0.01)


def test_what_cannot_be_fused_is_left_as_it_is(monkeypatch):
    fuse(LennardJones())
    other = SimpleNamespace(model=torch.nn.Linear(1, 1), device=torch.device("cpu"))
    before = str(other.model)
    fuse(other)
    assert str(other.model) == before

    monkeypatch.setattr(potential, "fuse", lambda calculator: None)
    calculator = pretrained("sevennet").potential.load()
    on_a_gpu = SimpleNamespace(model=calculator.model, device=torch.device("cuda"))
    fuse(on_a_gpu)
    monkeypatch.setattr(fused_convolution, "find_spec", lambda name: None)
    fuse(calculator)
    kinds = {type(module).__name__ for module in calculator.model.children()}
    assert "IrrepsConvolution" in kinds
    assert "FusedConvolution" not in kinds
