"""Learning: judged by what was kept back, kept by its hash, refused where worse.

The potential is a toy whose one weight is the depth of its well; trainers stand in for
SevenNet's. One slow test trains SevenNet itself.
"""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk

from ionface.analysis.yardstick.labeled_frames import LabeledFrame, stored, write_frames
from ionface.errors import IonfaceError
from ionface.workflows import learn as learning
from ionface.workflows.engines.ase import learned as kept
from ionface.workflows.engines.ase.ase_engine import AseEngine
from ionface.workflows.engines.ase.named_potentials import facts_of_level
from ionface.workflows.engines.ase.potential import Potential
from ionface.workflows.engines.ase.sevennet_training import TrainingSettings, train
from ionface.workflows.engines.registry import engine
from ionface.workflows.learn import Learning, frames_to_learn_from, learn

TOY = """\
import json
from pathlib import Path

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.neighborlist import neighbor_list

class Toy(Calculator):
    implemented_properties = ["energy", "forces"]

    def __init__(self, model):
        super().__init__()
        self.depth = json.loads(Path(model).read_text())

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        i, d, vectors = neighbor_list("idD", atoms, 4.0)
        pull = self.depth * (1 - d / 4.0)
        forces = np.zeros((len(atoms), 3))
        np.add.at(forces, i, -(pull / d)[:, None] * vectors)
        self.results = {"energy": float((pull * (1 - d / 4)).sum()), "forces": forces}
"""
TRUE, FALSE = 1.0, 0.8
FEW = Learning(replayed=3)


@pytest.fixture
def labels(tmp_path, monkeypatch):
    """Energy and forces of a toy of some depth."""
    (tmp_path / "toy_potential.py").write_text(TOY)
    monkeypatch.syspath_prepend(tmp_path)

    def of(atoms, depth):
        from toy_potential import Toy

        path = tmp_path / f"{depth}.json"
        path.write_text(json.dumps(depth))
        atoms.calc = Toy(path)
        return atoms.get_potential_energy(), atoms.get_forces()

    yield of
    sys.modules.pop("toy_potential", None)


@pytest.fixture
def frames(labels):
    found = []
    for n, symbol in enumerate(["Ag"] * 6 + ["Cu"] * 6):
        atoms = bulk(symbol, cubic=True)
        atoms.rattle(0.08, seed=n)
        energy, forces = labels(atoms, TRUE)
        found.append(
            LabeledFrame(
                f"{symbol} {n}", symbol, tuple(atoms.get_chemical_symbols()),
                atoms.cell.array, atoms.positions, energy, forces,
                {"functional": "PBE", "cutoff_ev": 500, "code": "x"},
            )
        )  # fmt: skip
    return found


@pytest.fixture
def toy(tmp_path, monkeypatch, labels):
    """SevenNet-0 is a toy that is too soft by a fifth."""
    monkeypatch.setenv("IONFACE_LEARNED", str(tmp_path / "kept"))
    weights = tmp_path / "toy.json"
    weights.write_text(json.dumps(FALSE))
    made = AseEngine(
        Potential(
            "sevennet", "toy_potential.Toy", {"model": str(weights)},
            "PBE (raw)", "toy", str(weights),
        )
    )  # fmt: skip
    monkeypatch.setattr(learning, "trainable", lambda _: made)
    return made


def trainer(depth, seen=None):
    def stand_in(checkpoint, training, validation, settings, folder):
        if seen is not None:
            seen.update(training=training, validation=validation)
        path = folder / "new.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(depth))
        return path

    return stand_in


def test_what_is_better_on_frames_kept_back_is_an_engine(toy, frames, tmp_path):
    seen = {}
    found = learn(frames, Learning(), tmp_path / "t", trainer=trainer(TRUE, seen))
    before, after = found.held_out.judgements
    assert before.overall.slope == pytest.approx(FALSE)
    assert after.overall.rmse < 1e-9
    assert after.engine == found.engine
    assert found.refusals == ()
    level = engine(found.engine).level_of_theory()
    assert level.weights.startswith(found.engine.removeprefix("learned/"))
    assert facts_of_level(level.as_dict()).scale == "raw PBE"
    kept_back = {one.name for one in seen["validation"]}
    assert kept_back
    assert not kept_back & {one.name for one in seen["training"]}


