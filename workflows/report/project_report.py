"""Writes what a project has found: results/, figures, one self-contained HTML file.

Every kind of result (`analysis.kinds`) is written, drawn and shown in the same way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ionface.analysis.energies.formation_energies import FormationEnergies
from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.figures.pointer import drawn
from ionface.analysis.figures.style import png
from ionface.analysis.kind import Kind
from ionface.analysis.kinds import kinds
from ionface.analysis.reactions.bonds import BondCounts
from ionface.analysis.reactions.replicas import Replicas
from ionface.analysis.report.page import (
    Card,
    Cell,
    Content,
    Drawing,
    Facts,
    Notice,
    Picture,
    Report,
    Section,
    Statements,
    Table,
)
from ionface.analysis.report.page import write_report as write_html
from ionface.analysis.result import EMULATED, Provenance, Result
from ionface.analysis.run_checks.run_checks import RunChecks
from ionface.analysis.thermodynamics.contact_result import Contacts
from ionface.analysis.thermodynamics.formed import sentences
from ionface.errors import AnalysisError
from ionface.files import write_atomically
from ionface.structures.drawing import figure_model
from ionface.structures.specs import CrystalLayer
from ionface.workflows.engines.ase.named_potentials import said_of_level
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.report.collect import Results, collect
from ionface.workflows.report.how_made import how_made
from ionface.workflows.report.scenes import glance_of
from ionface.workflows.report.structures import FOLDER, write_structures
from ionface.workflows.study.file_names import slug
from ionface.workflows.study.protocols import protocol
from ionface.workflows.study.study import Study, crystal_label

POTENTIAL = "Computed with a machine-learned potential, not with DFT."
HOW_FAR = "How far each is from PBE: docs/potentials.md and ionface yardstick."
PIXELS = 105  # of the page per inch of a figure: its text is as large as the page's
MODEL_DPI = 200  # its atoms are small
KINDS_OF_FILES = {
    ".json": "numbers", ".csv": "table", ".png": "figure", ".svg": "figure",
    ".gif": "film",
    ".ionf": "trajectory",
}  # fmt: skip

MOST_NUMBERS = 8
"""Large numbers at the top; a wall of them tells nothing."""

IN_LINES = (FormationEnergies.kind, BondCounts.kind, Replicas.kind)
"""What stands on the first screen already, beside the model."""

LEVEL_NAMES = {
    "cutoff_ev": "cutoff (eV)",
    "k_points": "k-points",
    "weights": "weights (SHA-256)",
}


@dataclass(frozen=True)
class Shown:
    """A result as it goes into files and into the report.

    Attributes:
        kind: of result.
        subject: interface or crystal; empty for what belongs to the whole study.
        result: its numbers.
        stem: of its files.
        of: what computed it, in words: atoms, temperature, level of theory.
    """

    kind: Kind
    subject: str
    result: Result
    stem: str
    of: str = ""


def write_report(project: Project) -> tuple[Results, Path]:
    """Write results/, figures and report.html; return the results and the path.

    Args:
        project: finished or not.
    """
    results = collect(project)
    project.results.mkdir(parents=True, exist_ok=True)
    write_structures(project)
    write_html(report_of(project, results), project.report)
    return replace(results, page=project.report), project.report


def report_of(project: Project, results: Results) -> Report:
    """Write results/ and return what the report says of them."""
    study, shown = project.study, list(_shown(project.study, results))
    sections = {kind.title: _section(project, kind, shown) for kind in kinds().values()}
    for kind, refusals in results.refused.items():
        title = kinds()[kind].title if kind in kinds() else kind
        sections.setdefault(title, []).extend(
            Statements(f"{subject}: no result", [why])
            for subject, why in refusals.items()
        )
    sections[kinds()[Contacts.kind].title] += _formed(results)
    if results.phases is not None:
        data = json.dumps(results.phases.as_dict(), indent=1)
        write_atomically(project.results / "phases.json", data)
    for name, rdf in results.at_rest.items():
        rdf.write(project.results / f"rdf-{slug(name)}-at-rest.json")
    found = [Section(title, contents) for title, contents in sections.items()]
    everything = [
        found[0],  # the energies, which most readers came for
        Section("Interface models", _models(project, results)),
        *found[1:],
        Section("Levels of theory", _levels(project)),
        Section("Study", [Facts(_settings(project))]),
        Section("How this was made", how_made(project)),
        Section("Files", [Facts(_files(project), links=True)]),
    ]
    return Report(
        title=study.title or study.name,
        subtitle=f"Study {study.name}"
        + (f", protocol {study.protocol}" if study.interfaces else ""),
        notices=_notices(project, results),
        highlights=_highlights(project, shown),
        sections=everything,
        glance=glance_of(project, results),
    )


def _formed(results: Results) -> list[Content]:
    """Return which products of each interface's contact its dynamics have formed."""
    found: list[Content] = []
    for name, contacts in results.found.get(Contacts.kind, {}).items():
        bonds = results.found.get(BondCounts.kind, {}).get(name)
        if isinstance(contacts, Contacts) and isinstance(bonds, BondCounts):
            means = bonds.window_means(bonds.windows)
            counts = {pair: (mean[0], mean[-1]) for pair, mean in means.items()}
            lines = sentences(contacts.contacts[0], counts)
            found.append(Statements(f"{name}: products and dynamics", lines))
    return found


