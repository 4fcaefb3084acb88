"""Published windows, plateaus and driving forces beside those of SevenNet-0.

    python benchmarks/thermodynamics.py [phases.json]

Prints a Markdown table, in about five seconds. Energies are those of
tests/data/phases_sevennet0.json, or of a project's results/phases.json.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from ionface.analysis.thermodynamics.contact import contact
from ionface.analysis.thermodynamics.hull import hull
from ionface.analysis.thermodynamics.phases import PhaseSet
from ionface.analysis.thermodynamics.reaction import reaction_energy
from ionface.analysis.thermodynamics.window import window
from ionface.errors import AnalysisError

STORED = Path(__file__).parents[1] / "tests" / "data" / "phases_sevennet0.json"

WINDOWS = {
    # V; Zhu et al., doi:10.1021/acsami.5b07517
    "Li6PS5Cl": (1.71, 2.01),
    "Li3PS4": (1.71, 2.31),
    "Li10GeP2S12": (1.71, 2.14),
    "LiGe2(PO4)3": (2.70, 4.27),
    "LiTi2(PO4)3": (2.17, 4.21),
    "Li3PO4": (0.69, 4.21),
    "LiAlO2": (),
}
PLATEAUS = {
    # V; measured, at 25 °C where known
    "Li-In": (0.62,),
    "Li-Sn": (0.760, 0.660, 0.530),
    "Li-Ga": (),
    "Li-Al": (0.385,),
    "Li-Ge": (),
    "Li-Zn": (),
}
CONTACTS = ("Li6PS5Cl:Li", "Li6PS5Cl:LiIn", "Li6PS5Cl:In", "Li3PS4:LiIn")
REACTIONS = (
    "LiCl + In -> InCl + LiIn",
    "Li6PS5Cl + In -> Li2S + LiCl + InS + P",
    "LiAlO2 + Li -> Li2O + LiAl",
)

Row = tuple[str, str, str]
Values = tuple[float, ...]


def rows(phases: PhaseSet) -> Iterator[Row]:
    """Yield what is compared, the published and the computed value."""
    for compound, published in WINDOWS.items():
        told = _told(phases, _window, compound)
        yield f"window of {compound}, V", _words(published, "–"), told
    for system, measured in PLATEAUS.items():
        told = _told(phases, _plateaus, system)
        yield f"plateaus of {system}, V", _words(measured, ", "), told
    for pair in CONTACTS:
        yield pair.replace(":", " on "), "", _told(phases, _contact, pair)
    for text in REACTIONS:
        yield text, "", f"{reaction_energy(phases, text):+.2f} eV"


def _told(phases: PhaseSet, of: Callable[[PhaseSet, str], str], name: str) -> str:
    try:
        return of(phases, name)
    except AnalysisError:
        return "not among these phases"


def _words(values: Values, joined: str) -> str:
    return joined.join(f"{value:.2f}" for value in values)


def _window(phases: PhaseSet, compound: str) -> str:
    found = window(phases, compound)
    told = " / ".join(
        f"{low:.2f}–{high:.2f} ({name})" for name, (low, high) in found.spread.items()
    )
    return f"{told}; {found.at(0.0).energy_at(0.0):.3f} eV/atom at 0 V"


def _plateaus(phases: PhaseSet, system: str) -> str:
    found = hull(phases, system.split("-")).plateaus
    return ", ".join(f"{plateau.potential:.3f} ({plateau.rich})" for plateau in found)


def _contact(phases: PhaseSet, pair: str) -> str:
    found = contact(phases, *pair.split(":"))
    return f"{found.driving_force:.3f}, mutual {found.mutual:.3f} eV/atom"


def main() -> None:
    """Print the table."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else STORED
    phases = PhaseSet.from_dict(json.loads(path.read_text()))
    print(f"| what | published | {phases.level.label} |\n|---|---|---|")
    for row in rows(phases):
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
