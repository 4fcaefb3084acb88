"""Which analyses a study asks for, with their settings, and the crystals they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ionface.errors import IonfaceError

if TYPE_CHECKING:
    from ionface.analysis.kind import Crystal
    from ionface.analysis.reactions.bond_rule import BondRule
    from ionface.workflows.study.study import DynamicsSpec, Study


def analyses_of(
    run: DynamicsSpec, temperature: float | None = None
) -> dict[str, dict[str, Any]]:
    """Return the settings of every analysis of a run, as plain data by its name.

    An analysis takes what the run itself says where it has a setting of that name:
    pairs, cutoff, windows, references, temperature; `pair` is the first of the pairs.
    What stands beside its name in the study comes before that. Of the references, those
    are taken that have one of the pairs: a run may be compared pair by pair.

    Args:
        run: its `analyses` are names, or a name with settings as in
            {msd: {species: [Li]}}.
        temperature: of the thermostat, K, where the run leaves it to the protocol.

    Raises:
        IonfaceError: an analysis or one of its settings is unknown.
    """
    from ionface.analysis.kinds import analysis

    said = {
        "pairs": list(run.pairs),
        "pair": run.pairs[0] if run.pairs else None,
        "cutoff": run.cutoff,
        "windows": run.windows,
        "references": [name for name in run.references if _serves(name, run.pairs)],
        "temperature": run.temperature or temperature,
    }
    wanted: dict[str, dict[str, Any]] = {}
    for entry in run.analyses:
        for name, own in ({entry: {}} if isinstance(entry, str) else entry).items():
            kind = analysis(name)
            names = {option.name for option in kind.options}
            known = {k: v for k, v in said.items() if k in names and v is not None}
            wanted[name] = known | dict(own or {})
            try:
                kind.configured(wanted[name])
            except IonfaceError as error:
                raise IonfaceError(
                    f"dynamics of {run.interface}, analyses: {error}"
                ) from error
    return wanted


def bond_rules_of(run: DynamicsSpec) -> dict[str, BondRule]:
    """Return what counts as a bond of each pair of a run, as its analyses take it.

    Raises:
        IonfaceError: a reference is unknown.
    """
    from ionface.analysis.reactions.bond_rule import bond_rules

    if not run.pairs:
        return {}
    return bond_rules(run.pairs, _crystals_of(run, run.pairs))


def until_of(run: DynamicsSpec) -> dict[str, Any] | None:
    """Return what ends a run early, with the rule of its bonds as the analyses have.

    Raises:
        IonfaceError: a reference is unknown, or a rule of the study's own reaches the
            second shell of one or misses the first.
    """
    from ionface.analysis.reactions.bond_rule import BondRule
    from ionface.workflows.study.stopping_criterion import criterion

    if run.until is None:
        return None
    pair = str(run.until["pair"])
    crystals = _crystals_of(run, (pair,))
    usual = BondRule.of(pair, crystals)
    given = {"form": float(usual.form), "release": float(usual.release), **run.until}
    criterion(given).rule.check(pair, crystals)
    return given


def _crystals_of(run: DynamicsSpec, pairs: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the RDFs of the references that have one of some pairs."""
    from ionface.analysis.reactions.bond_analyses import crystals_beside

    names = [name for name in run.references if _serves(name, pairs)]
    return crystals_beside(map(reference_crystal, names), pairs)


def bond_rules_by_subject(study: Study) -> dict[str, dict[str, BondRule]]:
    """Return the same of every run of a study, by what jobs call it."""
    rules: dict[str, dict[str, BondRule]] = {}
    for name, run in study.runs.items():
        rules |= dict.fromkeys((name, *run.subjects(name)), bond_rules_of(run))
    return rules


def _serves(reference: str, pairs: Sequence[str]) -> bool:
    """Tell whether a crystal has one of the pairs."""
    species = set(reference_crystal(reference).species)
    return any(set(pair.split("-")) <= species for pair in pairs)


def with_crystals(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings in which references are crystals instead of their names."""
    references = values.get("references")
    if not references:
        return dict(values)
    return {**values, "references": tuple(map(reference_crystal, references))}


def reference_crystal(name: str) -> Crystal:
    """Return a crystal of the library or of a file, at rest.

    Raises:
        StructureError: there is none of this name.
    """
    from ionface.analysis.kind import Crystal
    from ionface.structures.crystals.library import read_crystal

    crystal = read_crystal(name)
    return Crystal(
        name,
        tuple(site.specie.symbol for site in crystal),
        crystal.lattice.matrix,
        crystal.cart_coords,
    )
