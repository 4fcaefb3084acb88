"""`ionface analyze`, on runs whose answers are known."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ionface.analysis.kinds import analyses
from ionface.analysis.run_checks.temperature import KB
from ionface.analysis.trajectory.writer import TrajectoryWriter
from ionface.errors import AnalysisError, IonfaceError
from ionface.workflows.cli.analyze import flag_of
from ionface.workflows.cli.analyze_files import open_frames
from ionface.workflows.projects.project import Project
from ionface.workflows.study.study_files import load

FRAMES, HEIGHT = 400, 40.0


def write_frames(path, species, cell, frames, **header):
    """Write positions, and temperatures and energies where a frame has them."""
    lattice = np.diag(cell)
    with TrajectoryWriter.create(path, species, lattice, **header) as writer:
        for step, frame in enumerate(frames):
            writer.append(step=step, time_fs=2.0 * step, **frame)
    return path


# --- diffusion, profiles, checks ------------------------------------------------------


@pytest.fixture
def run_file(tmp_path):
    """Li walks in a slab of S (0-20 Å), In vibrates above it; 300 K."""
    rng = np.random.default_rng(0)
    start = 12 * rng.random((100, 3))
    start[:, 2] = np.concatenate(
        [np.full(20, 10.0), np.linspace(1, 19, 40), np.linspace(21, 39, 40)]
    )
    walk = np.cumsum(rng.normal(0, 0.3, (FRAMES, 20, 3)), axis=0)

    def frames():
        for step in range(FRAMES):
            positions = start + rng.normal(0, 0.1, (100, 3))
            positions[:20] += walk[step]
            yield {
                "positions": positions,
                "potential_energy": -300.0 + rng.normal(),
                "temperature": 300 + rng.normal() * 300 * np.sqrt(2 / 300),
                "conserved": -290.0 + 1e-4 * rng.normal(),
            }

    species = ["Li"] * 20 + ["S"] * 40 + ["In"] * 40
    told = {"meta": {"temperature_K": 300.0}}
    cell = [12.0, 12.0, HEIGHT]
    return write_frames(tmp_path / "run.ionf", species, cell, frames(), **told)


def test_msd_writes_numbers_a_table_and_a_figure(run_file, analyze):
    ran = analyze(
        "msd", run_file, "--species", "Li", "--species", "In", "--drift", "In"
    )
    found = {(d["species"], d["direction"]): d for d in ran.data["diffusion"]}
    low, high = found["Li", "3d"]["d_interval_cm2_per_s"]
    assert low < 0.1 * 0.09 / 2 / 2.0 < high  # step variance over 2 dt, in cm²/s
    assert found["In", "3d"]["d_cm2_per_s"] is None
    assert found["In", "3d"]["verdict"].startswith("not diffusive")
    assert ran.data["drift"] == "mean of the 40 In atoms subtracted"
    assert len(ran.rows) == FRAMES
    assert float(ran.rows[7]["Li 3d (Å²)"]) == ran.data["msd"]["Li"]["3d"][7]
    assert ran.picture.startswith(b"\x89PNG")
    assert "diffusive" in ran.stdout


@pytest.mark.slow
def test_layers_are_named_and_json_is_what_is_written(run_file, analyze):
    heights = ("--layer", 0, "--layer", 10, "--layer", 20)
    ran = analyze("msd", run_file, "--species", "S", "--drift", "none", *heights,
                  "--json")  # fmt: skip
    printed = json.loads(ran.stdout)
    assert printed == ran.data
    assert {d["species"] for d in printed["diffusion"]} == {
        "S",
        "S, 0.0-10.0 Å",
        "S, 10.0-20.0 Å",
    }


@pytest.mark.slow
def test_profile_writes_densities_and_the_interphase(run_file, analyze):
    ran = analyze("profile", run_file, "--between", "In:S", "--windows", 3)
    data = ran.data
    volume = data["area"] * data["cell_height"] / len(data["heights"])
    for name, number in (("Li", 20), ("S", 40), ("In", 40)):
        sums = np.sum(data["densities"][name], axis=1) * volume
        np.testing.assert_allclose(sums, number)
    positions = np.array(data["interphase"]["positions"])
    np.testing.assert_allclose(positions[:, 0], 20, atol=1.0)
    assert np.array(data["interphase"]["widths"]).max() < 3
    assert len(ran.rows) == 3 * len(data["heights"])
    assert "front at" in ran.stdout


@pytest.mark.slow
def test_checks_find_the_target_in_the_file_and_doubt_another(run_file, analyze):
    ran = analyze("checks", run_file)
    assert ran.data["verdict"] == "sound"
    assert "mean temperature" in ran.stdout
    assert ran.status == 0
    ran = analyze("checks", run_file, "--temperature", 400, "--json")
    assert ran.status == 1
    assert json.loads(ran.stdout)["verdict"].startswith("doubtful: mean")
    assert ran.rows[0]["verdict"] == "doubtful"


@pytest.mark.slow
def test_a_script_can_tell_what_is_unknown_from_what_is_sound(analyze, tmp_path):
    still = [{"positions": np.full((2, 3), [[1.0], [3.0]])}] * 12
    path = write_frames(tmp_path / "r.ionf", ["Li", "Li"], [5.0] * 3, still)
    ran = analyze("checks", path, "--temperature", 300)
    assert ran.data["verdict"].startswith("unknown")
    assert "Not all is known" in ran.stdout
    assert ran.status == 3


def test_mistakes_are_told_with_the_way_out(run_file, analyze, tmp_path):
    with pytest.raises(IonfaceError, match="does not exist"):
        analyze("checks", tmp_path / "nowhere")
    with pytest.raises(AnalysisError, match="--drift all stands alone"):
        analyze("msd", run_file, "--drift", "all", "--drift", "S")
    for text in ("In", "In:", ":S"):
        with pytest.raises(AnalysisError, match="does not name two phases"):
            analyze("profile", run_file, "--between", text)
    with pytest.raises(IonfaceError, match=r"give --out .*x\.json"):
        analyze("checks", run_file, out=tmp_path / "x.png")
    with pytest.raises(AnalysisError, match="no 'Cl'"):
        analyze("msd", run_file, "--species", "Cl")
    assert not list(tmp_path.glob("*.json"))


# --- bonds and layers -----------------------------------------------------------------


@pytest.fixture
def thiophosphate(tmp_path):
    """Two P with four S each at 2.05 Å in the lower half, one with three above."""
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    centers = np.array([[5.0, 5, 5], [5, 5, 10], [5, 5, 30]])
    sulfur = np.vstack([2.05 / np.sqrt(3) * corners + c for c in centers])[:-1]
    frame = {"positions": np.vstack([centers, sulfur])}
    species = ["P"] * 3 + ["S"] * 11
    return write_frames(
        tmp_path / "ps4.ionf", species, [10.0, 10.0, 40.0], [frame] * 8
    )  # fmt: skip


def test_bonds_are_counted_within_the_length_that_was_given(thiophosphate, analyze):
    ran = analyze("bonds", thiophosphate, "--pair", "P-S:2.6", "--windows", 2)
    assert ran.data["counts"]["P-S"] == [11] * 8
    assert "P-S: form < 2.52 Å, break > 2.68 Å" in ran.stdout
    assert ran.stdout.count("11.0") == 2
    for pair in ("P-S:much", "P-S:-1"):
        with pytest.raises(AnalysisError, match="no bond length"):
            analyze("bonds", thiophosphate, "--pair", pair)


def test_layers_have_their_coordination_a_table_and_a_figure(thiophosphate, analyze):
    words = ("--pair", "P-S:2.6", "--layers", 4, "--windows", 2)
    ran = analyze("layers", thiophosphate, *words)
    assert ran.data["numbers"] == [[4.0, 4.0, None, 3.0]] * 2
    assert "4.00" in ran.stdout
    assert [row["atoms"] for row in ran.rows[:4]] == ["1.0", "1.0", "0.0", "1.0"]
    assert ran.picture.startswith(b"\x89PNG")


def test_what_stood_there_before_is_said_to_be_replaced(thiophosphate, analyze):
    words = ("bonds", thiophosphate, "--pair", "P-S:2.6")
    assert "wrote " in analyze(*words).stderr
    assert "replaced " in analyze(*words).stderr


def test_layers_by_their_edges(thiophosphate, analyze):
    edges = ("--edge", 0, "--edge", 20, "--edge", 40)
    words = ("--pair", "P-S:2.6", *edges, "--windows", 1, "--stride", 3, "--json")
    ran = analyze("layers", thiophosphate, *words)
    assert json.loads(ran.stdout) == ran.data
    assert ran.data["numbers"] == [[4.0, 3.0]]


@pytest.mark.parametrize(
    ("pair", "message"),
    [("P-S:much", "no bond length"), ("P-O:2.0", "O"), ("PS", "PS")],
)
def test_pairs_that_make_no_sense_are_refused(thiophosphate, analyze, pair, message):
    with pytest.raises(AnalysisError, match=message):
        analyze("layers", thiophosphate, "--pair", pair)


# --- reactions ------------------------------------------------------------------------


def react(path, seed=0):
    """An In and two S approach from 6 to 2.6 Å halfway through and stay there."""
    rng = np.random.default_rng(seed)

    def frames():
        for step in range(FRAMES):
            apart = 6.0 if step < FRAMES // 2 else 2.6
            positions = 8.0 + rng.normal(0, 0.005, (3, 3))
            positions[1:, 0] += [apart, -apart]
            yield {"positions": positions}

    return write_frames(path, ["In", "S", "S"], [20.0] * 3, frames())


@pytest.fixture
def reacting(tmp_path):
    return react(tmp_path / "in.ionf")


def test_the_verdict_is_printed_and_written(reacting, analyze):
    words = ("--pair", "In-S", "--reference", "InS", "--windows", 4)
    ran = analyze("reactions", reacting, *words)
    assert "In–S: no change shown; the same ones: 0 bonds at the start" in ran.stdout
    assert "bonds gained or lost for good cannot show a change" in ran.stdout
    assert "the first formed at 0.4" in ran.stdout
    assert ran.data["pairs"]["In-S"]["verdict"]["gained"] == 2
    assert len(ran.picture) > 10_000


def test_independent_runs_are_judged_together(reacting, tmp_path, analyze):
    again = react(tmp_path / "again.ionf", seed=1)
    ran = analyze("replicas", reacting, again, "--pair", "In-S")
    assert ran.data["verdicts"]["In-S"]["gained"] == 4
    assert ran.stdout.count("all runs") == 1
    assert [row["run"] for row in ran.rows][-1] == "all runs"
    with pytest.raises(IonfaceError, match="stands twice"):
        analyze("replicas", reacting, reacting, "--pair", "In-S")
    with pytest.raises(IonfaceError, match="needs two at least"):
        analyze("replicas", reacting, "--pair", "In-S")


def test_a_copy_of_a_run_is_no_independent_one(reacting, tmp_path, analyze):
    copy = tmp_path / "copy.ionf"
    copy.write_bytes(reacting.read_bytes())
    with pytest.raises(AnalysisError, match=r"copy\.ionf is the same run as .*in"):
        analyze("replicas", reacting, copy, "--pair", "In-S")


def test_a_reference_without_the_pair_is_refused(reacting, analyze):
    with pytest.raises(AnalysisError, match="InCl_Cmcm has none of the pairs"):
        analyze("reactions", reacting, "--pair", "In-S", "--reference", "InCl_Cmcm")


def test_atoms_bonded_through_two_faces_have_two_bonds(tmp_path, analyze):
    frame = {"positions": np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]])}
    cell = [4.0, 20.0, 20.0]
    thin = write_frames(tmp_path / "thin.ionf", ["In", "S"], cell, [frame] * 10)
    ran = analyze("reactions", thin, "--pair", "In-S")
    assert ran.data["pairs"]["In-S"]["counts"] == [2] * 10


# --- activation energies --------------------------------------------------------------

EA, STEP, STEPS, WALKERS = 0.25, 2.0, 600, 60  # eV, fs


def walk(path, temperature, *, measured=True, moving=True):
    """Write walkers with D = D0 exp(-Ea / kT) in a frame of S at rest."""
    rng = np.random.default_rng(round(temperature))
    coefficient = 0.5 * np.exp(-EA / (KB * temperature))  # Å²/fs
    width = np.sqrt(2 * coefficient * STEP) if moving else 1e-9
    start = 12 * rng.random((WALKERS + 20, 3))
    moved = np.cumsum(rng.normal(0, width, (STEPS, WALKERS, 3)), axis=0)

    def frames():
        for shift in moved:
            positions = start + rng.normal(0, 0.02, start.shape)
            positions[:WALKERS] += shift
            heat = {"temperature": temperature} if measured else {}
            yield {"positions": positions, **heat}

    species = ["Li"] * WALKERS + ["S"] * 20
    return write_frames(path, species, [12.0] * 3, frames())


@pytest.fixture
def runs(tmp_path):
    return [walk(tmp_path / f"{t}.ionf", float(t)) for t in (600, 800, 1000)]


@pytest.mark.slow
def test_the_activation_energy_of_walkers_is_found(runs, analyze):
    ran = analyze("arrhenius", *runs[::-1], "--at", 700, "--drift", "S")
    data = ran.data
    assert abs(data["ea_ev"] - EA) < 3 * data["ea_error_ev"]
    assert data["ea_error_ev"] < 0.1 * EA
    assert sorted(data["diffusion"]) == ["1000.0", "600.0", "800.0"]
    assert ran.picture.startswith(b"\x89PNG")
    assert len(ran.rows) == 3
    assert "interpolated" in ran.stdout


def test_given_temperatures_take_the_place_of_measured_ones(runs, analyze):
    given = [word for t in (300, 400, 500) for word in ("--temperature", t)]
    ran = analyze("arrhenius", *runs, *given, "--drift", "S", "--json")
    printed = json.loads(ran.stdout)
    assert printed == ran.data
    assert abs(printed["ea_ev"] - EA / 2) < 3 * printed["ea_error_ev"]  # half of T


def test_runs_that_make_no_line_are_refused(runs, analyze, tmp_path):
    def refused(error, message, paths, *words):
        with pytest.raises(error, match=message):
            analyze("arrhenius", *paths, *words, "--drift", "S")

    refused(IonfaceError, "1 run: an activation energy needs", runs[:1])
    one = ("--temperature", 300)
    refused(IonfaceError, "1 temperatures for 2 runs", runs[:2], *one)
    refused(IonfaceError, "as a run before it", [runs[0], runs[0]])
    silent = walk(tmp_path / "silent.ionf", 700.0, measured=False)
    still = walk(tmp_path / "still.ionf", 700.0, moving=False)
    refused(IonfaceError, "tells no temperature", [runs[0], silent])
    refused(AnalysisError, "an upper bound is no point", [runs[0], still])
    assert not (tmp_path / "arrhenius.json").exists()


# --- what a project or a folder holds -------------------------------------------------


def with_frames(root, study, **header):
    project = Project.create(root, study)
    path = project.root / "trajectories" / "Al-Ag.ionf"
    frames = [{"positions": np.array([[0.0, 0, 0], [0, 0, 2.8]])}]
    write_frames(path, ["Al", "Ag"], [9.0] * 3, frames, **header)
    return project.root


@pytest.mark.parametrize("quick", [False, True])
def test_a_quick_run_is_called_a_rehearsal(study_file, tmp_path, analyze, quick):
    told = {"meta": {"quick": True}} if quick else {}
    root = with_frames(tmp_path / "p", load(str(study_file)), **told)
    ran = analyze("bonds", root, "--pair", "Al-Ag")
    assert ("QUICK" in ran.stdout) == quick
    assert ran.data.get("quick", False) == quick
    assert ("quick" in ran.rows[0]) == quick


def test_a_project_without_frames_says_why(study_file, tmp_path):
    study = load(str(study_file))
    Project.create(tmp_path / "a", study)
    with pytest.raises(IonfaceError, match="no dynamics are finished"):
        open_frames([tmp_path / "a"], None)
    Project.create(tmp_path / "b", replace(study, dynamics=()))
    with pytest.raises(IonfaceError, match="its study has none"):
        open_frames([tmp_path / "b"], None)


XDATCAR = (
    "run\n1\n4 0 0\n0 4 0\n0 0 4\nIn S\n1 1\n"
    "Direct configuration=     1\n  0.10000000  0.00000000  0.00000000\n"
    "  0.50000000  0.50000000  0.50000000\n"
    "Direct configuration=     2\n  0.10000000  0.00000000  0.0000"
)


def test_good_cut_and_unreadable_files_each_have_a_row(tmp_path, analyze):
    run = tmp_path / "run"
    run.mkdir()
    (run / "XDATCAR").write_text(XDATCAR)
    (run / "vasprun.xml").write_text("<modeling>")
    ran = analyze("outputs", tmp_path, "--json")
    found = {row["path"]: row for row in json.loads(ran.stdout)}
    assert set(found) == {"run", "run/XDATCAR", "run/vasprun.xml"}
    assert (found["run/XDATCAR"]["frames"], found["run/XDATCAR"]["atoms"]) == (1, 2)
    assert "1 complete frame, then" in found["run/XDATCAR"]["reason"]
    assert found["run/vasprun.xml"]["frames"] == 0
    assert "no usable vasprun.xml" in found["run/vasprun.xml"]["reason"]
    assert found["run"]["frames"] == 1
    assert any("XDATCAR was chosen" in note for note in found["run"]["notes"])
    printed = analyze("outputs", tmp_path).stdout
    assert "run/XDATCAR" in printed
    assert "refused" in printed


def test_what_holds_no_output_is_refused(tmp_path, analyze):
    with pytest.raises(IonfaceError, match="no output of a run"):
        analyze("outputs", tmp_path)
    (tmp_path / "XDATCAR").write_text(XDATCAR)
    with pytest.raises(IonfaceError, match="is a file"):
        analyze("outputs", tmp_path / "XDATCAR")
    with pytest.raises(IonfaceError, match="does not exist"):
        analyze("outputs", tmp_path / "nowhere")


# --- the commands ---------------------------------------------------------------------


def test_every_analysis_is_a_command_with_its_settings_as_flags(analyze):
    for name, kind in analyses().items():
        shown = " ".join(analyze(name, "--help").stdout.split())
        for option in kind.options:
            assert flag_of(option) in shown, option.name
            assert option.help, option.name


def test_arguments_in_messages_are_worded_as_flags(thiophosphate, analyze):
    with pytest.raises(AnalysisError, match=r"--windows 0") as caught:
        analyze("rdf", thiophosphate, "--pair", "P-S", "--windows", "0")
    assert "windows=" not in str(caught.value)


# --- files that do not tell all -------------------------------------------------------


@pytest.mark.slow
def test_cell_elements_and_time_are_given_where_a_file_lacks_them(tmp_path, analyze):
    rows = "1 1 {x} {x} {x}\n2 2 3 3 3\n"
    box = "ITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\n"
    head = "ITEM: NUMBER OF ATOMS\n2\n" + box + "ITEM: ATOMS id type xu yu zu\n"
    dump, cluster = tmp_path / "run.lammpstrj", tmp_path / "run.xyz"
    dump.write_text(
        "".join(
            f"ITEM: TIMESTEP\n{i}\n{head}{rows.format(x=0.1 * i)}" for i in range(40)
        )
    )
    cluster.write_text(
        "".join(f"2\n\nLi {x} {x} {x}\nO 3 3 3\n" for x in np.arange(40) / 10)
    )
    told = ("--timestep", 2, "--drift", "none", "--species", "Li")
    for elements in ("1=Li,2=O", "Li O"):
        ran = analyze("msd", dump, "--elements", elements, *told)
        assert ran.data["atoms"] == {"Li": 1}
    for cell in (("--cell", "9,9,9"), ()):
        assert analyze("msd", cluster, *cell, *told).data["atoms"] == {"Li": 1}


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        ("run.lammpstrj", (), r"say which is which with --elements 1=Li"),
        ("run.xyz", ("--pair", "Li-S"), r"no 'S' in .*run.xyz; it has \['Li', 'O'\]"),
        ("run.xyz", ("--pair", "Li-O", "--cell", "9,nine"), r"--cell '9,nine' has"),
        ("run.xyz", ("--pair", "Li-O"), r"three independent vectors: --cell \.\.\."),
        ("run.xyz", ("--pair", "LiO"), r"joined by a hyphen"),
    ],
)
def test_what_is_wrong_is_told_in_flags(tmp_path, analyze, name, words, told):
    box = "ITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\n"
    dump = "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\n" + box
    text = {"run.lammpstrj": dump + "ITEM: ATOMS id type xu yu zu\n1 1 0 0 0\n"}
    (tmp_path / name).write_text(text.get(name, "2\n\nLi 0 0 0\nO 1 1 1\n"))
    with pytest.raises(IonfaceError, match=told):
        analyze("rdf", tmp_path / name, *(words or ("--pair", "Li-Li")))
