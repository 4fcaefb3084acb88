"""What the section `dft` refuses, with the key and the way out."""

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.study.dft_settings import DftSettings
from ionface.workflows.study.study_files import load


@pytest.mark.parametrize(
    "command", ["srun -n {n}", "srun -n {}", "srun -n {ranks", "srun 'x {ranks}", ""]
)
def test_a_command_with_other_braces_starts_nothing(command):
    with pytest.raises(IonfaceError, match=r"dft.mpi: .* only braces are {ranks}, in"):
        DftSettings(mpi=command)


def test_a_command_that_does_not_know_the_ranks_is_refused_where_there_are_several():
    assert DftSettings(mpi="srun").ranks == 1
    assert DftSettings(mpi="srun -n{ranks}", ranks=2).ranks == 2
    with pytest.raises(IonfaceError, match=r"number of processes \(2\); as in"):
        DftSettings(mpi="srun", ranks=2)


def test_a_study_is_told_its_line_and_the_keys(study_file):
    text = study_file.read_text()
    for dft, said in (
        ("ranks: 2, mpi: srun", r"line 22: dft: dft.mpi: 'srun' must be a command"),
        ("rank: 2", r"rank: .*did you mean 'ranks'. Allowed here: basis, cutoff"),
    ):
        study_file.write_text(f"{text}dft: {{{dft}}}\n")
        with pytest.raises(IonfaceError, match=said):
            load(str(study_file))
