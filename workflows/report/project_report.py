"""Writes a project's report: results, figures, one self-contained HTML file."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ionface.analysis.rdf.bonds import BondCounts
from ionface.analysis.report.content import (
    ModelCard,
    Notice,
    Picture,
    ReportContent,
    Table,
)
from ionface.analysis.report.page import write_report as write_html
from ionface.workflows.flows.ensembles import spreads
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.projects.results import Results, write_results
from ionface.workflows.report.report_figures import write_figures
from ionface.workflows.study.protocols import protocol

QUICK = (
    "Quick run: thin slabs, loose forces, 0.4 ps. It shows that everything works; "
    "its numbers are no results."
)
EMULATED = "Emulated: a stand-in made these outputs. They are no calculation."
POTENTIAL = (
    "Computed with a machine-learned potential, not with DFT. Totals on the raw PBE "
    "scale may stand beside a VASP table; surfaces come out too soft, and interface "
    "energies inherit that (see docs/results.md)."
)


def write_report(project: Project) -> tuple[Results, Path]:
    """Write results/, figures and report.html; return the results and the path."""
    results = write_results(project)
    figures = write_figures(project, results)
    path = project.root / "report.html"
    write_html(report_content(project, results, figures), path)
    return results, path


def report_content(
    project: Project, results: Results, figures: dict[str, Path]
) -> ReportContent:
    """Return what the report says."""
    study = project.study
    return ReportContent(
        title=study.title or study.name,
        subtitle=f"Study {study.name}, protocol {study.protocol}",
        notices=_notices(project, results),
        highlights=_highlights(results),
        settings=_settings(project),
        models=[
            ModelCard(name, _facts(model.summary()), _data(figures, f"model:{name}"))
            for name, model in results.models.items()
        ],
        energies=_energies(project, results),
        checks={entry["name"]: entry["checks"] for entry in results.energies},
        energy_figure=_picture(
            figures, "energies:", "", "Negative: contact is a gain."
        ),
        landscapes=_pictures(
            figures,
            "landscape",
            "Rigid film over rigid substrate, each shift at its "
            "best gap; the model that is run stands at the lowest point.",
        ),
        rdfs=_pictures(figures, "rdf", "g(r) in windows of time, early to late."),
        bonds=_pictures(figures, "bonds", "Every frame and a running mean."),
        tables=_tables(results),
        run_checks=_pictures(
            figures, "run", "A flat conserved energy is a sound integration."
        ),
        levels=project.identity["levels"],
        provenance=_provenance(project),
        files=_files(project),
    )


def _notices(project: Project, results: Results) -> list[Notice]:
    notices = []
    if results.quick:
        notices.append(Notice("warning", QUICK))
    levels = project.identity["levels"].values()
    if results.emulated:
        notices.append(Notice("warning", EMULATED))
    states = runner.states(project)
    if left := [state for state in states if state.state != "done"]:
        failed = sum(state.state == "failed" for state in left)
        text = f"Unfinished: {len(left)} of {len(states)} jobs are not done"
        notices.append(Notice("warning", f"{text}, {failed} of them failed."))
    if any(level.get("weights") for level in levels):
        notices.append(Notice("note", POTENTIAL))
    return notices


def _highlights(results: Results) -> list[tuple[str, str]]:
    told = ", emulated" if results.emulated else ""
    found = [
        (f"{entry['sigma_j_per_m2']:.2f} J/m²", entry["name"] + told)
        for entry in results.energies
    ]
    for subject in results.models:
        if subject not in results.dynamics:
            continue
        counts = BondCounts.from_dict(results.dynamics[subject]["bonds"])
        windows = len(results.dynamics[subject]["rdf"]["windows_fs"])
        for pair, means in counts.window_means(windows).items():
            text = f"{means[0]:.0f} → {means[-1]:.0f}"
            found.append((text, f"{pair} bonds, first and last window{told}"))
    return found


def _settings(project: Project) -> dict[str, Any]:
    study, chosen = project.study, protocol(project.study.protocol)
    settings: dict[str, Any] = {
        "forces below": f"{study.relaxation.fmax or chosen.fmax} eV/Å",
        "slabs": study.slabs,
        "protocol's source": chosen.source,
    }
    for run in study.dynamics:
        timestep = run.timestep or chosen.timestep
        settings[f"dynamics of {run.interface}"] = (
            f"{run.steps} steps of {timestep} fs at "
            f"{run.temperature or chosen.temperature} K, Nosé-Hoover, "
            f"pairs {', '.join(run.pairs)}"
        )
    return settings


def _facts(summary: dict[str, Any]) -> dict[str, Any]:
    facts = {f"{phase}": text for phase, text in summary["formula"].items()}
    return facts | {
        "film": summary["film"],
        "substrate": summary["substrate"],
        "atoms": summary["atoms"],
        "area": f"{summary['area']:.2f} Å²",
        "largest strain": f"{100 * summary['max_strain']:.2f} %",
        "gap": f"{summary['gap']:.2f} Å",
        "vacuum": f"{summary['vacuum']:g} Å",
        "interfaces in the cell": summary["n_interfaces"],
        "closest pair across": (
            f"{summary['shortest_pair']} {summary['shortest_distance']:.2f} Å"
        ),
    }


def _energies(project: Project, results: Results) -> Table | None:
    if not results.energies:
        return None
    published = {line.interface: line for line in project.study.published}
    rows: list[list[Any]] = []
    for entry in results.energies:
        rows.append(_energy_row(entry, entry["name"], entry["strain_energy"]))
        if paper := published.get(entry["name"]):
            shown = {
                "e_total": paper.e_total,
                "slabs": paper.slabs,
                "delta_e": None,
                "area": paper.area,
                "sigma_j_per_m2": paper.sigma_j_per_m2,
            }
            rows.append(_energy_row(shown, f"    paper: {entry['name']}", None))
    sources = sorted({line.source for line in published.values()})
    return Table(
        [
            "interface",
            "E total, eV",
            "E slabs, eV",
            "ΔE, eV",
            "area, Å²",
            "J/m²",
            "strain energy, eV",
        ],
        rows,
        _caption(results, "; ".join(sources)),
    )


def _caption(results: Results, text: str) -> str:
    told = EMULATED if results.emulated else ""
    return " ".join(part for part in (told, text) if part)


def _energy_row(entry: dict[str, Any], name: str, strain: float | None) -> list[Any]:
    def number(value: float | None, digits: int) -> str | None:
        return None if value is None else f"{value:.{digits}f}"

    slabs = ", ".join(f"{k} {v:.2f}" for k, v in entry["slabs"].items())
    return [
        name,
        number(entry["e_total"], 2),
        slabs,
        number(entry["delta_e"], 2),
        number(entry["area"], 2),
        number(entry["sigma_j_per_m2"], 3),
        number(strain, 2),
    ]


def _tables(results: Results) -> dict[str, Table]:
    tables = {}
    if ensembles := spreads(results.energies):
        tables["Ensembles of orderings"] = _spread_table(
            ensembles,
            _caption(results, "σ is the standard deviation of the orderings."),
        )
    for subject, output in results.dynamics.items():
        rows = [
            [pair, f"{start / 1000:.2f} – {end / 1000:.2f}", *_peak(peak)]
            for pair, curves in output["rdf"]["pairs"].items()
            for (start, end), peak in zip(
                output["rdf"]["windows_fs"], curves["first_peak"], strict=True
            )
        ]
        tables[f"First peaks of {subject}"] = Table(
            ["pair", "time, ps", "position, Å", "height"], rows, _caption(results, "")
        )
    return tables


def _spread_table(ensembles: list[dict[str, Any]], caption: str) -> Table:
    keys = ("mean", "standard_deviation", "lowest", "highest")
    rows = [
        [one["name"], one["members"], *(f"{one[key]:.3f}" for key in keys)]
        for one in ensembles
    ]
    header = ["interface", "orderings", "mean, J/m²", "spread (σ)", "lowest", "highest"]
    return Table(header, rows, caption)


def _peak(peak: dict[str, Any] | None) -> list[str | None]:
    if not peak or peak.get("r") is None:
        return [None, None]
    return [f"{peak['r']:.2f}", f"{peak['height']:.2f}"]


def _provenance(project: Project) -> dict[str, Any]:
    packages = ("ionface", "ase", "pymatgen", "atomate2", "jobflow", "numpy")
    quick = " --quick" if project.study.quick else ""
    found: dict[str, Any] = {name: version(name) for name in packages}
    found["python"] = platform.python_version()
    found["command"] = f"ionface run {project.study.name}{quick}"
    return found


def _files(project: Project) -> list[tuple[str, str]]:
    listed = [("study.yaml", "the study as resolved")]
    kinds = {".json": "numbers", ".png": "figure", ".ionf": "trajectory"}
    for folder in ("results", "trajectories"):
        for path in sorted((project.root / folder).iterdir()):
            if path.suffix in kinds:
                listed.append((f"{folder}/{path.name}", kinds[path.suffix]))
    return listed


def _pictures(figures: dict[str, Path], kind: str, caption: str) -> list[Picture]:
    found = []
    for key in figures:
        if key.startswith(f"{kind}:"):
            picture = _picture(figures, key, "", caption)
            found += [picture] if picture else []
    return found


def _picture(
    figures: dict[str, Path], key: str, title: str, caption: str
) -> Picture | None:
    data = _data(figures, key)
    return None if data is None else Picture(data, title, caption)


def _data(figures: dict[str, Path], key: str) -> bytes | None:
    return figures[key].read_bytes() if key in figures else None
