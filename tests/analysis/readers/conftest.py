"""One synthetic run in every format, in the layouts that VASP prints."""

from dataclasses import dataclass

import numpy as np
import pytest

LATTICE = np.array([[8.0, 0.0, 0.0], [1.5, 9.0, 0.0], [-0.5, 0.25, 7.0]])
SYMBOLS, COUNTS = ("In", "S"), (2, 3)


@dataclass(frozen=True)
class Run:
    """The truth: what every file of the run says.

    Attributes:
        fractional: as printed, eight decimals, shape (n, 5, 3).
        lattice: Å, shape (3, 3).
        counts: of In and S.
    """

    fractional: np.ndarray
    lattice: np.ndarray
    counts: tuple[int, int] = COUNTS

    @property
    def positions(self):
        return self.fractional @ self.lattice

    @property
    def species(self):
        return tuple(
            s for s, n in zip(SYMBOLS, self.counts, strict=True) for _ in range(n)
        )

    def energy(self, index):
        return -20.0 - index / 8

    def xdatcar(self, every=1, first=1):
        head = "run\n           1\n" + "".join(
            "".join(f"{x:12.6f}" for x in row) + "\n" for row in self.lattice
        )
        head += "   In   S\n" + "".join(f"{n:6d}" for n in self.counts) + "\n"
        return head + "".join(
            f"Direct configuration={first + i * every:6d}\n{rows(frame, ' ', 12)}"
            for i, frame in enumerate(self.fractional)
        )

    def vasprun(self, tags="", selective=""):
        atoms = "".join(f"    <rc><c>{s:2}</c><c>   1</c></rc>\n" for s in self.species)
        head = (
            '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n <incar>\n'
            f'  <i type="int" name="IBRION">     0</i>\n{tags} </incar>\n'
            ' <parameters>\n  <i type="int" name="IBRION">     0</i>\n'
            '  <i name="POTIM">      2.00000000</i>\n </parameters>\n <atominfo>\n'
            f'  <array name="atoms" >\n   <set>\n{atoms}   </set>\n  </array>\n'
            " </atominfo>\n"
        )
        first = structure(self.lattice, self.fractional[0], 1, ' name="initialpos"')
        first = first.replace("</structure>", selective + "</structure>")
        steps = "".join(self.step(i) for i in range(len(self.fractional)))
        return head + first + steps + "</modeling>\n"

    def step(self, index):
        energy = f"{self.energy(index):16.8f}"
        electronic = f'    <i name="e_fr_energy">{energy} </i>\n' + (
            f'    <i name="e_wo_entrp">{energy} </i>\n'
            f'    <i name="e_0_energy">{self.energy(index) + 0.5:16.8f} </i>\n'
        )
        forces = rows(np.full((sum(self.counts), 3), 0.25), "   <v> ", 16, " </v>", " ")
        return (
            " <calculation>\n  <scstep>\n   <energy>\n" + electronic + "   </energy>\n"
            "  </scstep>\n" + structure(self.lattice, self.fractional[index], 2) + ""
            f'  <varray name="forces" >\n{forces}  </varray>\n  <energy>\n'
            f'   <i name="e_fr_energy">{energy} </i>\n'
            f'   <i name="e_0_energy">{energy} </i>\n'
            f'   <i name="kinetic">{1.0:16.8f} </i>\n'
            f'   <i name="lattice kinetic">{0.0:16.8f} </i>\n'
            f'   <i name="nosepot">{0.125:16.8f} </i>\n'
            f'   <i name="nosekinetic">{0.25:16.8f} </i>\n'
            f'   <i name="total">{-18.5:16.8f} </i>\n'
            "  </energy>\n </calculation>\n"
        )

    def outcar(self, tags=""):
        head = (
            " vasp.6.4.3 19Mar24 (build) complex\n\n"
            f" INCAR:\n{tags}   VRHFIN =In: s2p1\n   VRHFIN =S : s2p4\n"
            "   ions per type =            "
            f"{self.counts[0]:4d}{self.counts[1]:4d}\n   IBRION =      0\n"
            "   POTIM  = 2.0000    time-step for ionic-motion\n"
        )
        end = " General timing and accounting informations for this job:\n"
        return head + "".join(self._outcar_step(i) for i in range(self.n)) + end

    def _outcar_step(self, i):
        cell = "".join(
            "    " + "".join(f"{x:13.9f}" for x in (*row, 0, 0, 0)) + "\n"
            for row in self.lattice
        )
        table = "".join(
            "".join(f"{x:13.5f}" for x in row) + "    " + f"{0.25:14.6f}" * 3 + "\n"
            for row in self.positions[i]
        )
        rule = " " + "-" * 83 + "\n"
        return (
            f"------- Iteration {i + 1:6d}(   1)  -----\n"
            "      direct lattice vectors                 reciprocal lattice vectors\n"
            f"{cell}\n POSITION                        TOTAL-FORCE (eV/Angst)\n"
            f"{rule}{table}{rule}    total drift:   0.0\n\n"
            f"  free  energy   TOTEN  = {self.energy(i):18.8f} eV\n\n"
            f"  energy  without entropy= {self.energy(i):16.8f}"
            f"  energy(sigma->0) = {self.energy(i) + 0.5:16.8f}\n"
            f"  kinetic energy EKIN   = {1.0:16.6f}\n"
            f"  kin. lattice  EKIN_LAT= {0.0:16.6f}  (temperature  300.50 K)\n"
            f"  total energy   ETOTAL = {-18.5:17.6f} eV\n\n"
        )

    @property
    def n(self):
        return len(self.fractional)

    def vaspout(self, path, n_energies=None, **incar):
        import h5py

        tags = {"IBRION": 0, "POTIM": 2.0, "NSW": self.n} | incar
        with h5py.File(path, "w") as file:
            for name, value in tags.items():
                file[f"input/incar/{name}"] = value
            for place in ("input/poscar", "results/positions"):
                file[f"{place}/ion_types"] = np.array([b"In", b"S"])
                file[f"{place}/number_ion_types"] = np.array(self.counts)
            motion = "intermediate/ion_dynamics"
            file[f"{motion}/position_ions"] = self.fractional
            file[f"{motion}/lattice_vectors"] = np.array([self.lattice] * self.n)
            file[f"{motion}/energies_tags"] = np.array(
                [b"ion-electron   TOTEN", b"temperature    TEIN"]
            )
            energies = [[self.energy(i), 300.5] for i in range(self.n)]
            file[f"{motion}/energies"] = np.array(energies)[:n_energies]
            file["input/potcar/content"] = b"a licensed text"
        return path


