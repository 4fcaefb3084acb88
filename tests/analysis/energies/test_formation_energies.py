import json

import numpy as np
import pytest

from ionface.analysis.energies.formation_energies import (
    FormationEnergies,
    PublishedEnergy,
)
from ionface.analysis.energies.formation_energy import FormationEnergy
from ionface.analysis.energies.ledger import LedgerEntry
from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.report.tables import energy_contents


def entry(name="LAGP|Li", sigma=-1.2, *, emulated=False, quick=False):
    """Return an entry of 1 eV·Å⁻² = 16.02 J/m², on an area that gives sigma."""
    level = LevelOfTheory("vasp", "6.4.3", "PBE", emulated=emulated)
    energy = FormationEnergy(sigma / 16.02176634 * 100, {"LAGP": 0.0}, 100.0, 1)
    return LedgerEntry(
        name, energy, level, "relaxed", None, ("checked",), {"Li": "x"}, quick
    )


def energies(*entries, **published):
    return FormationEnergies.of(tuple(entries), published)


def test_the_spread_is_that_of_the_members_alone():
    values = {"A|B #1": -1.0, "A|B #2": -1.4, "A|B #3": -1.2, "C|D": -9.0, "E #1": 0.0}
    (spread,) = energies(*(entry(k, v) for k, v in values.items())).spreads
    assert (spread.name, spread.members) == ("A|B", 3)
    assert spread.mean == pytest.approx(-1.2)
    assert spread.standard_deviation == pytest.approx(np.std([-1, -1.4, -1.2], ddof=1))
    assert (spread.lowest, spread.highest) == pytest.approx((-1.4, -1.0))


def test_energies_come_back_from_their_file(tmp_path):
    paper = PublishedEnergy("LAGP|Li", -1.138, "Table S2", slabs={"LAGP": -1.0})
    mine = energies(entry(), entry("x", 0.1, quick=True), **{"LAGP|Li": paper})
    data = json.loads(mine.write(tmp_path / "energies.json").read_text())
    assert FormationEnergies.from_dict(data) == mine
    assert data["interfaces"][0]["sigma_j_per_m2"] == pytest.approx(-1.2)
    assert data["quick"] is True


def test_one_emulated_entry_makes_all_of_them_emulated():
    assert energies(entry(), entry("x", emulated=True)).provenance.emulated
    assert not energies(entry()).provenance.emulated


def test_the_table_has_the_published_value_beside_ours(tmp_path):
    paper = PublishedEnergy("LAGP|Li", -1.138, "Table S2")
    lines = energies(entry(), **{"LAGP|Li": paper}).to_csv(tmp_path / "e.csv")
    header, row = lines.read_text().splitlines()
    assert header.split(",")[7] == "published (J/m²)"
    assert row.split(",")[7] == "-1.138"


def test_what_follows_from_a_published_line_stands_in_it():
    slabs = {"LAGP": -1095.33, "Li": -100.63}
    paper = PublishedEnergy("LAGP|Li", -1.138, "S2", -1208.11, slabs, 171.11)
    table, *_ = energy_contents(energies(entry(), **{"LAGP|Li": paper}))
    assert table.rows[1][3:6] == ["-12.15", "171.11", "-0.0710"]
    bare = PublishedEnergy("LAGP|Li", -1.138, "S2", area=171.11)
    table, *_ = energy_contents(energies(entry(), **{"LAGP|Li": bare}))
    assert table.rows[1][3:6] == [None, "171.11", None]


def test_the_error_is_how_far_several_engines_are_apart(tmp_path):
    mine = energies(entry(), entry("LAGP|Li (chgnet)", -1.5), entry("A|B (note)", 9.0))
    spread = mine.engine_spreads["LAGP|Li"]
    assert list(mine.engine_spreads) == ["LAGP|Li"]  # the note is no engine
    assert spread.energies_j_per_m2 == pytest.approx((-1.2, -1.5))
    assert spread.error_j_per_m2 == pytest.approx(0.3 / np.sqrt(2))
    data = json.loads(mine.write(tmp_path / "energies.json").read_text())
    first, second, _ = data["interfaces"]
    assert first["sigma_error_j_per_m2"] == pytest.approx(spread.error_j_per_m2)
    assert "sigma_error_j_per_m2" not in second
    assert FormationEnergies.from_dict(data) == mine


def test_the_table_and_the_figure_show_that_error():
    mine = energies(entry(), entry("LAGP|Li (chgnet)", -1.5))
    table, engines, *_ = energy_contents(mine)
    assert table.rows[0][6] == "-1.200 ± 0.212"
    assert table.rows[1][6] == "-1.500"
    assert [row[2] for row in engines.rows] == ["-1.200", "-1.500"]
    (axes,) = mine.plot().axes
    (bar,) = axes.collections
    left, right = bar.get_segments()[0][:, 0]
    assert (left, right) == pytest.approx((-1.412, -0.988), abs=1e-3)
