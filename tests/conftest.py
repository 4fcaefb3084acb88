"""What all tests share: each leaves the process as it found it."""

import os

import pytest
from hypothesis import settings

# property tests draw the same examples on every machine
settings.register_profile("same-everywhere", derandomize=True, deadline=None)
settings.load_profile("same-everywhere")


# no test takes what another one, or its user, has relaxed
os.environ["IONFACE_BULK_CACHE"] = "off"


def pytest_addoption(parser):
    parser.addoption(
        "--rewrite-docs",
        action="store_true",
        help="write the tables of the docs that tests find",
    )
    parser.addoption(
        "--rounds",
        type=int,
        default=700,
        help="damaged copies of a file that each slow test of the readers tries",
    )


@pytest.fixture(autouse=True)
def environment():
    """Give back the environment as it was: libraries write into it, as custodian does.

    `monkeypatch` undoes its own changes only.
    """
    # a module's fixture may have run custodian, which writes when the batch job began
    os.environ.pop("CUSTODIAN_WALLTIME_START", None)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


# --- runs for the ledger ------------------------------------------------------------


def vasprun(
    atoms="H", titles=None, nsw=10, ediffg=-0.02, steps=((-5.0, 0.5), (-6.0, 0.01)),
    scf=3, ibrion=2, encut=480.0, free=None, end="</modeling>", repeated="",
    given=None, valences=None, mesh=("Gamma", "3 2 1"), added=0.0, heights=None,
):  # fmt: skip
    """Return a vasprun.xml.

    Args:
        steps: (energy, force on the last atom along x) of each.
        given: further tags as the INCAR has them; VASP repeats them as parameters.
        valences: electrons of each species.
        added: ionic energy less the last electronic one, eV.
        heights: third coordinate of each atom, fractional.
    """
    titles = titles or {s: f"PAW_PBE {s} 01Jan2000" for s in dict.fromkeys(atoms)}
    basis = "<varray name='basis'><v>3 0 0</v><v>0 4 0</v><v>0 0 30</v></varray>"
    heights = heights or [0.0] * len(atoms)
    spots = "".join(f"<v>{i / 10} 0 {z}</v>" for i, z in enumerate(heights))
    crystal = f"<crystal>{basis}</crystal><varray name='positions'>{spots}</varray>"
    still = "<v>0 0 0</v>" * (len(atoms) - 1)
    places = {s: number for number, s in enumerate(titles, start=1)}
    rows = "".join(f"<rc><c>{s}</c><c>{places[s]}</c></rc>" for s in atoms)
    valences = valences or dict.fromkeys(titles, "")
    kinds = "".join(
        f"<rc><c>{atoms.count(s)}</c><c>{s}</c><c>1.0</c><c>{valences[s]}</c>"
        f"<c>{title}</c></rc>"
        for s, title in titles.items()
    )
    tags = "".join(map(_tag, (given or {}).items()))
    flags = (
        ""
        if free is None
        else (
            "<varray name='selective'>"
            + "".join(f"<v>{f}</v>" for f in free)
            + "</varray>"
        )
    )
    body = "".join(
        "<calculation>" + f"<scstep><energy><i name='e_fr_energy'>{e - added}</i>"
        f"<i name='e_0_energy'>{e - added - 0.25}</i></energy></scstep>"
        * scf
        + f"<structure>{crystal}</structure>"
        f"<varray name='forces'>{still}<v>{force} 0 0</v></varray>"
        f"<energy><i name='e_fr_energy'>{e}</i><i name='e_0_energy'>{e}</i></energy>"
        "</calculation>"
        for e, force in steps
    )
    return (
        "<?xml version='1.0' encoding='ISO-8859-1'?><modeling>"
        "<generator><i name='version' type='string'>6.4.3</i></generator>"
        f"<incar><i type='string' name='PREC'>Accurate</i>{tags}</incar>"
        f"<kpoints><generation param='{mesh[0]}'>"
        f"<v type='int' name='divisions'>{mesh[1]}</v>"
        "<v name='usershift'>0 0 0</v></generation></kpoints><parameters>"
        f"<i name='ENMAX'>{encut}</i><i type='int' name='NSW'>{nsw}</i>"
        f"<i type='int' name='IBRION'>{ibrion}</i><i name='EDIFFG'>{ediffg}</i>"
        "<i type='int' name='NELM'>60</i><i type='int' name='ISMEAR'>0</i>"
        f"<i name='SIGMA'>0.05</i><i type='int' name='RANDOM'>******</i>{tags}"
        f"<separator name='response functions'>{repeated}</separator></parameters>"
        f"<atominfo><array name='atoms'><set>{rows}</set></array>"
        f"<array name='atomtypes'><set>{kinds}</set></array></atominfo>"
        f"<structure name='initialpos'>{crystal}{flags}</structure>{body}{end}"
    )


def _tag(item):
    name, value = item
    kinds = {bool: "logical", int: "int", str: "string"}
    first = value[0] if isinstance(value, list) else value
    kind = kinds.get(type(first))
    words = " ".join(map(str, value)) if isinstance(value, list) else value
    mark = f" type='{kind}'" if kind else ""
    element = "v" if isinstance(value, list) else "i"
    return f"<{element}{mark} name='{name}'>{words}</{element}>"


@pytest.fixture
def vasp_folder(tmp_path):
    def make(name="run", **content):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "vasprun.xml").write_text(vasprun(**content))
        return folder

    return make
