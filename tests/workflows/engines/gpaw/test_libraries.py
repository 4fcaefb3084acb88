"""Doctor tells which libraries GPAW has, from its module or from the system."""

from ionface.workflows.cli import doctor_command
from ionface.workflows.engines.gpaw import libraries


def test_a_gpaw_that_is_built_is_asked_itself(tmp_path, monkeypatch):
    names = b"\0libxc.so.9\0libopenblasp-r0.so\0libfftw3_omp.so.3\0libc.so.6\0"
    (tmp_path / "_gpaw.abi3.so").write_bytes(b"\x7fELF" + names)
    monkeypatch.syspath_prepend(tmp_path)
    assert libraries.there() == ["xc", "openblas", "fftw3"]
    finding = doctor_command._gpaw_libraries()
    assert finding.state == "missing"
    assert finding.detail == "linked with xc, openblas, fftw3; not scalapack"
    assert "GPAW: apt install libscalapack-openmpi-dev, before" in finding.way_out


def test_before_it_is_built_the_system_is_asked(monkeypatch):
    monkeypatch.setattr(libraries, "find_spec", lambda name: None)
    here = {"xc": "libxc.so.9", "scalapack-openmpi": "libscalapack-openmpi.so.2"}
    monkeypatch.setattr(libraries, "find_library", here.get)
    finding = doctor_command._gpaw_libraries()
    assert finding.detail == "here: xc, scalapack; not openblas, fftw3"
    assert "apt install libopenblas-dev libfftw3-dev, before" in finding.way_out
    monkeypatch.setattr(libraries, "find_library", str)
    assert doctor_command._gpaw_libraries().state == "ok"


def test_doctor_has_a_line_of_them():
    subjects = [finding.subject for finding in doctor_command.findings()]
    assert subjects.index("libraries of GPAW") + 1 == subjects.index("MPI")
