"""The papers' settings as frozen data, each with its source.

A protocol says how a study is computed; the engine says by what. Potentials take the
force criterion, temperature and time step; plane-wave settings are for plane waves.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from workflows.errors import IonfaceError


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


LI_2024 = Protocol(
    name="li-2024",
    functional="PBE",
    cutoff=480.0,
    fmax=0.02,
    vacuum=20.0,
    temperature=300.0,
    timestep=2.0,
    thermostat_period=40.0,
    source=(
        "Supporting information of 'Stabilizing LAGP/Li interface and in-situ "
        "visualizing the interfacial structure evolution' (dynamics: our choice)"
    ),
)
LUO_2021 = Protocol(
    name="luo-2021",
    functional="PBE",
    cutoff=500.0,
    fmax=0.05,
    vacuum=20.0,
    temperature=300.0,
    timestep=2.0,
    thermostat_period=40.0,
    source=(
        "'Issue of lithium-indium anode in high energy and power all-solid-state "
        "lithium batteries' (2021): NVT, Nosé, 2 fs, 300 K, 10,000 steps "
        "(force criterion and vacuum: our choice)"
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
