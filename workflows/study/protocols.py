"""The papers' settings as frozen data, each with its source.

A protocol says how a study is computed; the engine says by what. Potentials take the
force criterion, temperature and time step; plane-wave settings are for plane waves.
What a paper leaves open has a default here, with its reason (`choices`); a study
overrides it in its section `vasp`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches

from ionface.errors import IonfaceError

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Choice:
    """One setting that a paper does not state, and why it is what it is.

    Attributes:
        name: an INCAR key, or k_spacing and k_spacing_metal (Å⁻¹, 2π included),
            dispersion, dipole, potcars.
        value: the default.
        reason: in one sentence.
    """

    name: str
    value: Value
    reason: str


@dataclass(frozen=True)
class Protocol:
    """One paper's choices.

    Attributes:
        name: as in study files.
        functional: of the exchange and correlation energy.
        cutoff: of the plane waves, eV.
        fmax: force below which a relaxation is converged, eV/Å.
        vacuum: thickness above a slab, Å.
        temperature: of the dynamics, K.
        timestep: of the dynamics, fs.
        thermostat_period: of the Nosé thermostat, in steps (SMASS=0 in VASP).
        source: where these values are stated.
        ediff: change of the energy at which the electrons are converged, eV.
        steps: of the paper's dynamics; None if it has none.
        choices: what the paper leaves open.
    """

    name: str
    functional: str
    cutoff: float
    fmax: float
    vacuum: float
    temperature: float
    timestep: float
    thermostat_period: float
    source: str
    ediff: float = 1e-5
    steps: int | None = None
    choices: tuple[Choice, ...] = ()

    def choice(self, name: str) -> Value:
        """Return the default of a setting that the paper leaves open.

        Raises:
            KeyError: it is not one of `choices`.
        """
        found = {choice.name: choice.value for choice in self.choices}
        if name not in found:
            raise KeyError(f"{self.name} makes no choice of {name}; has {list(found)}")
        return found[name]


OPEN_CHOICES = (
    Choice(
        "k_spacing",
        0.28,
        "one mesh for all terms of a ledger, from the interface's in-plane cell: "
        "3x2x1 on the 8.28 x 20.67 Å facet of LAGP, 7x7x7 for the Li cell",
    ),
    Choice(
        "k_spacing_metal",
        0.2,
        "the same where a phase is a metal, whose error does not cancel: at 0.28 it is "
        "0.03 J/m² for Li on LAGP, and changes with the film's thickness",
    ),
    Choice("ISMEAR", 0, "Gaussian suits metal and insulator in one cell"),
    Choice("SIGMA", 0.05, "eV; small enough that E(sigma -> 0) moves by under 1 meV"),
    Choice("dispersion", None, "the papers name none; D3(BJ) for polymers: override"),
    Choice(
        "dipole",
        "auto",
        "slabs with vacuum are asymmetric and get the correction, sandwiches cannot",
    ),
    Choice(
        "potcars",
        "PBE_54",
        "recommended ones, but plain Li: Li_sv (ENMAX 499 eV) would be "
        "under-converged at 480 eV",
    ),
    Choice("ISPIN", 1, "closed shells and simple metals; 2 where Ti(III) may form"),
    Choice("ISYM", 0, "slabs must be as free to break symmetry as the interface is"),
    Choice("LASPH", False, "VASP's default, as papers that are silent have run it"),
    Choice("LMAXMIX", 4, "d electrons of Ge and In; one mixing for all terms"),
    Choice("ALGO", "Fast", "Davidson, then RMM-DIIS: robust and fast for slabs"),
)
LI_2024 = Protocol(
    name="li-2024",
    functional="PBE",
    cutoff=480.0,
    fmax=0.02,
    vacuum=20.0,
    temperature=300.0,
    timestep=2.0,
    thermostat_period=40.0,
    ediff=1e-5,
    source=(
        "Supporting information of 'Stabilizing LAGP/Li interface and in-situ "
        "visualizing the interfacial structure evolution' (dynamics: our choice)"
    ),
    choices=OPEN_CHOICES,
)
LUO_2021 = replace(
    LI_2024,
    name="luo-2021",
    cutoff=500.0,
    fmax=0.05,
    steps=10000,
    source=(
        "'Issue of lithium-indium anode in high energy and power all-solid-state "
        "lithium batteries' (2021): PBE, 500 eV, 1x1x1 k-mesh, NVT, Nosé, 2 fs, "
        "300 K, 10,000 steps (force and energy criteria, vacuum: our choice; energies, "
        "of which the paper has none, on the k-mesh of li-2024)"
    ),
)
PROTOCOLS = {protocol.name: protocol for protocol in (LI_2024, LUO_2021)}


def protocol(name: str) -> Protocol:
    """Return a protocol by its name.

    Raises:
        IonfaceError: there is none of this name.
    """
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    close = get_close_matches(name, PROTOCOLS, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise IonfaceError(f"unknown protocol {name!r}; {hint}have {sorted(PROTOCOLS)}")