@pytest.mark.slow
def test_other_chemistry_is_replayed_with_the_potentials_own_labels(
    toy, frames, labels, tmp_path
):
    seen = {}
    found = learn(frames, Learning(), tmp_path / "t", trainer=trainer(TRUE, seen))
    replayed = [one for one in seen["training"] if one.group == "replay"]
    assert 8 <= len(replayed) <= 12
    for one in replayed:
        np.testing.assert_allclose(one.forces, labels(one.atoms(), FALSE)[1], atol=1e-9)
        assert np.abs(one.forces).max() > 1e-3  # a crystal at rest teaches nothing
    assert found.decay > 0  # this trainer moved it as far as everything else
    same = learn(frames, Learning(), tmp_path / "s", trainer=trainer(FALSE))
    assert same.decay == pytest.approx(0, abs=1e-9)


def resumed(depth):
    """Return a trainer that goes on with what is in its folder, as SevenNet's."""

    def stand_in(checkpoint, training, validation, settings, folder):
        done = folder / "new.json"
        return done if done.is_file() else trainer(depth)(0, 0, 0, 0, folder)

    return stand_in


@pytest.mark.parametrize(
    "other",
    [
        lambda frames: (frames[:-1], FEW),
        lambda frames: ([replace(frames[0], energy=0.0), *frames[1:]], FEW),
        lambda frames: (frames, replace(FEW, replayed=4)),
        lambda frames: (frames, replace(FEW, training=TrainingSettings(epochs=5))),
    ],
)
def test_other_data_start_anew_and_the_same_go_on(toy, frames, tmp_path, other):
    first = learn(frames, FEW, tmp_path / "t", trainer=resumed(TRUE))
    told = kept.record_of(first.engine)
    second = learn(*other(frames), tmp_path / "t", trainer=resumed(0.9))
    assert second.engine != first.engine
    assert kept.record_of(first.engine) == told
    again = learn(frames[::-1], FEW, tmp_path / "t", trainer=resumed(0.5))
    assert again.engine == first.engine


def test_another_base_starts_anew(toy, frames, tmp_path, monkeypatch):
    first = learn(frames, FEW, tmp_path / "t", trainer=resumed(TRUE))
    path = tmp_path / "other.json"
    path.write_text("0.7")
    told = {"arguments": {"model": str(path)}, "weights": str(path)}
    other = replace(toy, potential=replace(toy.potential, **told))
    monkeypatch.setattr(learning, "trainable", lambda _: other)
    second = learn(frames, FEW, tmp_path / "t", trainer=resumed(0.9))
    assert second.engine != first.engine


def test_crystals_of_a_user_are_kept_back_as_all_else(toy, frames, tmp_path):
    mine = [replace(one, group="crystal") for one in frames]
    found = learn(mine, FEW, tmp_path / "t", trainer=trainer(TRUE))
    record = kept.record_of(found.engine)
    assert record["training"].keys() == {"crystal (yours)"}
    assert found.held_out.judgements[0].overall.frames == len(record["held_out"]) > 0


def test_data_that_leave_none_to_judge_by_are_refused_first(toy, tmp_path):
    seen = {}
    crystals = [one for one in stored() if one.group == "crystal"]
    with pytest.raises(IonfaceError, match="of 17 structures 0 are snapshots"):
        learn(crystals, FEW, tmp_path / "t", trainer=trainer(TRUE, seen))
    assert not seen


def test_other_chemistry_that_was_forgotten_is_a_reason_against(
    toy, frames, labels, tmp_path
):
    deep = []
    for one in frames:
        energy, forces = labels(one.atoms(), 3.0)
        deep.append(replace(one, energy=energy, forces=forces))
    found = learn(deep, FEW, tmp_path / "t", trainer=trainer(3.0))
    assert found.decay > learning.GOOD_FORCES
    (why,) = found.refusals
    assert why.startswith(f"forces of other chemistry moved by {found.decay:.3f} eV/Å")
    assert kept.record_of(found.engine)["refusals"] == [why]


def test_without_other_chemistry_nothing_is_said_of_it(toy, frames, tmp_path):
    none = replace(FEW, replayed=0)
    found = learn(frames, none, tmp_path / "t", trainer=trainer(TRUE))
    assert found.decay is None
    assert found.refusals == ()


