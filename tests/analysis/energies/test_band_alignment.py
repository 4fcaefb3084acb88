"""The potential line-up, on potentials whose offsets are known."""

import json
from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Locpot, Poscar

from ionface.analysis.energies.band_alignment import (
    BandAlignment,
    Side,
    band_alignment,
)
from ionface.analysis.energies.planar_potential import planar_potential
from ionface.errors import AnalysisError

HEIGHT, POINTS = 60.0, 1200
LOW, HIGH = 2.0, 2.5  # Å: distance of the planes below and above
LOWER, UPPER, VACUUM = -6.0, -9.0, 3.0  # eV: mean potential of each region


def written(folder, line, height, atoms):
    """Return the planar average of a LOCPOT that has been written and read."""
    folder.mkdir()
    cell = Lattice.orthorhombic(3, 3, height)
    structure = Structure(cell, ["Li"] * len(atoms), [[0, 0, z] for z in atoms])
    grid = np.broadcast_to(line, (2, 2, len(line))).copy()
    Locpot(Poscar(structure), {"total": grid}).write_file(folder / "LOCPOT")
    return planar_potential(folder)


def planes(z, spacing, mean):
    return mean + 4.0 * np.cos(2 * np.pi * z / spacing)


@pytest.fixture
def potentials(tmp_path):
    z = np.arange(POINTS) * HEIGHT / POINTS
    line = np.where(z < 20, planes(z, LOW, LOWER), planes(z - 20, HIGH, UPPER))
    line = np.where(z > 40, VACUUM, line)
    atoms = [*np.arange(0, 20, LOW), *np.arange(20, 40.1, HIGH)]
    interface = written(tmp_path / "both", line, HEIGHT, np.array(atoms) / HEIGHT)
    # a bulk run has a zero of its own
    bulks = [
        written(
            tmp_path / str(spacing),
            planes(np.arange(50) * spacing / 50, spacing, mean),
            spacing,
            [0.0],
        )
        for spacing, mean in ((LOW, 1.5), (HIGH, -0.5))
    ]
    return interface, bulks


def sides(bulks):
    return {
        "lower": Side((6.0, 14.0), LOW, bulks[0], valence=0.5, conduction=4.5),
        "upper": Side((25.0, 35.0), HIGH, bulks[1], valence=2.0, conduction=2.0),
    }


def test_both_sides_have_their_edges_against_the_vacuum(potentials):
    interface, bulks = potentials
    assert interface.vacuum == pytest.approx((VACUUM, VACUUM))
    found = band_alignment(interface, sides(bulks)).edges
    # 1 eV below and 3 eV above the mean of the lower side, which lies 9 eV below vacuum
    assert found["lower"].valence == pytest.approx(-1.0 - 9.0, abs=0.02)
    assert found["lower"].conduction == pytest.approx(3.0 - 9.0, abs=0.02)
    assert found["upper"].valence == pytest.approx(2.5 - 12.0, abs=0.02)
    assert found["upper"].valence == found["upper"].conduction
    assert max(edges.ripple for edges in found.values()) < 0.05


def test_offsets_do_not_hang_on_the_level(potentials):
    interface, bulks = potentials
    against = band_alignment(interface, sides(bulks)).edges
    closed = band_alignment(replace(interface, vacuum=None), sides(bulks)).edges
    offsets = [e["upper"].valence - e["lower"].valence for e in (against, closed)]
    assert offsets[0] == pytest.approx(offsets[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"interior": (50.0, 70.0)}, "must lie in the cell, which is 60.00 Å high"),
        ({"interior": (6.0, 7.0)}, r"hold one spacing of 2.00 Å at least; take planes"),
        (
            {"valence": 5.0},
            r"lower: valence=5 lies above conduction=4.5 eV; of a",
        ),
    ],
)
def test_sides_that_make_no_sense_are_refused(potentials, change, message):
    interface, bulks = potentials
    with pytest.raises(AnalysisError, match=message):
        band_alignment(interface, {"lower": replace(sides(bulks)["lower"], **change)})


def test_an_alignment_is_a_result(potentials, tmp_path):
    interface, bulks = potentials
    found = band_alignment(interface, sides(bulks))
    again = BandAlignment.from_dict(json.loads(json.dumps(found.as_dict())))
    assert again.edges == found.edges
    assert list(again.rows()) == list(found.rows())
    assert repr(again) == (
        "BandAlignment(lower -10.00 and -6.00 eV; upper -9.50 and -9.50 eV, against "
        "the vacuum)"
    )


def test_the_figure_tells_edges_of_both_sides(potentials):
    interface, bulks = potentials
    axes = band_alignment(interface, sides(bulks)).plot().axes[0]
    told = [text.get_text().replace("\N{MINUS SIGN}", "-") for text in axes.texts]
    assert told == ["-10.00 eV", "-6.00 eV", "-9.50 eV"]
    told = [text.get_text() for text in axes.get_legend().get_texts()]
    assert told[-2:] == ["lower, band edges", "upper, Fermi energy"]
    closed = band_alignment(replace(interface, vacuum=None), sides(bulks))
    assert "mean potential" in closed.plot().axes[0].get_ylabel()
