"""`ionface yardstick`: any engine beside any data, as table, JSON, CSV and figure."""

import csv
import json

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import write

from ionface.analysis.kinds import kinds
from ionface.analysis.yardstick.yardstick import Yardstick

EMT_PATH = "ase.calculators.emt.EMT"


@pytest.fixture
def data(tmp_path):
    """Rattled silver and copper, labeled by EMT: for EMT there is no error."""
    images = []
    for symbol in ("Ag", "Cu"):
        for seed in (1, 2):
            atoms = bulk(symbol, cubic=True)
            atoms.rattle(0.1, seed=seed)
            atoms.calc = EMT()
            atoms.get_forces()
            atoms.info["group"] = symbol
            images.append(atoms)
    path = tmp_path / "emt.extxyz"
    write(path, images)
    return path


def test_an_engine_is_judged_by_a_users_data(cli, data, tmp_path):
    done = cli("yardstick", EMT_PATH, "--data", data, "--json")
    assert done.returncode == 0, done.stderr
    found = Yardstick.from_dict(json.loads(done.stdout))
    (one,) = found.judgements
    assert one.overall.rmse < 1e-6
    assert one.overall.slope == pytest.approx(1, abs=1e-6)
    assert [row.kind for row in one.forces] == ["all", "Ag", "Cu"]
    assert len(one.energies) == 2
    assert one.level["code"] == "ase"
    for suffix in (".json", ".csv", ".png"):
        assert (tmp_path / f"yardstick{suffix}").stat().st_size > 100


def test_engines_stand_beside_one_another(cli, data, tmp_path):
    other = "ase.calculators.lj.LennardJones"
    done = cli("yardstick", EMT_PATH, other, "--data", data, "--out", "a.json")
    assert done.returncode == 0, done.stderr
    assert EMT_PATH in done.stdout
    assert "By kind" in done.stdout
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert {row["engine"] for row in rows} == {EMT_PATH, other}


def test_the_figure_shows_error_and_slope_of_each_engine(cli, data, tmp_path):
    cli("yardstick", EMT_PATH, "--data", data)
    result = Yardstick.from_dict(json.loads((tmp_path / "yardstick.json").read_text()))
    (axes,) = [axes for axes in result.plot().axes if axes.get_visible()]
    assert axes.get_title(loc="left") == EMT_PATH
    assert "slope 1.000" in axes.texts[0].get_text()
    assert len(axes.collections) == 2
    assert kinds()["yardstick"].contents(result)[0].header[0] == "engine"


def test_what_an_engine_was_not_made_for_is_said_before_it_computes(cli):
    done = cli("yardstick", EMT_PATH)  # the stored structures have lithium
    assert done.returncode == 1
    assert "'emt' was not made for In" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sevenet"], "did you mean 'sevennet'"),
        ([EMT_PATH, "--data", "nowhere.extxyz"], "nowhere.extxyz does not exist"),
        ([EMT_PATH, "--out", "a.png"], "names the JSON file"),
    ],
)
def test_mistakes_are_one_sentence(cli, words, said):
    done = cli("yardstick", *words)
    assert done.returncode == 1
    assert said in done.stderr


def test_data_of_two_functionals_are_told_apart(cli, data, tmp_path):
    text = data.read_text()
    first, second = text.replace("group=", "functional=PBE group=", 1), "r2SCAN"
    head, _, tail = first.rpartition("group=")
    data.write_text(f"{head}functional={second} group={tail}")
    done = cli("yardstick", EMT_PATH, "--data", data)
    told = " ".join(done.stderr.split())
    assert "the data mix functionals: PBE (emt-1), unknown (emt-2), r2SCAN" in told


def test_labels_of_a_stand_in_for_vasp_are_marked(cli, data):
    data.write_text(data.read_text().replace("group=", "emulated=T group="))
    done = cli("yardstick", EMT_PATH, "--data", data, "--json")
    found = Yardstick.from_dict(json.loads(done.stdout))
    assert found.provenance.emulated


@pytest.mark.slow
def test_an_engine_that_runs_jobs_is_asked_for_forces_too(tmp_path, double):
    """The stand-in for VASP on EMT gives what EMT gives, in the order of the input."""
    from ionface.workflows.engines.single_points import single_points

    atoms = bulk("Ag", cubic=True)
    atoms.symbols[[0, 2]] = "Al"  # POSCAR sorts species
    atoms.rattle(0.1, seed=1)
    (point,) = single_points(double(), [atoms], tmp_path / "jobs")
    atoms.calc = EMT()
    np.testing.assert_allclose(point.forces, atoms.get_forces(), atol=1e-4)