def test_what_is_worse_is_kept_and_says_so(toy, frames, tmp_path):
    found = learn(frames, FEW, tmp_path / "t", trainer=trainer(0.5))
    assert "forces of structures kept back" in found.refusals[0]
    record = kept.record_of(found.engine)
    assert record["refusals"] == list(found.refusals)
    assert engine(found.engine).name == found.engine


def test_the_record_says_what_it_learnt_from_and_how(toy, frames, tmp_path):
    found = learn(frames, FEW, tmp_path / "t", trainer=trainer(TRUE))
    record = kept.record_of(found.engine)
    assert record["base"] == "sevennet"
    assert sum(record["training"].values()) + len(record["held_out"]) == len(frames)
    assert record["replayed"]
    assert record["settings"]["epochs"] == 25
    before, after = record["errors_held_out"]
    assert after["force_rmse"] < before["force_rmse"]
    assert set(record["held_out"]) < {one.name for one in frames}


def test_energies_are_learnt_on_the_potentials_own_scale(toy, frames, tmp_path):
    seen, far = {}, [one.__class__(**{**vars(one), "energy": one.energy - 1e4})
                     for one in frames]  # fmt: skip
    learn(far, FEW, tmp_path / "t", trainer=trainer(TRUE, seen))
    assert all(abs(one.energy) < 1e3 for one in seen["training"])


def test_weights_that_changed_are_not_loaded(toy, frames, tmp_path):
    found = learn(frames, FEW, tmp_path / "t", trainer=trainer(TRUE))
    folder = kept.learned_folder() / found.engine.removeprefix("learned/")
    (folder / kept.WEIGHTS).write_text("0.3")
    with pytest.raises(IonfaceError, match="it was changed; learn again"):
        engine(found.engine)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("learned/abc", "no fine-tuned potential begins with 'abc'"),
        ("learned/", "no fine-tuned potential begins with ''"),
    ],
)
def test_a_hash_that_nobody_has_is_told(tmp_path, monkeypatch, name, said):
    monkeypatch.setenv("IONFACE_LEARNED", str(tmp_path))
    with pytest.raises(IonfaceError, match=said):
        engine(name)


def test_what_cannot_be_fine_tuned_is_told(frames, tmp_path):
    with pytest.raises(IonfaceError, match="engine 'chgnet' cannot be fine-tuned"):
        learn(frames, Learning(base="chgnet"), tmp_path)


def test_sources_are_files_and_the_stored_structures(tmp_path):
    path = tmp_path / "mine.extxyz"
    write_frames(stored()[:2], path)
    found = frames_to_learn_from([path], with_stored=True)
    assert len(found) == len(stored()) + 2
    assert len({one.name for one in found}) == len(found)


@pytest.mark.slow
def test_a_project_without_spot_checks_is_refused(computed):
    with pytest.raises(IonfaceError, match="has no spot checks to learn from"):
        frames_to_learn_from([computed], with_stored=False)


@pytest.mark.slow
@pytest.mark.mlip
@pytest.mark.filterwarnings("ignore")
def test_sevennet_learns_and_goes_on_where_it_was_stopped(tmp_path):
    """Too few steps to be better: that it trains, and goes on from its last epoch."""
    pytest.importorskip("sevenn")
    from ionface.analysis.yardstick.training_set import on_scale_of
    from ionface.workflows.engines.single_points import single_points

    base = engine("sevennet")
    known = [one for one in stored() if one.name in {"ins_rattle", "x_InCl3"}]
    points = single_points(base, [one.atoms() for one in known], tmp_path)
    data = on_scale_of(known, [point.energy for point in points])
    data[0] = replace(data[0], settings={})  # as of replayed crystals
    folder = tmp_path / "t"
    quick = TrainingSettings(epochs=1, batch=1)
    first = train(base.potential.weights, data, data, quick, folder)
    assert first.name == "checkpoint_1.pth"
    more = TrainingSettings(epochs=6, batch=1)
    last = train(base.potential.weights, data, data, more, folder)
    assert last.name == "checkpoint_6.pth"
    assert (folder / "checkpoint_1.pth").stat().st_mtime == first.stat().st_mtime
    after = single_points(
        engine(f"sevennet:{last}"), [o.atoms() for o in known], folder
    )
    for before, now in zip(points, after, strict=True):
        moved = np.abs(now.forces - before.forces).max()
        assert 1e-3 < moved < 1  # eV/Å: it was trained, and is still a potential