def _shown(study: Study, results: Results) -> Iterator[Shown]:
    """Yield every result, in the order of the kinds and of the study."""
    for name, kind in kinds().items():
        if results.energies.entries and name == results.energies.kind:
            of = _computed_with(study, results, kind, "", results.energies)
            yield Shown(kind, "", results.energies, name, of)
        for subject, result in results.found.get(name, {}).items():
            of = _computed_with(study, results, kind, subject, result)
            yield Shown(kind, subject, result, f"{name}-{slug(subject)}", of)


def _computed_with(
    study: Study, results: Results, kind: Kind, subject: str, result: Result
) -> str:
    """Return a caption's sentence of what is known: "97 atoms, 300 K, 2 ps, EMT"."""
    model, run = (_owner(subject, each) for each in (results.models, study.runs))
    facts = [f"{len(results.models[model].structure)} atoms"] if model else []
    if run and kind.settings is not None:  # of a run, not of a relaxation
        hot = study.runs[run].temperature or protocol(study.protocol).temperature
        facts.append(f"{hot:g} K")
        checked = results.found.get(RunChecks.kind, {})
        facts += [
            f"{checks.duration_ps:.3g} ps"
            for checks in map(checked.get, (subject, run))
            if isinstance(checks, RunChecks)
        ][:1]
    if level := result.provenance.level_of_theory:
        facts.append(LevelOfTheory.label_of(level))
    return ", ".join(facts) + "." if facts else ""


def _owner(subject: str, names: Iterable[str]) -> str | None:
    """Return whose result it is: "LPSCl|In 500 K seed 0" is of LPSCl|In 500 K."""
    mine = [n for n in names if subject == n or subject.startswith(f"{n} ")]
    return max(mine, key=len, default=None)


def _section(project: Project, kind: Kind, shown: Sequence[Shown]) -> list[Content]:
    """Return figures and tables of one kind, and write its files."""
    mine = {item.subject: item.result for item in shown if item.kind is kind}
    contents: list[Content] = [*kind.beside(mine)]
    for item in shown:
        if item.kind is not kind:
            continue
        if picture := _written(project, item):
            contents.append(picture)
        if kind.film is not None:
            contents.append(_film(project, item, kind.film))
        marks = " ".join(_worth(item.result.provenance))
        contents += [
            _of_subject(content, item.subject, marks)
            for content in kind.contents(item.result)
        ]
    return contents


def _of_subject(
    content: Table | Statements, subject: str, marks: str
) -> Table | Statements:
    """Return a table or sentences with what they are of, and what they are worth."""
    title = " ".join(text for text in (subject, content.title) if text)
    if isinstance(content, Statements):
        return replace(content, title=title)
    caption = " ".join(text for text in (marks, content.caption) if text)
    return replace(content, title=title, caption=caption)


