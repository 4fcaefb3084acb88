from pathlib import Path

import numpy as np
import pytest

from ionface.analysis.readers.vasprun import VasprunStream
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
