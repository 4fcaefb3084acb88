"""`ionface learn`: what it refuses before anything is computed."""

import pytest

from ionface.analysis.yardstick.labeled_frames import stored, write_frames


@pytest.fixture
def few(tmp_path):
    path = tmp_path / "few.extxyz"
    write_frames(stored()[:3], path)
    return path


@pytest.mark.mlip
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["few.extxyz", "--no-stored"], "3 structures are too few to learn from"),
        (["nowhere.extxyz"], "nowhere.extxyz does not exist"),
        (["--base", "chgnet"], "engine 'chgnet' cannot be fine-tuned here; sevennet"),
        (["--base", "learned/abc"], "no fine-tuned potential begins with 'abc'"),
    ],
)
def test_mistakes_are_one_sentence(cli, few, words, said, monkeypatch, tmp_path):
    monkeypatch.setenv("IONFACE_LEARNED", str(tmp_path / "none"))
    pytest.importorskip("sevenn")
    done = cli("learn", *words)
    assert done.returncode == 1
    assert said in " ".join(done.stderr.split())
    assert not (tmp_path / "ionface-learn").exists()