def _written(project: Project, item: Shown) -> Drawing | None:
    """Write a result as JSON, CSV and SVG; return its figure, if it has one.

    A PNG is made of the SVG by the page's button: drawing takes longer than all else.
    """
    folder = project.results
    item.result.write(folder / f"{item.stem}.json")
    try:
        item.result.to_csv(folder / f"{item.stem}.csv")
        figure = item.result.plot(title=item.subject)
    except AnalysisError:  # nothing to draw; its tables say what there is
        return None
    shown = drawn(figure)
    path = write_atomically(folder / f"{item.stem}.svg", shown.document)
    thinned = (
        f" Values beside the pointer: one of {shown.thinned} points."
        if shown.thinned > 1
        else ""
    )
    title = f"{item.kind.title} of {item.subject}" if item.subject else item.kind.title
    caption = " ".join(filter(None, [item.kind.caption, item.of])) + thinned
    width = round(figure.get_figwidth() * PIXELS)
    file = f"results/{path.name}"
    of = " ".join([*_worth(item.result.provenance), item.of]).strip()
    return Drawing(shown.svg, shown.panels, width, title, caption, file, of)


def _film(project: Project, item: Shown, make: Callable[[Result], bytes]) -> Picture:
    """Write a result's film; one that is there is kept, since it takes many seconds."""
    path = project.results / f"{item.stem}.gif"
    if not path.is_file():
        write_atomically(path, make(item.result))
    caption = f"{item.subject}: the growth in time."
    return Picture(path.read_bytes(), "", caption, f"results/{path.name}")


def _models(project: Project, results: Results) -> list[Card]:
    cards = []
    for name, model in results.models.items():
        path = project.results / f"model-{slug(name)}.png"
        if not path.is_file():  # a model never changes, and its picture takes a second
            write_atomically(path, png(figure_model(model), dpi=MODEL_DPI))
        facts, file = _model_facts(model.summary()), f"results/{path.name}"
        cards.append(Card(name, facts, path.read_bytes(), file=file))
    return cards


def _model_facts(summary: dict[str, Any]) -> dict[str, Cell]:
    return (
        dict(summary["formula"])
        | {
            "film": summary["film"],
            "substrate": summary["substrate"],
            "lattices": summary["lattices"],
            "atoms": summary["atoms"],
            "area": f"{summary['area']:.2f} Å²",
            "largest strain": f"{100 * summary['max_strain']:.2f} %",
            "gap": f"{summary['gap']:.2f} Å ({summary['gap_from']})",
            "vacuum": f"{summary['vacuum']:g} Å",
            "interfaces in the cell": summary["n_interfaces"],
            "closest pair across": (
                f"{summary['shortest_pair']} {summary['shortest_distance']:.2f} Å"
            ),
        }
        | ({"notes": "; ".join(summary["notes"])} if summary["notes"] else {})
    )


def _worth(provenance: Provenance) -> list[str]:
    """Return what must be said of numbers wherever they stand, in sentences."""
    return [f"{mark}." for mark in provenance.marks]


def _quick(study: Study) -> str:
    """Return what makes a run a rehearsal, with its own numbers."""
    facts, defaults = [], protocol(study.protocol)
    if study.formation_names:
        facts.append(f"forces below {study.relaxation.fmax or defaults.fmax:g} eV/Å")
    if study.dynamics:
        ps = {
            f"{run.steps * (run.timestep or defaults.timestep) / 1000:.3g} ps of {name}"
            for name, run in study.runs.items()
        }
        facts += sorted(ps)
    layers = [
        f"{s.film.layers} on {s.substrate.layers} layers in {s.name}"
        for s in study.interfaces
        if isinstance(s.film, CrystalLayer)
        and isinstance(s.substrate, CrystalLayer)
        and s.film.layers
        and s.substrate.layers
    ]
    told = ", ".join([*facts, *layers])
    return f"Quick run ({told}): a rehearsal, its numbers are no results."


