from pathlib import Path

import numpy as np
import pytest

from ionface.analysis.readers.blocks import to_cartesian
from ionface.analysis.readers.vasprun import ENERGIES, VasprunStream, extrapolated
from ionface.errors import AnalysisError

CRYSTAL = (
    "<crystal><varray name='basis'><v>4 0 0</v><v>0 4 0</v><v>0 0 4</v></varray>"
    "</crystal><varray name='positions'><v>0 0 {}</v></varray>"
)
HEAD = (
    "<modeling><incar><i name='POTIM'>2.0</i><i type='int' name='SEED'>******</i>"
    "<i type='logical' name='LREAL'> T </i></incar><parameters>"
    "<i type='int' name='IBRION'>0</i><i type='string' name='PREC'>normal</i>"
    "</parameters><atominfo><array name='atoms'><set><rc><c>Li</c></rc></set></array>"
    f"</atominfo><structure name='initialpos'>{CRYSTAL.format(0)}</structure>"
)


def step(z):
    return (
        f"<calculation><scstep/><structure>{CRYSTAL.format(z)}</structure>"
        "<energy><i name='e_fr_energy'>-1.5</i></energy></calculation>"
    )


def stream(tmp_path: Path, text: str) -> VasprunStream:
    path = tmp_path / "vasprun.xml"
    path.write_text(text)
    return VasprunStream(path)


def test_tags_have_their_types_and_overgrown_integers_are_unknown(tmp_path):
    opened = stream(tmp_path, HEAD + step(0.1) + "</modeling>")
    settings = opened.settings
    opened.close()
    assert settings.tag("POTIM") == 2.0
    assert settings.tag("IBRION") == 0
    assert settings.tag("LREAL") is True
    assert settings.tag("PREC") == "normal"
    assert settings.tag("SEED") is None
    assert settings.tag("NSW", 7) == 7


def test_every_closed_step_is_yielded(tmp_path):
    opened = stream(tmp_path, HEAD + step(0.1) + step(0.2) + "</modeling>")
    assert [s.fractional[0, 2] for s in opened.steps()] == [0.1, 0.2]
    assert opened.reason == ""


def test_a_file_cut_anywhere_yields_the_steps_that_were_closed(tmp_path):
    whole = HEAD + step(0.125) + step(0.25)
    ends = [len(HEAD + step(0.125)), len(whole)]
    for length in range(len(HEAD) + len("<calculation>"), len(whole) + 1, 7):
        opened = stream(tmp_path, whole[:length])
        found = [s.fractional[0, 2] for s in opened.steps()]
        assert found == [0.125, 0.25][: sum(length >= end for end in ends)]
        assert opened.reason


def test_a_number_that_is_none_ends_the_reading_before_its_step(tmp_path):
    damaged = step(0.2).replace("0.2", "*****")
    opened = stream(tmp_path, HEAD + step(0.1) + damaged + step(0.3) + "</modeling>")
    assert len(list(opened.steps())) == 1
    assert "damaged" in opened.reason


def test_the_settings_do_not_wait_for_the_steps(tmp_path):
    opened = stream(tmp_path, HEAD + step(0.1) * 3)
    assert opened.settings.species == ("Li",)
    np.testing.assert_array_equal(opened.settings.lattice, 4 * np.eye(3))
    opened.close()


@pytest.mark.parametrize("text", ["", "<modeling>", "<modeling></modeling>", "no xml"])
def test_a_file_without_settings_is_refused(tmp_path, text):
    with pytest.raises(AnalysisError, match="take another output"):
        stream(tmp_path, text)


def test_an_xml_bomb_does_not_explode(tmp_path):
    entities = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 12))
    bomb = f"<!DOCTYPE m [<!ENTITY e0 'ha'>{entities}]><modeling>&e11;</modeling>"
    with pytest.raises(AnalysisError, match="no usable"):
        stream(tmp_path, bomb)


def test_two_steps_without_the_tags_between_them_are_none(tmp_path):
    merged = (step(0.1) + step(0.2)).replace("</calculation><calculation>", "")
    opened = stream(tmp_path, HEAD + step(0.0) + merged + "</modeling>")
    assert len(list(opened.steps())) == 1
    assert "2 structures" in opened.reason


# --- the fast reading against XML, the slow sentence that it replaces ---------------

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
    """Assert that both readings give the same bits; return the sizes of the blocks."""
    slow, fast = VasprunStream(path), VasprunStream(path)
    steps, blocks = list(slow.steps()), list(fast.blocks())
    assert fast.reason == slow.reason
    assert sum(map(len, blocks)) == len(steps)
    found = np.concatenate([block.positions for block in blocks])
    for step, positions in zip(steps, found, strict=True):
        right = to_cartesian(step.fractional[None], step.lattice[None])[0]
        np.testing.assert_array_equal(positions, right)
    for ours, theirs in ENERGIES.items():
        energies = np.concatenate([block.scalars[ours] for block in blocks])
        right = [step.energies.get(theirs, np.nan) for step in steps]
        np.testing.assert_array_equal(energies, right)
    return [len(block) for block in blocks]


@pytest.mark.parametrize("name", FILES)
def test_real_files_give_the_same_bits_both_ways(realdata, name):
    sizes = compare(realdata / name)
    assert all(size > 1 for size in sizes[:-1])  # no step needed the slow way


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
    (block,) = VasprunStream(path).blocks()
    expected = block.scalars["potential_energy"] + 0.5
    np.testing.assert_allclose(block.scalars["e_0_energy"], expected)


def test_energies_that_lack_their_partners_stay_as_they_are():
    assert extrapolated({"e_0_energy": 1.0}, {"e_0_energy": 2.0}) == {"e_0_energy": 1.0}
