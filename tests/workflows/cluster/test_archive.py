"""A project on its way: nothing lost, nothing foreign taken."""

import hashlib
import io
import json
import tarfile
from dataclasses import replace

import pytest

from ionface.errors import IonfaceError
from ionface.structures.specs import RegistryScan
from ionface.workflows.cluster.archive import export_bundle, import_bundle
from ionface.workflows.cluster.transfer import fetch
from ionface.workflows.cluster.worker import work
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project, _programs
from ionface.workflows.study.study import EngineChoice, SpotCheckSpec
from ionface.workflows.study.study_files import load

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def project(study, tmp_path):
    found = Project.create(tmp_path / "home", study)
    runner.run(found)
    return found


def outputs(project):
    return {d["uuid"]: d["output"] for d in project.store.query({}, load=True)}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["b.tar", "b.tar.gz"])
def test_a_bundle_carries_every_result_and_file(project, tmp_path, name):
    carried = export_bundle(project.root, tmp_path / name)
    assert carried.results == 5
    assert (tmp_path / name).stat().st_mode & 0o077 == 0
    import_bundle(tmp_path / name, tmp_path / "away")
    away = Project.open(tmp_path / "away")
    away.trust()
    assert outputs(away) == outputs(project)
    for path in (project.root / "runs").rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            copy = away.root / path.relative_to(project.root)
            assert copy.read_bytes() == path.read_bytes()
    assert not runner.run(away).ran
    assert import_bundle(tmp_path / name, tmp_path / "away").kept == carried.files


def test_a_study_computed_elsewhere_comes_home(study, tmp_path):
    home = Project.create(tmp_path / "home", study)
    export_bundle(home.root, tmp_path / "there.tar")
    import_bundle(tmp_path / "there.tar", tmp_path / "away")
    away = Project.open(tmp_path / "away")
    away.trust()
    assert len(runner.run(away).ran) == 5
    export_bundle(away.root, tmp_path / "back.tar")
    import_bundle(tmp_path / "back.tar", home.root)
    assert outputs(home) == outputs(away)
    assert not home.foreign  # one's own project stays one's own
    assert not runner.run(home).ran


def test_a_foreign_project_is_read_but_not_run_before_its_user_agrees(
    project, study, tmp_path
):
    export_bundle(project.root, tmp_path / "b.tar")
    import_bundle(tmp_path / "b.tar", tmp_path / "away")
    away = Project.open(tmp_path / "away")
    assert {state.state for state in runner.states(away)} == {"done"}
    for use in (lambda: runner.run(away), lambda: Project.create(away.root, study)):
        with pytest.raises(
            IonfaceError, match=r"ase\.calculators\.emt\.EMT.*call `Project.trust\(\)`"
        ):
            use()
    away.trust()
    assert not runner.run(Project.create(away.root, study)).ran


def test_taking_results_runs_nothing_but_what_reads_them(project, tmp_path):
    import shutil

    from jobflow import job

    export_bundle(project.root, tmp_path / "b.tar")
    import_bundle(tmp_path / "b.tar", tmp_path / "away")
    away = Project.open(tmp_path / "away")
    (tmp_path / "away" / "store.sqlite").unlink()
    ran = []
    foreign, _ = away.jobs()[0]
    foreign.function = job(lambda *_, **__: ran.append(1))
    assert len(runner.take_results(away)) == 0  # the others wait for it
    assert not ran
    shutil.rmtree(tmp_path / "away")


def test_potcars_are_never_carried_and_wavefunctions_where_asked(project, tmp_path):
    part = next((project.root / "runs").iterdir())
    for name in ("POTCAR", "POTCAR.gz", "WAVECAR", "POTCAR.spec"):
        (part / name).write_text("x")
    carried = export_bundle(project.root, tmp_path / "b.tar")
    assert sorted(name.rpartition("/")[2] for name in carried.left_out) == [
        "POTCAR", "POTCAR.gz", "WAVECAR",
    ]  # fmt: skip
    carried = export_bundle(project.root, tmp_path / "b.tar", wavefunctions=True)
    assert len(carried.left_out) == 2