def _notices(project: Project, results: Results) -> list[Notice]:
    levels = project.identity["levels"]
    # of the project as a whole, also while it has no results yet
    emulated = any(level.get("emulated") for level in levels.values())
    planned = Provenance(emulated=emulated, quick=project.study.quick)
    worth = Provenance.joint([planned, results.provenance])
    notices = [Notice("warning", f"{EMULATED}.")] if worth.emulated else []
    if worth.quick:
        notices.append(Notice("warning", _quick(project.study)))
    states = runner.states(project)
    if left := [state for state in states if state.state != "done"]:
        failed = sum(state.state == "failed" for state in left)
        text = f"Unfinished: {len(left)} of {len(states)} jobs are not done"
        notices.append(Notice("warning", f"{text}, {failed} of them failed."))
    models = {
        said_of_level(level): None for level in levels.values() if level.get("weights")
    }
    if models:
        notices.append(Notice("note", " ".join([POTENTIAL, *models, HOW_FAR])))
    return notices


def _highlights(project: Project, shown: Sequence[Shown]) -> list[tuple[str, str]]:
    """Return the large numbers: of interfaces, not of the crystals beside them.

    The first of each kind where there are too many for the top of a page.
    """
    beside = {crystal_label(line.crystal) for line in project.study.references}
    found: dict[str, list[tuple[str, str]]] = {}
    for item in shown:
        if item.subject not in beside and item.kind.name not in IN_LINES:
            mark = ", emulated" if item.result.provenance.emulated else ""
            found.setdefault(item.kind.name, []).extend(
                (value, what + mark)
                for value, what in item.kind.highlights(item.result)
            )
    total = sum(map(len, found.values()))
    if total > MOST_NUMBERS:
        share = MOST_NUMBERS // len([group for group in found.values() if group])
        found = {name: group[: max(1, share)] for name, group in found.items()}
    numbers = [number for group in found.values() for number in group]
    left = total - len(numbers)
    return numbers + [(f"+ {left}", "more numbers below")] * (left > 0)


def _levels(project: Project) -> list[Card]:
    """Return the levels of theory; what is not stated is left out."""
    return [
        Card(
            name,
            {
                LEVEL_NAMES.get(key, key): _plain(value)
                for key, value in level.items()
                if value not in (None, "", [], (), {}, False) and key != "emulated"
            },
            emulated=bool(level.get("emulated")),
        )
        for name, level in project.identity["levels"].items()
    ]


def _plain(value: Any) -> Cell:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value if isinstance(value, str | int | float) else str(value)


def _settings(project: Project) -> dict[str, Cell]:
    study, defaults = project.study, protocol(project.study.protocol)
    settings: dict[str, Cell] = {}
    if study.interfaces:
        settings |= {
            "forces below": f"{study.relaxation.fmax or defaults.fmax} eV/Å",
            "slabs": study.slabs,
            "protocol's source": defaults.source,
        }
    for cell in study.deposition:
        g = cell.geometry
        settings[f"deposition in {cell.name}"] = (
            f"{cell.capacity_mah_per_cm2:g} mAh/cm² at {cell.current_ma_per_cm2:g} "
            f"mA/cm², strip of {g.width_um:g} x {g.thickness_um:g} µm, "
            f"{g.columns} x {g.rows} elements, seed {cell.seed.shape} of "
            f"{cell.seed.amplitude_um:g} µm, method {cell.method}"
        )
    for name, run in study.runs.items():
        timestep = run.timestep or defaults.timestep
        settings[f"dynamics of {name}"] = (
            f"{run.steps} steps of {timestep} fs at "
            f"{run.temperature or defaults.temperature} K, Nosé-Hoover"
            + (f", pairs {', '.join(run.pairs)}" if run.pairs else "")
        )
    return settings


def _files(project: Project) -> dict[str, Cell]:
    """Return what lies beside the report, for its links."""
    here, listed = project.report.parent, dict[str, Cell]()
    if (here / "study.yaml").is_file():
        listed["study.yaml"] = "the study as resolved"
    for folder in ("results", "trajectories"):
        for path in sorted((here / folder).glob("*")):
            if path.suffix in KINDS_OF_FILES and not path.name.startswith("."):
                listed[f"{folder}/{path.name}"] = KINDS_OF_FILES[path.suffix]
    if (project.results / FOLDER).is_dir():
        listed[f"results/{FOLDER}/"] = "relaxed structures (POSCAR, CIF, extxyz)"
    return listed
