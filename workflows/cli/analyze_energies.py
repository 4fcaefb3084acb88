"""What `ionface analyze` does: stored outputs in, tables and JSON out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ionface.errors import IonfaceError
from ionface.workflows.cli.analyze_frames import check_exist
from ionface.workflows.cli.console import table
from ionface.workflows.engines.vasp_double.emulated import title
from ionface.workflows.flows.ensembles import spreads

if TYPE_CHECKING:
    from ionface.workflows.projects.results import Results
    from ionface.workflows.study.study import Study


def analyze_energies(paths: list[Path], n_interfaces: int, as_json: bool) -> None:
    """Print formation energies of projects, or of one set of VASP directories."""
    from ionface.workflows.planning.input_results import by_hand_energies, is_root
    from ionface.workflows.projects.project import Project
    from ionface.workflows.projects.results import collect

    check_exist(paths)
    # a project's store stands for the project
    paths = [path.parent if path.name == "store.sqlite" else path for path in paths]
    projects = [path for path in paths if (path / "project.json").is_file()]
    entries: list[dict[str, Any]] = []
    study = None
    for path in projects:
        project = Project.open(path)
        study = project.study if len(projects) == 1 else None
        entries += collect(project).energies
    roots = [path for path in paths if is_root(path)]
    for root in roots:
        entries += by_hand_energies(root)
    if directories := [p for p in paths if p not in projects and p not in roots]:
        entries.append(_from_vasp(directories, n_interfaces))
    if not entries:
        raise IonfaceError(
            f"no formation energy in {', '.join(map(str, paths))}: no ledger job is "
            "done; see `ionface status`"
        )
    if as_json:
        typer.echo(json.dumps({"interfaces": entries}, indent=2))
    else:
        print_energies(entries, study)


def _from_vasp(directories: list[Path], n_interfaces: int) -> dict[str, Any]:
    from ionface.analysis.energies.ledger import book, infer_terms, vasp_directory_term

    terms = [vasp_directory_term(path) for path in directories]
    interface, slabs = infer_terms(terms)
    entry = book(
        interface.name,
        interface,
        slabs,
        n_interfaces=n_interfaces,
    )
    return entry.as_dict()


def print_energies(entries: list[dict[str, Any]], study: Study | None) -> None:
    """Print ledger entries, the paper's values beside them."""
    published = {line.interface: line for line in study.published} if study else {}
    rows = []
    for entry in entries:
        paper = published.get(entry["name"])
        strain = entry.get("strain_energy")
        rows.append(
            [
                entry["name"],
                f"{entry['e_total']:.2f}",
                ", ".join(f"{k} {v:.2f}" for k, v in entry["slabs"].items()),
                f"{entry['delta_e']:.3f}",
                f"{entry['area']:.2f}",
                f"{entry['sigma_ev_per_a2']:.4f}",
                f"{entry['sigma_j_per_m2']:.3f}",
                "–" if paper is None else f"{paper.sigma_j_per_m2:.2f}",
                "–" if strain is None else f"{strain:.2f}",
            ]
        )
    quick = study is not None and study.quick
    emulated = any(entry["level_of_theory"].get("emulated") for entry in entries)
    table(
        [
            "interface",
            "E_total eV",
            "E_slab eV",
            "ΔE eV",
            "A Å²",
            "eV/Å²",
            "J/m²",
            "paper J/m²",
            "E_strain eV",
        ],
        rows,
        title=title(
            emulated, "QUICK models: a rehearsal, not a result" if quick else ""
        ),
    )
    _print_spreads(entries, title(emulated))


def _print_spreads(entries: list[dict[str, Any]], heading: str) -> None:
    """Print mean and spread of ensembles of orderings, if there are any."""
    rows = [
        [
            one["name"],
            str(one["members"]),
            f"{one['mean']:.3f}",
            f"{one['standard_deviation']:.3f}",
            f"{one['lowest']:.3f}",
            f"{one['highest']:.3f}",
        ]
        for one in spreads(entries)
    ]
    if rows:
        header = ["ensemble", "orderings", "mean J/m²", "σ", "lowest", "highest"]
        table(header, rows, heading)


def print_dynamics(results: Results) -> None:
    """Print bonds at the start and at the end of every run."""
    from ionface.analysis.rdf.bonds import BondCounts

    rows = []
    for subject, output in results.dynamics.items():
        counts = BondCounts.from_dict(output["bonds"])
        windows = len(output["rdf"]["windows_fs"])
        length = (counts.times_fs[-1] - counts.times_fs[0]) / 1000
        for pair, means in counts.window_means(windows).items():
            rows.append(
                [
                    subject,
                    f"{length:.2f}",
                    pair,
                    f"{counts.cutoffs[pair]:.2f}",
                    str(counts.counts[pair][0]),
                    f"{means[0]:.1f}",
                    f"{means[-1]:.1f}",
                ]
            )
    if rows:
        header = ["dynamics", "ps", "pair", "within Å", "bonds at 0", "first", "last"]
        table(header, rows, title(results.emulated))
