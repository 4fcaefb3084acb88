"""Tables and sentences of each kind of result, for the terminal and the report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from ionface.analysis.diffusion.arrhenius import Arrhenius
from ionface.analysis.diffusion.diffusion import CM2_PER_S, Diffusion
from ionface.analysis.diffusion.msd import Msd
from ionface.analysis.energies.against_bulk import bulk_notes
from ionface.analysis.energies.convergence import Convergence
from ionface.analysis.energies.formation_energies import (
    EngineSpread,
    FormationEnergies,
    PublishedEnergy,
)
from ionface.analysis.energies.interface_energy import (
    atoms_told,
    below_bulk,
    potentials_told,
)
from ionface.analysis.energies.layer_dos import LayerDos
from ionface.analysis.energies.ledger import LedgerEntry
from ionface.analysis.energies.relaxation_path import RelaxationPath
from ionface.analysis.energies.surface_energies import SurfaceEnergies
from ionface.analysis.interphase.density_profiles import (
    SHOWN,
    Profiles,
    growth_words,
)
from ionface.analysis.interphase.interphase import Interphase
from ionface.analysis.interphase.layers import LayerCoordination
from ionface.analysis.rdf.rdf_result import PairRdf, RdfResult
from ionface.analysis.reactions.bonds import BondCounts
from ionface.analysis.reactions.reaction_report import (
    HEADER,
    ReactionReport,
    lines,
    with_error,
)
from ionface.analysis.reactions.reaction_report import table as reaction_rows
from ionface.analysis.reactions.replicas import ALL, Replicas
from ionface.analysis.report.page import Cell, Statements, Table
from ionface.analysis.result import Result
from ionface.analysis.run_checks.run_checks import RunChecks

Contents = Sequence[Table | Statements]

ENERGY_HEADER = (
    "interface", "E total, eV", "E slabs, eV", "ΔE, eV", "area, Å²", "eV/Å²", "J/m²",
    "strain energy, eV",
)  # fmt: skip


def energy_contents(result: FormationEnergies) -> Contents:
    """Return the energies with published ones below, and what the ledger verified."""
    rows: list[Sequence[Cell]] = []
    spreads = result.engine_spreads
    for entry in result.entries:
        rows.append(_energy_row(entry, spreads.get(entry.name)))
        if paper := result.published.get(entry.name):
            rows.append(_paper_row(paper))
    sources = sorted({line.source for line in result.published.values()})
    return [
        Table(ENERGY_HEADER, rows, "; ".join(sources)),
        *_engines(spreads.values()),
        *_against_bulk(result.entries),
        *_spreads(result),
        *(
            Statements(f"{entry.name}: verified by the ledger", entry.checks, True)
            for entry in result.entries
        ),
    ]


def _engines(spreads: Iterable[EngineSpread]) -> list[Table]:
    """Return what each engine says of an interface, if there are several."""
    rows: list[Sequence[Cell]] = [
        [spread.name, engine, f"{energy:.3f}", f"{spread.error_j_per_m2:.3f}"]
        for spread in spreads
        for engine, energy in zip(spread.engines, spread.energies_j_per_m2, strict=True)
    ]
    caption = (
        "The error is the standard deviation of the engines. Those trained on the same "
        "data err together: it is a lower limit."
    )
    header = ["interface", "engine", "J/m²", "error"]
    return [Table(header, rows, caption, "Several engines")] if rows else []


def _against_bulk(entries: Sequence[LedgerEntry]) -> list[Table]:
    """Return interface energies against bulk crystals, where these are known."""
    told = [f"{e.name}: {line}" for e in entries for line in bulk_notes(e.bulk)]
    rows: list[Sequence[Cell]] = [
        [
            entry.name,
            _fixed(entry.bulk.get("gamma_j_per_m2"), 3),
            ", ".join(
                f"{phase} {energy:.3f}"
                for phase, energy in entry.bulk["surface_energies_j_per_m2"].items()
            ),
            _fixed(entry.bulk.get("contact_angle_deg"), 0),
        ]
        for entry in entries
        if entry.bulk
    ]
    header = ["interface", "γ, J/m²", "surface energies, J/m²", "contact angle, °"]
    caption = (
        "γ is the formation energy and the energies of both surfaces that met, each "
        "the mean of a slab's two faces; the contact angle (frozen slabs) is that of "
        "crystals at 0 K, which orders materials and predicts no drop."
    )
    caption = ". ".join([caption.removesuffix("."), *told]) + "."
    return [Table(header, rows, caption, "Against bulk crystals")] if rows else []


def _spreads(result: FormationEnergies) -> list[Table]:
    """Return mean and spread of ensembles of orderings, if there are any."""
    rows: list[Sequence[Cell]] = [
        [spread.name, spread.members, *(f"{value:.3f}" for value in numbers)]
        for spread in result.spreads
        for numbers in [
            (spread.mean, spread.standard_deviation, spread.lowest, spread.highest)
        ]
    ]
    header = ["interface", "orderings", "mean, J/m²", "σ", "lowest", "highest"]
    caption = "σ is the standard deviation of the orderings."
    return [Table(header, rows, caption, "Ensembles of orderings")] if rows else []


def _energy_row(entry: LedgerEntry, spread: EngineSpread | None) -> list[Cell]:
    energy, strain = entry.formation, entry.strain_energy
    error = f" ± {spread.error_j_per_m2:.3f}" if spread else ""
    return [
        entry.name,
        f"{energy.e_interface:.2f}",
        _named(energy.e_slabs),
        f"{energy.delta_e:.3f}",
        f"{energy.area:.2f}",
        f"{energy.ev_per_a2:.4f}",
        f"{energy.j_per_m2:.3f}{error}",
        None if strain is None else f"{math.fsum(strain.values()):.2f}",
    ]


def _paper_row(paper: PublishedEnergy) -> list[Cell]:
    delta = None
    if paper.e_total is not None and paper.slabs:
        delta = paper.e_total - math.fsum(paper.slabs.values())
    per_area = delta / paper.area if delta is not None and paper.area else None
    return [
        f"    paper: {paper.interface}",
        _fixed(paper.e_total, 2),
        _named(paper.slabs),
        _fixed(delta, 2),
        _fixed(paper.area, 2),
        _fixed(per_area, 4),
        f"{paper.sigma_j_per_m2:.3f}",
        None,
    ]


def energy_highlights(result: FormationEnergies) -> list[tuple[str, str]]:
    """Return every formation energy."""
    spreads = result.engine_spreads
    return [
        (f"{e.formation.j_per_m2:.2f}{_plus_minus(spreads.get(e.name))} J/m²", e.name)
        for e in result.entries
    ]


def _plus_minus(spread: EngineSpread | None) -> str:
    return f" ± {spread.error_j_per_m2:.2f}" if spread else ""


def summary_contents(result: Result) -> Contents:
    """Return what a result says in a few words."""
    return [Statements("", [result.summary()])]


def surface_contents(result: SurfaceEnergies) -> Contents:
    """Return the energy of every cut, the lowest first."""
    potentials = result.chemical_potentials
    rows: list[Sequence[Cell]] = [
        [
            s.termination,
            s.tasker,
            s.atoms,
            *([atoms_told(s.beyond_bulk)] if potentials else []),
            None if s.cut is None else f"{s.cut:.3f}",
            f"{s.relaxed:.3f}",
        ]
        for s in result.surfaces
    ]
    beyond = ["beyond whole units"] if potentials else []
    header = ["cut, top/bottom", "Tasker", "atoms", *beyond, "as cut, J/m²",
              "relaxed, J/m²"]  # fmt: skip
    notes = [
        below_bulk(result.facet, s.relaxed)
        for s in result.surfaces
        if s.relaxed < 0 and not s.beyond_bulk
    ]
    if potentials:
        told = potentials_told(potentials)
        notes.append(f"γ at the chemical potentials {told} of atoms beyond whole units")
    if result.turned_over:
        turned = (f"{one} is {other}" for one, other in result.turned_over.items())
        notes.append(f"upside down, not computed again: {', '.join(turned)}")
    if left := ", ".join(result.left_out):
        notes.append(
            "left out, with moved groups or not of whole formula units, which needs "
            f"chemical_potentials of what is beyond them: {left}"
        )
    return [Table(header, rows, "; ".join(notes), result.facet)]


def path_contents(result: RelaxationPath) -> Contents:
    """Return where a relaxation began and ended, and what it cost in bonds."""
    return [Statements("", result.summary().split("; "))]


def convergence_contents(result: Convergence) -> Contents:
    """Return every energy with its distance from the finest of its series."""
    header = ("interface", "setting", "value", "J/m²", "from the finest, J/m²")
    rows: list[Sequence[Cell]] = [
        [v if isinstance(v, str) else f"{v:.3f}" for v in row.values()]
        for row in result.rows()
    ]
    return [Table(header, rows)]


def dos_contents(result: LayerDos) -> Contents:
    """Return the band edges of every slice."""
    header = ("from, Å", "to, Å", "atoms", "occupied up to, eV", "empty from, eV")
    rows: list[Sequence[Cell]] = [
        [*(v if isinstance(v, str) else f"{v:.2f}" for v in row.values())]
        for row in result.rows()
    ]
    return [Table(header, rows), Statements("", [result.summary()])]


def rdf_contents(result: RdfResult) -> Contents:
    """Return the first peak of every pair in every window."""
    rows = [
        [name, _ps(window), *_peak(result, pair, index)]
        for name, pair in result.pairs.items()
        for index, window in enumerate(result.windows_fs)
    ]
    header = ["pair", "window ps", "first peak Å", "height", "to Å", "neighbors"]
    note = (
        "Height: the highest of g(r) within 2 bins of the peak, with its standard "
        "error where the window is long enough. Neighbors: of an atom of the first "
        "species, up to the minimum behind the peak."
    )
    return [Table(header, rows, note)]


def _peak(result: RdfResult, pair: PairRdf, window: int) -> Sequence[Cell]:
    """Return place, height with its error, end and coordination of a first peak."""
    peak = pair.first_peaks[window]
    if peak is None:
        return [None] * 4
    error = pair.g_error[window, np.argmin(np.abs(result.r - peak.r))]
    spread = f" ± {error:.2f}" if np.isfinite(error) else ""
    return [
        f"{peak.r:.2f}",
        f"{peak.height:.2f}{spread}",
        f"{peak.minimum:.2f}",
        f"{peak.coordination:.2f}",
    ]


def bond_contents(result: BondCounts) -> Contents:
    """Return the mean number of bonds of every pair in every window."""
    means = result.window_means(result.windows)
    windows = len(next(iter(means.values())))
    times = np.array_split(result.times_fs, windows)
    rules = [f"{name}: {result.rules[name].words}" for name in means]
    rows = [
        [_ps((part[0], part[-1])), *(f"{mean[index]:.1f}" for mean in means.values())]
        for index, part in enumerate(times)
    ]
    return [Table(["window ps", *means], rows), Statements("", rules)]


def bond_highlights(result: BondCounts) -> list[tuple[str, str]]:
    """Return how many bonds there are at the start and at the end."""
    return [
        (f"{means[0]:.0f} → {means[-1]:.0f}", f"{pair} bonds, first and last window")
        for pair, means in result.window_means(result.windows).items()
    ]


def reaction_contents(report: ReactionReport) -> Contents:
    """Return verdicts with their statistics, and each in a sentence."""
    return [Table(HEADER, reaction_rows(report)), Statements("", lines(report))]


def replica_contents(result: Replicas) -> Contents:
    """Return the verdict of each run, and of all of them together."""
    header = [
        "pair", "run", "number of bonds", "bonds", "at start", "at end", "formed",
        "broken", "gained", "lost", "chance",
    ]  # fmt: skip
    rows: list[Sequence[Cell]] = []
    cautions = []
    for pair, together in result.verdicts.items():
        each = {name: run.pairs[pair].verdict for name, run in result.runs.items()}
        for name, v in (each | {ALL: together}).items():
            change = v.number if v.then is None else f"{v.number}, {v.then}"
            rows.append(
                [pair, name, change, v.bonds, f"{v.at_start:.3g}", with_error(v),
                 v.formed, v.broken, v.gained, v.lost, f"{v.chance:.2g}"]
            )  # fmt: skip
        if together.caution:
            cautions.append(f"{pair}: {together.caution}")
    return [Table(header, rows), Statements("", cautions)]


def replica_highlights(result: Replicas) -> list[tuple[str, str]]:
    """Return the verdict of all runs on each pair, with their mean at the end."""
    return [
        (f"{v.words}, {with_error(v)} at the end", f"{pair} bonds, {v.runs} runs")
        for pair, v in result.verdicts.items()
    ]


def msd_contents(result: Msd) -> Contents:
    """Return diffusion coefficients with their intervals, exponents and verdicts."""
    rows = [
        [d.species, d.direction, coefficient_words(d), _exponent(d), d.verdict]
        for d in result.diffusion
    ]
    header = ["species", "direction", "D cm²/s (95 %)", "exponent", "verdict"]
    told = [
        f"{d.species} {d.direction}: {n}" for d in result.diffusion for n in d.notes
    ]
    notes = list(dict.fromkeys((result.drift, *result.notes, *told)))
    return [Table(header, rows), Statements("", notes)]


def _exponent(d: Diffusion) -> str | None:
    return None if np.isnan(d.exponent) else f"{d.exponent:.2f}"


def coefficient_words(d: Diffusion) -> str | None:
    """Return D with its interval in cm²/s, its upper bound, or None."""
    if d.diffusive:
        low, high = (value * CM2_PER_S for value in d.interval)
        return f"{d.cm2_per_s:.2e} ({low:.1e}–{high:.1e})"
    if d.still:
        return "0"
    if d.upper_bound is not None:
        return f"< {d.upper_bound * CM2_PER_S:.1e}"
    return None


def profile_contents(result: Profiles) -> Contents:
    """Return the width of the interphase, if markers of two phases were given."""
    notes = Statements("", [result.drift])
    if result.interphase is None:
        return [notes]
    return [*_interphase(result.interphase), notes]


def _interphase(found: Interphase) -> Contents:
    fronts = range(found.widths.shape[1])
    rows = [
        [
            _ps(window),
            *(_resolved(found.widths[k, i], found.errors[k, i]) for i in fronts),
            f"{found.overlaps[k]:.1f}",
        ]
        for k, window in enumerate(found.windows_fs)
    ]
    names = [f"front at {found.positions[0, i]:.1f} Å" for i in fronts]
    growths = [
        f"{name}: {growth_words(g.rate, g.rate_error, 'Å/ps')}, width² "
        f"{growth_words(g.parabolic, g.parabolic_error, 'Å²/ps')}"
        for name, g in zip(names, found.growth, strict=False)
    ]
    header = ["window ps", *(f"{name}: width Å" for name in names), "overlap Å"]
    return [Table(header, rows), Statements("", [*growths, *found.notes])]


def _resolved(width: float, error: float) -> str:
    """Return a width with its error, or how large it can be at most."""
    if np.isnan(error):
        return f"{width:.2f} (too short for an error)"
    if width < SHOWN * error:
        return f"< {width + SHOWN * error:.1f}"
    return f"{width:.2f} ± {error:.2f}"


def layer_contents(result: LayerCoordination) -> Contents:
    """Return coordination numbers by height and window; dashes where no atom is."""
    rows = [
        [
            f"{low:.1f}–{high:.1f}",
            *(None if np.isnan(n) else f"{n:.2f}" for n in result.numbers[:, layer]),
        ]
        for layer, (low, high) in enumerate(pairwise(result.edges))
    ]
    windows = [f"{_ps(window)} ps" for window in result.windows_fs]
    head = f"{result.pair} < {result.cutoff:.2f} Å, height Å"
    return [Table([head, *windows], rows)]


def check_contents(result: RunChecks) -> Contents:
    """Return every check with its verdict, and that of all together."""
    rows = [[check.name, check.verdict, check.why] for check in result.checks]
    # the table has the reasons
    word = next(w for w in ("doubtful", "unknown", "sound") if w in result.verdict)
    blamed = [check.name for check in result.checks if check.verdict == word]
    told = "Not all is known" if word == "unknown" else f"The run is {word}"
    told += f": {', '.join(blamed)}" * (word != "sound")
    return [
        Table(["check", "verdict", "measured"], rows),
        Statements("", [*result.notes, told]),
    ]


def arrhenius_contents(result: Arrhenius) -> Contents:
    """Return the coefficients of each run, and the line through them."""
    runs = [
        [f"{t:.1f}", coefficient_words(d), _exponent(d), d.verdict]
        for t, d in sorted(result.runs.items())
    ]
    there = result.at(result.room)
    low, high = (value * CM2_PER_S for value in there.interval)
    where = "extrapolated" if there.outside else "interpolated"
    line = [
        f"{result.ea:.3f} ± {result.ea_error:.3f}",
        f"{result.d0 * CM2_PER_S:.2e}",
        f"{there.cm2_per_s:.2e} ({low:.1e}–{high:.1e})",
    ]
    header = ["Ea eV", "D0 cm²/s", f"D({result.room:g} K) cm²/s (95 %), {where}"]
    return [
        Table(["T K", "D cm²/s (95 %)", "exponent", "verdict"], runs),
        Table(header, [line]),
        Statements("", result.notes),
    ]


def _ps(window_fs: tuple[float, float]) -> str:
    """Return a window in ps, with as many digits as tell its ends apart."""
    start, stop = window_fs
    if math.isnan(start):  # nothing told the times
        return "unknown"
    if start == stop:
        return f"{start / 1000:.3f}"
    digits = 2 if stop - start >= 50 else 3
    return f"{start / 1000:.{digits}f}–{stop / 1000:.{digits}f}"


def _named(energies: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in energies.items())


def _fixed(value: float | None, digits: int) -> str | None:
    return None if value is None else f"{value:.{digits}f}"
