import json
import shutil
import sys

import pytest

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.keys import digest, key_of
from ionface.workflows.engines.vasp_double.replay import record, replay
from ionface.workflows.engines.vasp_double.stand_in_potcars import stand_in

from .conftest import RELAX, STATIC

OURS = (sys.executable, "-m", "ionface.workflows.engines.vasp_double")
WRITER = """
import sys
from pathlib import Path
print("out of the command")
print("error of the command", file=sys.stderr)
Path("OUTCAR").write_text("result\\n")
Path("WAVECAR").write_bytes(bytes(3_000_000))
Path("POTCAR.copy").write_text("secret")
Path("notes").write_text("x  parameters from PSCTR are: y")
sys.exit(3)
"""


@pytest.fixture
def command(tmp_path):
    path = tmp_path / "writer.py"
    path.write_text(WRITER)
    return (sys.executable, str(path))


def _entry(folder, registry):
    return registry / digest(key_of(folder))


def test_a_recorded_run_is_given_again_with_its_status(
    run_folder, tmp_path, command, capsys
):
    folder, registry = run_folder(STATIC), tmp_path / "registry"
    assert record(folder, registry, command, limit_mb=1) == 3
    (folder / "OUTCAR").unlink()
    capsys.readouterr()
    assert replay(folder, registry) == 3
    printed = capsys.readouterr()
    assert printed.out == "out of the command\n"
    assert printed.err == "error of the command\n"
    assert (folder / "OUTCAR").read_text() == "result\n"


def test_no_potcar_and_no_large_file_is_kept(run_folder, tmp_path, command):
    folder, registry = run_folder(STATIC), tmp_path / "registry"
    (folder / "POTCAR").write_text(stand_in("Al") + stand_in("Cu"))
    record(folder, registry, command, limit_mb=1)
    entry = _entry(folder, registry)
    assert [path.name for path in (entry / "files").iterdir()] == ["OUTCAR"]
    told = json.loads((entry / "entry.json").read_text())
    assert sorted(told["left_out"]) == ["WAVECAR", "notes"]
    everything = b"".join(p.read_bytes() for p in registry.rglob("*") if p.is_file())
    assert b"PSCTR" not in everything
    assert b"secret" not in everything


def test_files_that_the_command_did_not_touch_are_not_its_outputs(
    run_folder, tmp_path, command
):
    folder, registry = run_folder(STATIC), tmp_path / "registry"
    (folder / "OSZICAR").write_text("from another run")
    record(folder, registry, command)
    assert not (_entry(folder, registry) / "files" / "OSZICAR").exists()


def test_a_miss_tells_what_differs_from_the_nearest(run_folder, tmp_path, command):
    registry = tmp_path / "registry"
    record(run_folder(STATIC, name="near"), registry, command)
    record(run_folder(RELAX, name="far"), registry, command)
    asked = run_folder(STATIC.replace("300", "400"), name="asked")
    with pytest.raises(InputError) as caught:
        replay(asked, registry)
    message = str(caught.value)
    assert "differs in 1" in message
    assert "INCAR ENCUT: 400.0 here, 300.0 recorded" in message
    assert not (asked / "OUTCAR").exists()


def test_an_empty_registry_says_how_to_fill_it(run_folder, tmp_path):
    with pytest.raises(InputError, match="--record"):
        replay(run_folder(STATIC), tmp_path / "nowhere")


def test_a_command_that_does_not_start_leaves_no_entry(run_folder, tmp_path):
    registry = tmp_path / "registry"
    with pytest.raises(InputError, match="cannot start"):
        record(run_folder(STATIC), registry, ["/no/such/vasp"])
    assert list(registry.iterdir()) == []


def test_two_recorders_at_once_leave_one_whole_entry(run_folder, tmp_path, command):
    from concurrent.futures import ThreadPoolExecutor
    from unittest.mock import patch

    registry = tmp_path / "registry"
    folders = [run_folder(STATIC, name=f"run{n}") for n in range(4)]
    # signals can be handled in a main thread only; the executable is one
    with (
        patch("ionface.workflows.engines.vasp_double.replay.signal"),
        ThreadPoolExecutor(4) as pool,
    ):
        codes = list(pool.map(lambda f: record(f, registry, command), folders))
    assert codes == [3] * 4
    assert [path.name for path in registry.iterdir()] == [digest(key_of(folders[0]))]
    for folder in folders:
        (folder / "OUTCAR").unlink()
        assert replay(folder, registry) == 3
        assert (folder / "OUTCAR").read_text() == "result\n"


def test_the_executable_records_and_replays_itself(run_folder, tmp_path, double):
    registry = tmp_path / "registry"
    folder = run_folder(RELAX)
    run = double(folder, "--registry", registry, "--record", *OURS)
    assert run.returncode == 0
    assert "F=" in run.stdout
    clean = tmp_path / "clean"
    clean.mkdir()
    for name in ("INCAR", "KPOINTS", "POSCAR", "POTCAR.spec"):
        shutil.copy(folder / name, clean)
    again = double(
        clean, IONFACE_VASP_MODE="replay", IONFACE_VASP_REGISTRY=str(registry)
    )
    assert again.returncode == 0
    assert again.stdout == run.stdout
    for name in ("vasprun.xml", "OSZICAR", "CONTCAR", "XDATCAR"):
        assert (clean / name).read_bytes() == (folder / name).read_bytes()
    (clean / "INCAR").write_text(STATIC)
    miss = double(clean, "--mode", "replay", "--registry", registry)
    assert miss.returncode == 1
    assert "nearest" in miss.stderr


def test_the_environment_can_tell_to_record(run_folder, tmp_path, double):
    registry = tmp_path / "registry"
    folder = run_folder(STATIC)
    run = double(
        folder,
        IONFACE_VASP_RECORD=" ".join(OURS),
        IONFACE_VASP_REGISTRY=str(registry),
    )
    assert run.returncode == 0
    assert (_entry(folder, registry) / "files" / "OUTCAR").is_file()
