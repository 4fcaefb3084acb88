import pytest

from ionface.workflows.engines.vasp_double.stopcar import Stop, remove, requested


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("LSTOP = .TRUE.", Stop.SOFT),
        ("lstop = t\n", Stop.SOFT),
        ("LABORT = .TRUE.\n", Stop.HARD),
        ("LSTOP = .TRUE.\nLABORT = .TRUE.", Stop.HARD),
        ("LSTOP = .FALSE.", None),
        ("", None),
    ],
)
def test_stopcar_asks_for_an_end_after_the_step_or_within_it(tmp_path, text, wanted):
    (tmp_path / "STOPCAR").write_text(text)
    assert requested(tmp_path) is wanted


def test_no_file_asks_for_nothing_and_removing_it_twice_is_no_error(tmp_path):
    assert requested(tmp_path) is None
    remove(tmp_path)
