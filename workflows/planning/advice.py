"""What the cells of a study say about its settings: refused, or worth a note."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ionface.errors import IonfaceError
from ionface.structures.ledger_cell import context
from ionface.workflows.engines.vasp.inputs import VaspRun
from ionface.workflows.study.incar_keys import EXAMPLES
from ionface.workflows.study.vasp_settings import VaspSettings

OPEN_SHELLS = {
    "Ti": 4.2, "Co": 3.32, "Cr": 3.7, "Fe": 5.3, "Mn": 3.9, "Mo": 4.38, "Ni": 6.2,
    "V": 3.25, "W": 6.2,
}  # fmt: skip
"""U - J in eV of elements whose oxides have, or get, open d shells: Ti from oxygen
vacancies in rutile (Morgan and Watson, doi:10.1016/j.susc.2007.08.025), the others as
in the Materials Project (Jain et al., doi:10.1103/PhysRevB.84.045115)."""


def check_elements(settings: VaspSettings, runs: Iterable[VaspRun]) -> None:
    """Refuse a U or a moment of an element that no cell of the study holds.

    Raises:
        IonfaceError: names the key, the element and those that are there.
    """
    named = {key: settings.incar[key] for key in EXAMPLES if key in settings.incar}
    if not named:
        return
    there = {symbol for run in runs for symbol in run.structure.symbol_set}
    for key, numbers in named.items():
        if there and (absent := sorted(numbers.keys() - there)):
            raise IonfaceError(
                f"vasp.incar: {key} names {absent[0]}, which no cell of this study "
                f"holds; they hold {', '.join(sorted(there))}: correct the symbol, or "
                "leave it out"
            )


def notes(settings: VaspSettings, runs: Sequence[VaspRun]) -> list[str]:
    """Return what a referee would ask about a study's settings, one sentence each."""
    return [
        *_open_shells(settings, runs),
        *_oxygen(settings, runs),
        *_unbound_molecules(settings, runs),
    ]


def _open_shells(settings: VaspSettings, runs: Sequence[VaspRun]) -> Iterator[str]:
    """Yield a note where a metal may reduce an oxide whose shells are kept closed."""
    if "LDAUU" in settings.incar or str(settings.incar.get("ISPIN", 1)) == "2":
        return
    reducible = {
        symbol
        for run in runs
        if context(run.structure).metal and "O" in run.structure.symbol_set
        for symbol in run.structure.symbol_set
        if symbol in OPEN_SHELLS
    }
    for symbol in sorted(reducible):
        yield (
            f"{symbol} has, or may get, an open d shell beside a metal, which closed "
            f"shells (ISPIN = 1) cannot hold; vasp: {{incar: {{LDAUU: {{{symbol}: "
            f"{OPEN_SHELLS[symbol]}}}, MAGMOM: {{{symbol}: 1}}}}}} is usual"
        )


def _oxygen(settings: VaspSettings, runs: Sequence[VaspRun]) -> Iterator[str]:
    """Yield a note where the reference of oxygen is computed with closed shells."""
    pure = any(run.structure.symbol_set == ("O",) for run in runs)
    if pure and str(settings.incar.get("ISPIN", 1)) != "2":
        yield (
            "O2 is a triplet, which closed shells (ISPIN = 1) put some 0.5 eV per atom "
            "too high, and with it every oxidation limit; set vasp: {incar: {ISPIN: 2}}"
        )


def _unbound_molecules(
    settings: VaspSettings, runs: Sequence[VaspRun]
) -> Iterator[str]:
    """Yield a note where a molecule lies on a metal without dispersion."""
    if settings.dispersion or "LUSE_VDW" in settings.incar:
        return
    for run in runs:
        molecules = run.structure.site_properties.get("molecule", ())
        if any(number >= 0 for number in molecules) and context(run.structure).metal:
            yield (
                "a molecule lies on a metal without dispersion, which binds it there "
                "more than anything else; vasp: {dispersion: D3(BJ)} adds it"
            )
            return
