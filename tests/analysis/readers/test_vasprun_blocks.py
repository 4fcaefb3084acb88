"""The fast reading of vasprun.xml against XML, the slow sentence that it replaces."""

import numpy as np
import pytest

from ionface.analysis.readers.chunks import to_cartesian
from ionface.analysis.readers.vasprun import VasprunStream
from ionface.analysis.readers.vasprun_blocks import ENERGIES, extrapolated

FILES = (
    "sisl-files/tests/vasp/graphene_md/vasprun.xml",
    "pymatgen-core/test-files/io/vasp/outputs/vasprun.bad_random_seed.xml.gz",
    "pymatgen-core/test-files/io/vasp/outputs/vasprun.md.xml.gz",
    "pymatgen-core/test-files/io/vasp/outputs/vasprun.unconverged.xml.gz",
    "pymatgen-core/test-files/io/vasp/fixtures/relaxation/vasprun.xml.gz",
    "custodian/tests/files/bad_vasprun/vasprun.xml",
    "pyiron/tests/static/vasp_test_files/vasprun_samples/vasprun_9.xml",
)


def compare(path):
    """Assert that both readings give the same bits; return the sizes of the chunks."""
    slow, fast = VasprunStream(path), VasprunStream(path)
    steps, chunks = list(slow.steps()), list(fast.chunks())
    assert fast.reason == slow.reason
    assert sum(map(len, chunks)) == len(steps)
    found = np.concatenate([chunk.positions for chunk in chunks])
    for step, positions in zip(steps, found, strict=True):
        right = to_cartesian(step.fractional[None], step.lattice[None])[0]
        np.testing.assert_array_equal(positions, right)
    for ours, theirs in ENERGIES.items():
        energies = np.concatenate([chunk.scalars[ours] for chunk in chunks])
        right = [step.energies.get(theirs, np.nan) for step in steps]
        np.testing.assert_array_equal(energies, right)
    return [len(chunk) for chunk in chunks]


@pytest.mark.parametrize("name", FILES)
def test_real_files_give_the_same_bits_both_ways(realdata, name):
    sizes = compare(realdata / name)
    assert len(sizes) == 1  # all of them together: no step needed the slow way


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.25000000 </v>", "0.2500000 </v>"),  # other decimals in the forces
        ('<i name="kinetic">', '<i name="kinetic" >'),
        ("-20.25000000 </i>", "********** </i>"),
        ("  <energy>\n", "  <energy >\n"),
        ("  <structure>\n", "  <structure >\n"),
        (" <calculation>\n", " <!-- odd --> <calculation>\n"),
    ],
)
def test_what_vasp_would_not_print_is_read_the_slow_way(tmp_path, make_run, old, new):
    path = tmp_path / "vasprun.xml"
    text = make_run(5).vasprun()
    assert old in text
    path.write_text(text.replace(old, new))
    assert sum(compare(path)) == 5


def test_one_odd_step_leaves_the_others_to_the_fast_way(tmp_path, make_run):
    path = tmp_path / "vasprun.xml"
    run = make_run(9)
    odd = run.step(4).replace("<structure>", "<structure >")
    path.write_text(run.vasprun().replace(run.step(4), odd))
    assert compare(path) == [4, 1, 4]


def test_the_extrapolated_energy_is_mended_from_the_electrons(tmp_path, run):
    path = tmp_path / "vasprun.xml"
    path.write_text(run.vasprun())
    (chunk,) = VasprunStream(path).chunks()
    expected = chunk.scalars["potential_energy"] + 0.5
    np.testing.assert_allclose(chunk.scalars["e_0_energy"], expected)


def test_energies_that_lack_their_partners_stay_as_they_are():
    assert extrapolated({"e_0_energy": 1.0}, {"e_0_energy": 2.0}) == {"e_0_energy": 1.0}