def rows(values, before, width, after="", between=""):
    return "".join(
        before + between.join(f"{x:{width}.8f}" for x in row) + after + "\n"
        for row in values
    )


def structure(lattice, fractional, indent, name=""):
    i = " " * indent
    basis = rows(lattice, f"{i}   <v> ", 16, " </v>", " ")
    return (
        f'{i}<structure{name}>\n{i} <crystal>\n{i}  <varray name="basis" >\n{basis}'
        f'{i}  </varray>\n{i}  <i name="volume">    504.00000000 </i>\n{i} </crystal>\n'
        f'{i} <varray name="positions" >\n'
        f"{rows(fractional, f'{i}  <v> ', 16, ' </v>', ' ')}{i} </varray>\n"
        f"{i}</structure>\n"
    )


@pytest.fixture
def make_run():
    """Return a function that makes a random walk of five atoms, or of more."""

    def make(n=6, seed=0, spread=0.01, times=1):
        counts = (COUNTS[0] * times, COUNTS[1] * times)
        atoms = sum(counts)
        rng = np.random.default_rng(seed)
        start = rng.random((atoms, 3))
        walk = start + np.cumsum(rng.normal(0, spread, (n, atoms, 3)), axis=0)
        return Run(np.round(walk, 8), LATTICE, counts)

    return make


@pytest.fixture
def run(make_run):
    return make_run()


# --- runs for the ledger ------------------------------------------------------------


def vasprun(
    atoms="H", titles=None, nsw=10, ediffg=-0.02, steps=((-5.0, 0.5), (-6.0, 0.01)),
    scf=3, ibrion=2, encut=480.0, free=None, end="</modeling>", repeated="",
    given=None, valences=None, added=0.0, heights=None,
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
    rows = "".join(f"<rc><c>{s}</c><c>1</c></rc>" for s in atoms)
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
        "<kpoints><generation param='Gamma'><v type='int' name='divisions'>3 2 1</v>"
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
