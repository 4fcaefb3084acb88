"""The phases of a project as one set, and what they say of its systems and contacts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.result import Result
from ionface.analysis.thermodynamics.contact_result import Contact, Contacts
from ionface.analysis.thermodynamics.hull import hull
from ionface.analysis.thermodynamics.literature import Literature
from ionface.analysis.thermodynamics.phases import Phase, PhaseSet
from ionface.analysis.thermodynamics.window import window
from ionface.analysis.thermodynamics.window_result import Windows
from ionface.errors import AnalysisError, IonfaceError
from ionface.structures.phases.library import known_phases, system_remarks
from ionface.structures.specs import CrystalLayer, InterfaceSpec
from ionface.workflows.study.study import PhasesSpec, Study, crystal_label

if TYPE_CHECKING:
    from ionface.workflows.projects.project import Project

ROLE = "phase"
"""Kind of result of the jobs that give one phase each."""

Findings = tuple[str, str, Result | str]
"""Kind of result, subject, and the result or why there is none."""


def literature() -> Literature:
    """Return what the phase library knows besides the cells."""
    return Literature(known_phases(), system_remarks())


def project_phases(project: Project) -> PhaseSet:
    """Return the phases that a project has computed so far.

    Raises:
        IonfaceError: its study has none, or none is done.
    """
    if not project.study.systems:
        raise IonfaceError(
            f"{project.root} has no phases: its study has no `phases:`; add them, as "
            "in phases: {elements: [Li, In]}, or give a folder of VASP runs"
        )
    outputs = []
    for job, _ in project.jobs():
        if job.metadata.get("result") == ROLE:
            query = {"uuid": job.uuid, "index": job.index}
            document = project.store.query_one(query, ["output"], load=True)
            outputs += [document["output"]] if document else []
    if not outputs:
        raise IonfaceError(
            f"{project.root} has no phase that is done; see `ionface status`"
        )
    return phase_set(project, outputs)


def phase_set(project: Project, outputs: Iterable[Mapping[str, Any]]) -> PhaseSet:
    """Return the outputs of a project's phase jobs as one set."""
    return PhaseSet.of(
        map(_restored, outputs),
        sources=(str(project.root),),
        quick=project.study.quick,
    )


def _restored(output: Mapping[str, Any]) -> Phase:
    data = {k: v for k, v in output.items() if k != "formula" and k[0] != "@"}
    return Phase(**{**data, "level": LevelOfTheory.from_dict(data["level"])})


# --- what they say --------------------------------------------------------------------


def findings(study: Study, phases: PhaseSet) -> Iterator[Findings]:
    """Yield hulls, windows and contacts of a study, or why one cannot be had."""
    for spec in study.systems:
        yield _tried("hull", spec.system, partial(_hull, spec, phases))
        if spec.windows:
            yield _tried("window", spec.system, partial(_windows, spec, phases))
    for name, pairs in _pairs(study, phases).items():
        yield _tried("contact", name, partial(_contacts, pairs, phases))


def _tried(kind: str, subject: str, compute: Callable[[], Result]) -> Findings:
    try:
        return kind, subject, compute()
    except AnalysisError as error:
        return kind, subject, str(error)


def _hull(spec: PhasesSpec, phases: PhaseSet) -> Result:
    return hull(
        phases,
        spec.elements,
        corrections=spec.corrections,
        predicted=not spec.observed_only,
        literature=literature(),
    )


def _windows(spec: PhasesSpec, phases: PhaseSet) -> Result:
    found = tuple(
        window(
            phases,
            compound,
            spec.against,
            corrections=spec.corrections,
            predicted=not spec.observed_only,
            literature=literature(),
        )
        for compound in spec.windows
    )
    return Windows(found, provenance=phases.provenance)


Pair = tuple[str, str, PhasesSpec]


def _pairs(study: Study, phases: PhaseSet) -> dict[str, list[Pair]]:
    """Return the contacts that are reported together, by their name in the report.

    Those of one first phase share a figure; that of an interface has its name, and is
    not told a second time where it was asked for by itself.
    """
    found: dict[str, list[Pair]] = {}
    for spec in study.systems:
        for text in spec.contacts:
            first, _, second = text.partition(":")
            found.setdefault(first, []).append((first, second, spec))
    own = {
        interface.name: [pair]
        for interface in study.interfaces
        if (pair := interface_pair(interface, study.systems, phases))
    }
    told = [pair for (pair,) in own.values()]
    asked = {
        first: pairs
        for first, pairs in found.items()
        if len(pairs) > 1 or not any(_same(pairs[0], pair, phases) for pair in told)
    }
    return {**asked, **own}


def _same(asked: Pair, pair: Pair, phases: PhaseSet) -> bool:
    """Tell whether a contact that is asked for is that of an interface."""
    try:
        names = {phases.lowest(name).name for name in asked[:2]}
        return names == {*pair[:2]} and asked[2] == pair[2]
    except AnalysisError:  # one of them is not there: told where it is asked for
        return False


def interface_pair(
    interface: InterfaceSpec, systems: Iterable[PhasesSpec], phases: PhaseSet
) -> Pair | None:
    """Return the two phases of an interface; None where one is not among the phases."""
    names = [
        crystal_label(layer.material)
        for layer in (interface.substrate, interface.film)
        if isinstance(layer, CrystalLayer) and isinstance(layer.material, str)
    ]
    try:
        pair = [phases.lowest(name) for name in names]
    except AnalysisError:
        return None
    for spec in systems:
        if len(pair) == 2 and pair[0].elements | pair[1].elements <= {*spec.elements}:
            return pair[0].name, pair[1].name, spec
    return None


def _contacts(pairs: list[Pair], phases: PhaseSet) -> Result:
    # here: it reads plotly and pandas, which a hull or a window needs not
    from ionface.analysis.thermodynamics.contact import contact

    found: list[Contact] = [
        contact(
            phases,
            first,
            second,
            corrections=spec.corrections,
            predicted=not spec.observed_only,
            literature=literature(),
        )
        for first, second, spec in pairs
    ]
    return Contacts(tuple(found), provenance=phases.provenance)
