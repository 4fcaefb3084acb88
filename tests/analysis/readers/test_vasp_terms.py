"""Energy terms from VASP runs: synthetic ones with known truth, and real ones."""

import contextlib
import gzip
import math
from pathlib import Path

import pytest

from ionface.analysis.energies.ledger import book, infer_terms
from ionface.analysis.readers.vasp_terms import term_names, vasp_directory_term
from ionface.errors import AnalysisError, LedgerError

PYMATGEN = "pymatgen-core/test-files/io/vasp"


@pytest.fixture
def run(vasp_folder):
    return vasp_folder


def test_the_last_step_extrapolated_to_zero_smearing_is_the_energy(run):
    term = vasp_directory_term(run(added=9.0))
    # e_0 - e_fr of the last electronic step is -0.25 eV; the ionic e_fr is -6 eV.
    assert term.energy == pytest.approx(-6.25)
    assert (term.finished, term.converged, term.max_force) == (True, True, 0.01)
    assert (term.name, term.composition, term.area) == ("run", {"H": 1}, 12.0)


def test_the_level_of_theory_comes_from_the_tags(run):
    level = vasp_directory_term(run()).level
    assert level.code == "vasp"
    assert level.version == "6.4.3"
    assert level.functional == "PBE"
    assert level.cutoff_ev == 480.0
    assert level.k_points == "Gamma 3x2x1"
    assert level.smearing == "Gaussian 0.05 eV"
    assert level.pseudopotentials == ("PAW_PBE H 01Jan2000",)
    assert level.details == ("PREC=Accurate",)


@pytest.mark.parametrize(
    ("content", "finished", "converged"),
    [
        ({}, True, True),
        ({"steps": [(-5.0, 0.03)]}, True, False),
        ({"scf": 60}, True, False),
        ({"end": ""}, False, True),
        ({"end": "<calculation><scstep>"}, False, True),
        ({"steps": []}, False, False),
        ({"nsw": 0, "ibrion": -1, "steps": [(-5.0, 3.0)]}, True, True),
        ({"ediffg": 1e-3}, True, True),
        ({"ediffg": 1e-3, "nsw": 2}, True, False),
        ({"atoms": "HH", "free": ["T T T", "F F F"], "steps": [(-5.0, 3.0)]}, True,
         True),
    ],
)  # fmt: skip
def test_finished_and_converged_are_told_truthfully(run, content, finished, converged):
    term = vasp_directory_term(run(**content))
    assert (term.finished, term.converged) == (finished, converged)


RESPONSE = "<i type='int' name='NELM'>1</i><i type='int' name='ISMEAR'>1</i>"


def test_the_first_of_a_repeated_tag_counts_as_up_to_vasp_6_2(run):
    term = vasp_directory_term(run(scf=11, repeated=RESPONSE))
    assert term.converged
    assert term.level.smearing == "Gaussian 0.05 eV"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"scf": 60}, r"electrons: 60 of 60 steps \(NELM\)"),
        ({"steps": [(-5.0, 0.034)]}, r"forces: 0\.034 of 0\.02 eV/Å \(EDIFFG\)"),
        ({"ediffg": 1e-3, "nsw": 2}, r"ions: 2 of 2 steps \(NSW\)"),
    ],
)
def test_a_refusal_names_the_criterion_and_both_numbers(run, content, told):
    term = vasp_directory_term(run(**content))
    with pytest.raises(LedgerError, match=rf"'run' is not converged .*{told}"):
        book("H|F", term, {"H": term})


def test_a_run_without_a_complete_step_has_no_energy(run):
    term = vasp_directory_term(run(steps=[], end="<calculation><scstep>"))
    assert math.isnan(term.energy)
    assert term.max_force is None


def test_a_file_cut_at_any_byte_is_never_finished(run):
    folder = run()
    text = (folder / "vasprun.xml").read_text()
    for length in range(0, len(text) - 1, 23):
        (folder / "vasprun.xml").write_text(text[:length])
        with contextlib.suppress(AnalysisError):
            assert not vasp_directory_term(folder).finished


def test_three_directories_make_a_ledger_entry(run):
    folders = [
        run("both", atoms="HF", steps=[(-9.0, 0.0)]),
        run("left", atoms="H", steps=[(-4.0, 0.0)]),
        run("right", atoms="F", steps=[(-3.0, 0.0)]),
    ]
    interface, slabs = infer_terms([vasp_directory_term(f) for f in folders])
    entry = book("H|F", interface, slabs)
    # -0.25 eV of smearing on each of three terms: -9.25 + 4.25 + 3.25
    assert entry.formation.delta_e == pytest.approx(-1.75)
    assert entry.formation.ev_per_a2 == pytest.approx(-1.75 / 12)