def test_a_bundle_that_was_cut_or_changed_is_refused(project, tmp_path):
    path = tmp_path / "b.tar"
    export_bundle(project.root, path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(IonfaceError, match=r"bundle|lacks|copy it again"):
        import_bundle(path, tmp_path / "away")
    where = data.rindex(b"al-ref")
    path.write_bytes(data[:where] + b"AL-REF" + data[where + 6 :])
    with pytest.raises(IonfaceError, match=r"damaged|differs"):
        import_bundle(path, tmp_path / "other")


def test_what_differs_is_not_replaced(project, tmp_path):
    export_bundle(project.root, tmp_path / "b.tar")
    import_bundle(tmp_path / "b.tar", tmp_path / "away")
    study = tmp_path / "away" / "study.yaml"
    study.write_text("mine")
    with pytest.raises(IonfaceError, match="nothing is replaced"):
        import_bundle(tmp_path / "b.tar", tmp_path / "away")
    assert study.read_text() == "mine"


def evil(path, name, kind=tarfile.REGTYPE):
    """Write a bundle in which nothing but a name, or a kind of file, is wrong."""
    inside = b"x" if kind == tarfile.REGTYPE else b""
    entry = {"sha256": hashlib.sha256(inside).hexdigest(), "bytes": len(inside)}
    manifest = json.dumps({"format": 2, "files": {name: entry}}).encode()
    with tarfile.open(path, "w") as tar:
        for inner, data in (("manifest.json", manifest), (f"files/{name}", inside)):
            member = tarfile.TarInfo(inner)
            member.size = len(data)
            if data is inside:
                member.type, member.linkname = kind, "/etc"
            tar.addfile(member, io.BytesIO(data))


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/etc/x",
        "runs/../../x",
        "other/x",
        ".ssh/x",
        # inside, but taken for none of the files that are looked at
        "runs/../project.json",
        "runs/../flow.json",
        "runs//x",
    ],
)
def test_a_path_outside_a_project_is_refused(tmp_path, name):
    evil(tmp_path / "b.tar", name)
    with pytest.raises(IonfaceError, match=r"no plain file|no whole bundle"):
        import_bundle(tmp_path / "b.tar", tmp_path / "away")
    assert not (tmp_path / "x").exists()
    assert not list(tmp_path.glob("away/*"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    evil(tmp_path / "b.tar", "runs/x", kind)
    with pytest.raises(IonfaceError, match=r"no plain file|no whole bundle"):
        import_bundle(tmp_path / "b.tar", tmp_path / "away")


def test_a_graph_that_names_foreign_code_is_not_taken(project, tmp_path):
    path = project.root / "flow.json"
    text = path.read_text()
    module = '"ionface.workflows.flows.jobs"'
    assert module in text
    path.write_text(text.replace(module, '"os"', 1))
    export_bundle(project.root, tmp_path / "b.tar")
    with pytest.raises(IonfaceError, match=r"names 'os\."):
        import_bundle(tmp_path / "b.tar", tmp_path / "away")
    assert not (tmp_path / "away" / "flow.json").exists()


def test_what_is_no_bundle_is_called_so(tmp_path, project):
    (tmp_path / "x.tar").write_bytes(b"hello")
    with pytest.raises(IonfaceError, match="no whole bundle"):
        import_bundle(tmp_path / "x.tar", tmp_path / "away")
    with pytest.raises(IonfaceError, match="cannot write"):
        import_bundle(tmp_path / "none.tar", tmp_path / "away")


def test_results_come_from_the_cluster_into_the_project(cluster, submitted):
    work(cluster)
    moved = fetch(submitted.project)
    assert (moved.documents, moved.kept, moved.waiting) == (5, 0, 0)
    assert fetch(submitted.project, cluster.store).kept == 5
    project = Project.open(submitted.project)
    assert not runner.run(project).ran  # every job is done here, too
    change = {"uuid": project.jobs()[0][0].uuid, "index": 1, "output": 1}
    cluster.store.update(change, key=["uuid", "index"])
    with pytest.raises(IonfaceError, match="another one"):
        fetch(submitted.project, cluster.store)


@pytest.mark.slow
def test_results_come_from_the_store_where_the_folders_stayed_behind(
    cluster, submitted
):
    import shutil

    work(cluster)
    shutil.rmtree(submitted.project / "runs")
    assert fetch(submitted.project).documents == 0
    assert fetch(submitted.project, cluster.store).documents == 5


def bomb(path, said, real, name="runs/x", packed=True):
    """Write a bundle that says one size of a file and holds another one of zeros."""
    manifest = {"format": 2, "files": {name: {"sha256": "0" * 64, "bytes": said}}}
    head = json.dumps(manifest).encode()
    with tarfile.open(path, "w:gz" if packed else "w") as tar:
        for inner, data in (
            ("manifest.json", io.BytesIO(head)),
            ("files/" + name, io.BytesIO(bytes(real))),
        ):
            member = tarfile.TarInfo(inner)
            member.size = len(data.getbuffer())
            tar.addfile(member, data)


def test_a_bundle_that_swells_is_refused_before_anything_is_written(tmp_path):
    bomb(tmp_path / "b.tar.gz", 3_000_000, 3_000_000)
    assert (tmp_path / "b.tar.gz").stat().st_size < 10_000
    with pytest.raises(IonfaceError, match=r"unpack to 0\.003 GB"):
        import_bundle(tmp_path / "b.tar.gz", tmp_path / "away")
    assert not (tmp_path / "away").exists()


def test_a_bundle_that_does_not_fit_on_the_disk_is_refused(tmp_path, monkeypatch):
    from ionface.workflows.cluster import archive

    bomb(tmp_path / "b.tar", 100, 100)
    usage = archive.shutil.disk_usage(tmp_path)._replace(free=50)
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(IonfaceError, match="are free"):
        import_bundle(tmp_path / "b.tar", tmp_path / "away")


def test_a_file_that_is_larger_than_the_bundle_says_is_not_written(tmp_path):
    bomb(tmp_path / "b.tar.gz", 10, 3_000_000)
    with pytest.raises(IonfaceError, match="no plain file"):
        import_bundle(tmp_path / "b.tar.gz", tmp_path / "away")
    assert not list(tmp_path.glob("away/*"))


def test_a_header_that_says_it_is_long_is_not_read_into_memory(tmp_path):
    member = tarfile.TarInfo("x")
    member.type, member.size = tarfile.XHDTYPE, 1 << 40
    (tmp_path / "b.tar").write_bytes(member.tobuf() + bytes(1024))
    with pytest.raises(IonfaceError, match="no whole bundle"):
        import_bundle(tmp_path / "b.tar", tmp_path / "away")


def test_everything_that_a_foreign_study_starts_is_named(study):
    spots = SpotCheckSpec(engine=EngineChoice(calculator="their.Own"))
    theirs = replace(
        study,
        engine=EngineChoice(name="mace", weights="their.model"),
        beside=("cp2k",),
        spot_checks=spots,
        vasp=replace(study.vasp, vasp_cmd="their vasp"),
        dft=replace(study.dft, mpi="their mpi -n {ranks}"),
    )
    assert list(_programs(theirs)) == [
        "engine mace:their.model",
        "engine cp2k",
        "engine their.Own",
        "vasp_cmd 'their vasp'",
        "mpi 'their mpi -n {ranks}'",
    ]
    layered = load("li-zn")
    scanned = replace(layered.interfaces[0], scan=RegistryScan(engine="their.Scan"))
    theirs = replace(layered, interfaces=(scanned,))
    assert "engine their.Scan" in list(_programs(theirs))
