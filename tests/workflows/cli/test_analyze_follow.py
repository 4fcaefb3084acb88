"""`ionface analyze rdf --follow`, on runs that write while one looks."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from ionface.analysis.kinds import kinds
from ionface.analysis.rdf.rdf import rdf
from ionface.analysis.readers import open_trajectory
from ionface.analysis.trajectory.writer import TrajectoryWriter
from ionface.errors import AnalysisError, IonfaceError
from ionface.workflows.cli.analyze_follow import follow_run

ROOT = Path(__file__).parents[3]
PAIRS = ["In-S"]
HEAD = "gas\n1\n9 0 0\n0 9 0\n0 0 9\nIn S\n2 6\n"
ENDING = "General timing and accounting informations for this job:\n"


def frame(number):
    rows = np.random.default_rng(number).random((8, 3))
    text = "".join("".join(f"{x:12.8f}" for x in row) + "\n" for row in rows)
    return f"Direct configuration={number:6d}\n{text}"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "INCAR").write_text("IBRION = 0\nPOTIM = 2\nNBLOCK = 1\n")
    return tmp_path


def write_slowly(folder, count, seen):
    """Write an XDATCAR in pieces that respect no line, then end as VASP does.

    Half-way it waits until somebody has seen what is there.
    """
    text = HEAD + "".join(frame(k) for k in range(1, count + 1))
    with (folder / "XDATCAR").open("w", buffering=1) as stream:
        for start in range(0, len(text), 700):
            stream.write(text[start : start + 700])
            stream.flush()
            while start > len(text) / 2 and not seen.exists():
                time.sleep(0.01)
            time.sleep(0.005)
    (folder / "OUTCAR").write_text(ENDING)


def follow(folder, out, pairs=PAIRS, **choices):
    values = {"pairs": pairs, "cutoff": 6.0, "bins": 30, "windows": 3}
    settings = {"every": 0.05} | choices
    follow_run(kinds()["rdf"], folder, values, out=out, **settings)


def test_it_ends_with_the_run_and_has_counted_every_frame(folder, tmp_path, capsys):
    out = tmp_path / "rdf.json"
    writer = threading.Thread(target=write_slowly, args=(folder, 60, out))
    writer.start()
    follow(folder, out, as_json=True)
    writer.join()
    data = json.loads(out.read_text())
    right = rdf(
        open_trajectory(folder / "XDATCAR"), PAIRS, cutoff=6.0, bins=30, windows=3
    )
    assert data["frames"] == 60
    np.testing.assert_allclose(data["pairs"]["In-S"]["g"], right.pairs["In-S"].g)
    assert data["windows_fs"] == [list(window) for window in right.windows_fs]
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    told = capsys.readouterr()
    assert json.loads(told.out) == data
    assert "the run is over" in told.err
    assert told.err.count(" frames") >= 2  # it looked more than once


def test_a_finished_store_is_read_and_left(tmp_path, capsys):
    path = tmp_path / "run.ionf"
    rng = np.random.default_rng(0)
    with TrajectoryWriter.create(path, ["In", "S"], np.eye(3) * 9) as writer:
        for step in range(6):
            writer.append(
                step=step, time_fs=2.0 * step, positions=9 * rng.random((2, 3))
            )
    follow(tmp_path, tmp_path / "rdf.json")
    assert json.loads((tmp_path / "rdf.json").read_text())["frames"] == 6
    assert "the run is over" in capsys.readouterr().err


@pytest.mark.slow
def test_control_c_ends_it_with_what_it_has(folder, tmp_path):
    (folder / "XDATCAR").write_text(HEAD + frame(1) + frame(2) + frame(3)[:90])
    out = tmp_path / "rdf.json"
    command = "from ionface.workflows.cli import main; main()"
    words = ["analyze", "rdf", folder, "--follow", "--pair", "In-S", "--every", "0.1"]
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            command,
            *map(str, words),
            "--cutoff",
            "5",
            "--out",
            out,
        ],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
        text=True,
    )
    try:
        for _ in range(600):
            if out.with_suffix(".png").exists():
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate()
    finally:
        process.kill()
    assert process.returncode == 0
    assert "interrupted; wrote" in told
    assert "Traceback" not in told
    assert json.loads(out.read_text())["frames"] == 2


def test_the_next_best_file_is_followed_where_one_is_refused(folder, run_xml, capsys):
    (folder / "vasprun.xml").write_text(run_xml)  # machine-learned forces
    (folder / "XDATCAR").write_text(HEAD + frame(1) + frame(2))
    follow(folder, folder / "rdf.json")
    told = capsys.readouterr().err
    assert "ML_LMLFF" in told
    assert json.loads((folder / "rdf.json").read_text())["frames"] == 2


@pytest.fixture
def run_xml():
    atoms = "<rc><c>In</c></rc>" * 2 + "<rc><c>S </c></rc>" * 6
    basis = "<v> 9.0 0.0 0.0 </v><v> 0.0 9.0 0.0 </v><v> 0.0 0.0 9.0 </v>"
    return (
        '<modeling><incar><i type="logical" name="ML_LMLFF"> T </i>'
        '<i type="int" name="IBRION">0</i><i name="POTIM"> 2.0</i></incar>'
        f'<atominfo><array name="atoms"><set>{atoms}</set></array></atominfo>'
        '<structure name="initialpos"><crystal><varray name="basis">'
        f"{basis}</varray></crystal></structure>\n <calculation>\n </calculation>\n"
        "</modeling>\n"
    )


def test_what_cannot_be_followed_is_said(folder, tmp_path):
    with pytest.raises(IonfaceError, match="does not exist"):
        follow(tmp_path / "no" / "where", tmp_path / "rdf.json")
    packed = folder / "XDATCAR.gz"
    packed.write_bytes(b"")
    with pytest.raises(AnalysisError, match="cannot grow"):
        follow(packed, tmp_path / "rdf.json")
    (folder / "XDATCAR").write_text(HEAD.replace("In S", "Ga S") + frame(1))
    with pytest.raises(AnalysisError, match="'In'"):
        follow(folder, tmp_path / "rdf.json")
    assert not (tmp_path / "rdf.json").exists()


@pytest.mark.slow
def test_the_stand_in_for_vasp_is_followed_while_it_runs(tmp_path):
    from ase.build import bulk
    from ase.io import write

    from ionface.workflows.engines.vasp_double.potcars import stand_in

    folder = tmp_path / "run"
    folder.mkdir()
    atoms = bulk("Al", cubic=True)
    atoms.symbols[-1] = "Cu"
    write(folder / "POSCAR", atoms, format="vasp", direct=True)
    (folder / "INCAR").write_text(
        "IBRION = 0\nNSW = 12\nMDALGO = 2\nSMASS = 0\nPOTIM = 3\nTEBEG = 600\n"
    )
    (folder / "KPOINTS").write_text("mesh\n0\nGamma\n1 1 1\n0 0 0\n")
    (folder / "POTCAR").write_text(stand_in("Al") + stand_in("Cu"))
    process = subprocess.Popen(
        [sys.executable, "-m", "ionface.workflows.engines.vasp_double"],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "OMP_NUM_THREADS": "1",
            "IONFACE_VASP_CALCULATOR": "emt",
        },
        stdout=subprocess.DEVNULL,
    )
    out = tmp_path / "rdf.json"
    try:
        follow(folder, out, pairs=["Al-Cu"], every=0.1)
    finally:
        assert process.wait() == 0
    data = json.loads(out.read_text())
    assert data["frames"] == len(open_trajectory(folder / "vasprun.xml")) == 12
    assert data["windows_fs"][-1][1] == 33.0
    assert data["emulated"] is True