def test_another_cutoff_is_found_in_bare_directories(run):
    interface = vasp_directory_term(run("a", atoms="HF"))
    slabs = {
        "left": vasp_directory_term(run("b", atoms="H")),
        "right": vasp_directory_term(run("c", atoms="F", encut=500.0)),
    }
    with pytest.raises(LedgerError, match=r"cutoff_ev: 480.0 against 500.0"):
        book("H|F", interface, slabs)


def test_a_compressed_file_is_found(run):
    folder = run()
    plain = folder / "vasprun.xml"
    (folder / "vasprun.xml.gz").write_bytes(gzip.compress(plain.read_bytes()))
    expected = vasp_directory_term(folder).energy
    plain.unlink()
    assert vasp_directory_term(folder).energy == expected


def test_a_molecular_dynamics_is_refused(run):
    with pytest.raises(LedgerError, match="thermal"):
        vasp_directory_term(run(ibrion=0))


def test_an_empty_directory_is_told(tmp_path):
    with pytest.raises(LedgerError, match="no vasprun"):
        vasp_directory_term(tmp_path)


@pytest.mark.parametrize(
    ("path", "energy", "finished", "converged"),
    [
        (f"{PYMATGEN}/fixtures/relaxation", -1.92459954, True, True),
        (f"{PYMATGEN}/fixtures/static_silicon", -10.64527774, True, True),
        (f"{PYMATGEN}/outputs/vasprun.unconverged.xml.gz", -134.33107279, True, False),
        (f"{PYMATGEN}/outputs/vasprun.bad.xml.gz", -269.00551374, False, False),
        ("custodian/tests/files/bad_vasprun", -134.33107279, False, False),
        (
            "pyiron/tests/static/vasp_test_files/full_job_aborted",
            math.nan,
            False,
            False,
        ),
        ("aiida-vasp/src/aiida_vasp/test_data/relax-truncated", None, False, False),
    ],
)
def test_real_runs_are_judged_truthfully(realdata, path, energy, finished, converged):
    term = vasp_directory_term(realdata / path)
    assert (term.finished, term.converged) == (finished, converged)
    if energy is not None:
        assert term.energy == pytest.approx(energy, nan_ok=True)


def test_a_run_killed_in_its_first_electronic_cycle_never_enters(realdata):
    killed = vasp_directory_term(
        realdata / "pyiron/tests/static/vasp_test_files/full_job_aborted"
    )
    with pytest.raises(LedgerError, match="is not finished"):
        book("TiN|Ni", killed, {"TiN": killed})


def test_terms_are_named_after_what_tells_their_paths_apart():
    def names(*paths):
        return term_names([Path(path) for path in paths])

    assert names("A/part-001", "B/part-001", "C/part-001") == ["A", "B", "C"]
    assert names("x/A/static", "x/B/static") == ["A", "B"]
    assert names("x/both", "x/A/static", "x/B/static") == [
        "both", "A/static", "B/static"
    ]  # fmt: skip
    assert names("A/vasprun.xml", "B/vasprun.xml") == ["A", "B"]
    assert names("only/run-001") == ["run-001"]
    assert names("A", "A/static") == ["A", "A/static"]


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("run-001/vasprun.xml", "run-002/vasprun.xml"),
        ("part-9/vasprun.xml", "part-10/vasprun.xml"),
        ("vasprun.xml.relax1", "vasprun.xml.relax2"),
        ("vasprun.relax1.xml", "vasprun.relax2.xml"),
    ],
)
def test_of_runs_that_go_on_from_each_other_the_last_counts(run, tmp_path, first, last):
    earlier, later = run("a", steps=[(-1.0, 0.0)]), run("b", steps=[(-2.0, 0.0)])
    for name, source in ((first, earlier), (last, later)):
        (tmp_path / "job" / name).parent.mkdir(parents=True, exist_ok=True)
        (source / "vasprun.xml").rename(tmp_path / "job" / name)
    assert vasp_directory_term(tmp_path / "job").energy == pytest.approx(-2.25)


def test_a_folder_of_runs_names_them(run, tmp_path):
    run("static")
    with pytest.raises(LedgerError, match=r"no vasprun.*there is one in .*static"):
        vasp_directory_term(tmp_path)
