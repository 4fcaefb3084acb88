"""What users import: every name is there, says what it is, and its examples run."""

import doctest
import inspect
import subprocess
import sys

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

import ionface
from ionface.workflows.engines.contract import DynamicsSettings, RelaxSettings

EMT_PATH = "ase.calculators.emt.EMT"
NAMES = [name for name in ionface.__all__ if not name.startswith("_")]


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_there_and_explains_itself(name):
    value = getattr(ionface, name)
    assert len(inspect.getdoc(value) or "") > 60
    assert name in dir(ionface)


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_public_name_run(name):
    value = getattr(ionface, name)
    module = inspect.getmodule(value)
    finder = doctest.DocTestFinder(recurse=False)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for example in finder.find(value, name, module=module):
        runner.run(example)
    assert runner.tries
    assert runner.summarize(verbose=False).failed == 0


def test_the_package_s_own_example_runs():
    assert doctest.testmod(ionface).failed == 0


def test_importing_ionface_imports_nothing_else():
    code = "import sys, ionface; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"numpy", "pymatgen", "jobflow"} & set(run.stdout.split())


def test_a_name_that_is_not_there_is_told():
    with pytest.raises(AttributeError, match="no attribute 'rfd'"):
        ionface.rfd  # noqa: B018


def test_a_user_s_own_module_named_like_a_room_is_no_obstacle(tmp_path):
    (tmp_path / "analysis.py").write_text("raise RuntimeError('the wrong one')")
    code = "import ionface; print(ionface.open_trajectory.__name__)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert run.stdout == "open_trajectory\n", run.stderr


def test_the_version_is_the_distribution_s():
    assert ionface.__version__.count(".") == 2


def wrong(**layer):
    layers = [ionface.CrystalLayer("Al", (1, 0, 0), **layer) for _ in range(2)]
    return ionface.InterfaceSpec("Al|Al", *layers)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: ionface.build_interface("lpscl-in"),
            "takes an InterfaceSpec, got 'lp",
        ),
        (lambda: ionface.build_interface(wrong(layers=[3])), r"film.*layers: .*\[3\]"),
        (lambda: ionface.matches("Al", "Ag"), "film is 'Al'; give a layer, as in"),
        (
            lambda: ionface.terminations("Li", "100"),
            r"miller \('1', '0', '0'\): a facet",
        ),
        (lambda: ionface.rdf(3, ["In-S"]), r"give paths, ASE Atoms, .*got \['int'\]"),
        (lambda: ionface.formation_energy(-9, -6, 2), "e_slabs names its slabs, as in"),
        (lambda: ionface.engine(3), "3 is no engine; give a name, as 'sevennet'"),
        (lambda: ionface.InterfaceFormationMaker(EMT()), "EMT.* is no engine; give a"),
        (
            lambda: ionface.InterfaceFormationMaker("sevennet", slabs="loose"),
            "slabs='loose' must be one of",
        ),
        (lambda: RelaxSettings(fmax=-1), "RelaxSettings: fmax=-1 must be a number abo"),
        (lambda: DynamicsSettings(steps=-5), "steps=-5 must be a number above -1"),
        (lambda: DynamicsSettings(timestep="2"), "timestep='2' must be a number above"),
        (lambda: ionface.load_study(3), "the path of a YAML file, not 3"),
        (lambda: ionface.run("lpscl-in", "p", workers=0), "workers=0 must be at least"),
        (lambda: ionface.study_flow("lpscl-in"), "takes a study as load_study.*'lpscl"),
        (lambda: ionface.CrystalLayer(3, (1, 0, 0)), "3 is no material: give a name"),
        (
            lambda: ionface.InterfaceFormationMaker("ase.calculators.emt.EMT").make(3),
            "a model is an InterfaceSpec, what build_interface returns, .*got 3",
        ),
        (
            lambda: ionface.InterfaceFormationMaker(EMT_PATH).make(bulk("Al")),
            "got 'Al1'; InterfaceModel.from_structure makes a model of a structure",
        ),
        (
            lambda: ionface.InterfaceFormationMaker(EMT_PATH, relax={"fmax": 0.1}),
            r"relax={'fmax': 0.1} must be RelaxSettings, as in relax=RelaxSettings\(",
        ),
        (
            lambda: ionface.InterfaceDynamicsMaker(EMT_PATH, settings={"steps": 9}),
            "settings={'steps': 9} must be DynamicsSettings, as in settings=Dynamics",
        ),
        (
            lambda: ionface.InterfaceDynamicsMaker(EMT_PATH, prerelax={"steps": 9}),
            "prerelax={'steps': 9} must be RelaxSettings",
        ),
        (
            lambda: ionface.InterfaceModel.from_structure("Al"),
            "'Al' is neither a pymatgen Structure nor ASE Atoms",
        ),
        (
            lambda: ionface.open_trajectory(
                np.zeros((2, 2, 3)), species=["13", "Li"], lattice=np.eye(3)
            ),
            "species has '13', which is no chemical element; give a symbol, as 'Li'",
        ),
    ],
)
def test_what_is_of_another_type_is_told_in_a_sentence(call, said):
    with pytest.raises(ionface.IonfaceError, match=said):
        call()


def test_a_mapping_in_place_of_a_layer_is_read_as_in_a_study():
    layer = {"material": "Al", "miller": [1, 0, 0], "layers": 2}
    spec = ionface.InterfaceSpec("Al|Al", {**layer, "name": "film"}, layer)
    assert ionface.build_interface(spec).film_phase == "film"
    flow = ionface.InterfaceFormationMaker("ase.calculators.emt.EMT").make(spec)
    names = {job.name for job, _ in flow.iterflow()}
    assert "film relax bulk" in names
    assert "Al|Al close gap" in names
