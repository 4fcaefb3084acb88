"""What `ionface analyze` does: stored outputs in, tables and JSON out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from workflows import progress
from workflows.errors import IonfaceError
from workflows.show import job_progress, messages, table

if TYPE_CHECKING:
    from analysis.rdf import RdfResult
    from workflows.results import Results
    from workflows.study import Study

THERMAL = 0.06  # Å; width of a crystal's lines when drawn beside a warm sample


def analyze_energies(paths: list[Path], n_interfaces: int, as_json: bool) -> None:
    """Print formation energies of projects, or of one set of VASP directories."""
    from workflows.project import Project
    from workflows.results import collect

    _check_exist(paths)
    # a project's store stands for the project
    paths = [path.parent if path.name == "store.sqlite" else path for path in paths]
    projects = [path for path in paths if (path / "project.json").is_file()]
    entries: list[dict[str, Any]] = []
    study = None
    for path in projects:
        project = Project.open(path)
        study = project.study if len(projects) == 1 else None
        entries += collect(project).energies
    if directories := [path for path in paths if path not in projects]:
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
    from analysis.ledger import book, infer_terms, vasp_directory_term

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
        title="QUICK models: a rehearsal, not a result" if quick else "",
    )


def print_dynamics(results: Results) -> None:
    """Print bonds at the start and at the end of every run."""
    from analysis.bonds import BondCounts

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
        table(header, rows)


def analyze_rdf(
    paths: list[Path],
    pairs: list[str],
    cutoff: float,
    bins: int,
    windows: int,
    references: list[str],
    timestep: float | None,
    out: Path,
    as_json: bool,
) -> None:
    """Write rdf.json and a figure beside it; print the first peaks."""
    from analysis.figures_rdf import figure_rdf
    from analysis.rdf import partial_rdfs
    from workflows.project import write

    with job_progress("analyze rdf") as shown:
        shown.job("reading", 0, 2)
        frames = _open_frames(paths, timestep)
        shown.job("g(r)", 1, 2)
        result = partial_rdfs(
            frames,
            pairs,
            cutoff=cutoff,
            bins=bins,
            windows=windows,
            progress=progress.counter(len(frames), "frames"),
        )
    crystals = {name: _reference(name, pairs, cutoff, bins) for name in references}
    text = json.dumps(result.as_dict(), indent=1)
    write(out, text)
    figure = figure_rdf(result, crystals)
    figure.savefig(out.with_suffix(".png"), dpi=160)
    if as_json:
        typer.echo(text)
        return
    _print_peaks(result)
    messages.print(f"wrote {out} and {out.with_suffix('.png')}")


def _open_frames(paths: list[Path], timestep: float | None) -> Any:
    from analysis.readers import open_trajectory

    _check_exist(paths)
    found: list[Path] = []
    for path in paths:
        if (path / "project.json").is_file():
            stored = sorted((path / "trajectories").glob("*.ionf"))
            found += _of_interfaces(path, stored)
        else:
            found.append(path)
    return open_trajectory(found if len(found) > 1 else found[0], timestep_fs=timestep)


def _of_interfaces(root: Path, stored: list[Path]) -> list[Path]:
    """Return the one trajectory of a project that belongs to an interface."""
    from workflows.flows import slug
    from workflows.project import Project

    names = {slug(spec.name) for spec in Project.open(root).study.interfaces}
    wanted = [path for path in stored if path.stem in names]
    if len(wanted) != 1:
        raise IonfaceError(
            f"{root} holds {len(wanted)} finished interface trajectories "
            f"({[path.name for path in stored]}); name one of the files in "
            f"{root / 'trajectories'}"
        )
    return wanted


def _reference(name: str, pairs: list[str], cutoff: float, bins: int) -> RdfResult:
    from analysis.rdf import crystal_rdf
    from structures.crystals import read_crystal

    crystal = read_crystal(name)
    species = [site.specie.symbol for site in crystal]
    present = [pair for pair in pairs if set(pair.split("-")) <= set(species)]
    if not present:
        raise IonfaceError(
            f"reference {name} has none of the pairs {pairs}; it consists of "
            f"{sorted(set(species))}"
        )
    return crystal_rdf(
        species,
        crystal.lattice.matrix,
        crystal.cart_coords,
        present,
        cutoff=cutoff,
        bins=bins,
        broadening=THERMAL,
        source=name,
    )


def _print_peaks(result: RdfResult) -> None:
    data = result.as_dict()
    rows = []
    for pair, curves in data["pairs"].items():
        for (start, end), peak in zip(
            data["windows_fs"], curves["first_peak"], strict=True
        ):
            window = f"{start / 1000:.2f}–{end / 1000:.2f}"
            position, height = peak.get("r"), peak.get("height")
            rows.append(
                [
                    pair,
                    window,
                    "–" if position is None else f"{position:.2f}",
                    "–" if height is None else f"{height:.2f}",
                ]
            )
    table(["pair", "window ps", "first peak Å", "height"], rows)


def _check_exist(paths: list[Path]) -> None:
    for path in paths:
        if not path.exists():
            raise IonfaceError(
                f"{path} does not exist; give a project, a VASP directory or a "
                "trajectory file"
            )
