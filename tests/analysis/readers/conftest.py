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

    def vaspout(self, path, n_energies=None, names=SYMBOLS, **incar):
        import h5py

        tags = {"IBRION": 0, "POTIM": 2.0, "NSW": self.n} | incar
        with h5py.File(path, "w") as file:
            for name, value in tags.items():
                file[f"input/incar/{name}"] = value
            for place in ("input/poscar", "results/positions"):
                file[f"{place}/ion_types"] = np.array([n.encode() for n in names])
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

    def xyz(self, comment="", labels=None, behind=""):
        """Return xyz text; a comment may name {i}, the frame, and {cell}."""
        cell = " ".join(f"{x:.8f}" for x in self.lattice.ravel())
        labels = labels or dict(zip(self.species, self.species, strict=True))
        text = ""
        for i, frame in enumerate(self.positions):
            rows = "".join(
                f"{labels[s]} " + " ".join(f"{x:.8f}" for x in row) + "\n"
                for s, row in zip(self.species, frame, strict=True)
            )
            text += f"{len(frame)}\n{comment.format(i=i, t=2.0 * i, cell=cell)}\n{rows}"
            text += behind.format(*(" ".join(map(str, v)) for v in self.lattice))
        return text

    def extxyz(self):
        """Return extended xyz as ASE and others write it."""
        return self.xyz('Lattice="{cell}" Properties=species:S:1:pos:R:3 time_fs={t}')

    def dump(self, columns="id element xu yu zu", units=None, time=False, turned=False):
        """Return a LAMMPS dump of a triclinic box."""
        (a, _, _), (xy, b, _), (xz, yz, c) = self.lattice
        low, high = min(0, xy, xz, xy + xz), a + max(0, xy, xz, xy + xz)
        box = f"{low} {high} {xy}\n{min(0, yz)} {b + max(0, yz)} {xz}\n0 {c} {yz}\n"
        text = f"ITEM: UNITS\n{units}\n" if units else ""
        for i, frame in enumerate(self.positions):
            rows, scaled = [], self.fractional[i]
            for n, (symbol, position) in enumerate(
                zip(self.species, frame, strict=True)
            ):
                told = {"id": n + 1, "element": symbol, "type": 1 + (symbol == "S")}
                told["mass"] = 114.818 if symbol == "In" else 32.06
                told |= dict(zip(("xu", "yu", "zu"), position, strict=True))
                told |= dict(zip(("xs", "ys", "zs"), scaled[n], strict=True))
                words = [str(told[name]) for name in columns.split()]
                rows.append(" ".join(words) + "\n")
            if time:
                text += f"ITEM: TIME\n{0.002 * i}\n"
            text += f"ITEM: TIMESTEP\n{4 * i}\nITEM: NUMBER OF ATOMS\n{len(frame)}\n"
            text += f"ITEM: BOX BOUNDS xy xz yz pp pp pp\n{box}ITEM: ATOMS {columns}\n"
            text += "".join(rows[::-1] if turned else rows)
        return text


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
