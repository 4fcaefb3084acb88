"""Bonds in time and reactions as analyses: settings, crystals beside, what is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ionface.analysis.kind import Crystal, Kind, Progress
from ionface.analysis.pairs import pair_name, parse_pair
from ionface.analysis.rdf.rdf import suitable_windows
from ionface.analysis.rdf.rdf_analysis import crystals_at_rest
from ionface.analysis.rdf.rdf_result import RdfResult
from ionface.analysis.reactions.bond_rule import bond_length
from ionface.analysis.reactions.bonds import BondCounts, bonds
from ionface.analysis.reactions.reaction_report import ReactionReport, reactions
from ionface.analysis.reactions.reference_fractions import RANGE
from ionface.analysis.reactions.replicas import Replicas
from ionface.analysis.report import tables
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

FITTED = 1.0
"""Å beyond what references explain, so that their broadened lines fit in."""


@dataclass(frozen=True)
class BondChoices:
    """Number of bonds against time.

    Attributes:
        pairs: as in In-S, or In-S:3.0 (Å); repeatable.
        references: a crystal whose shells say where bonds end; repeatable.
        windows: number of time windows; by the length of the run if not given.
    """

    pairs: tuple[str, ...]
    references: tuple[Crystal, ...] = ()
    windows: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be, before anything is read."""
        _ = list(map(bond_of, self.pairs))


def bond_of(text: str) -> tuple[tuple[str, str], float | None]:
    """Return the pair that "In-S" or "In-S:3.0" names, and its bond length, Å, if any.

    Raises:
        AnalysisError: it names no pair, or no length.
    """
    name, colon, length = text.partition(":")
    pair = parse_pair(name)
    if not colon:
        _ = bond_length(pair)  # refuses what is no element
        return pair, None
    try:
        reach = float(length)
    except ValueError:
        reach = -1.0
    if not reach > 0:
        raise AnalysisError(
            f"{length!r} is no bond length; write a pair as In-S, or with a length in "
            "Å as In-S:3.0"
        )
    return pair, reach


def _lengths(pairs: tuple[str, ...]) -> dict[str, float | None]:
    return {pair_name(pair): length for pair, length in map(bond_of, pairs)}


def _bonds(
    trajectory: Trajectory, settings: BondChoices, progress: Progress | None = None
) -> BondCounts:
    del progress
    lengths = _lengths(settings.pairs)
    crystals = crystals_beside(settings.references, tuple(lengths))
    found = bonds(trajectory, lengths, references=crystals)
    suitable = suitable_windows(trajectory.times_or_nan_fs)
    return replace(found, windows=settings.windows or suitable)


def crystals_beside(
    crystals: Iterable[Crystal], pairs: tuple[str, ...]
) -> dict[str, RdfResult]:
    """Return crystals at rest as bonds and reactions are compared with them."""
    return crystals_at_rest(crystals, pairs, RANGE + FITTED, bins=240)


@dataclass(frozen=True)
class ReactionChoices:
    """Bonds that form and break, and whether their number changed, and stays.

    Attributes:
        pairs: as in In-S, or In-S:3.0 (Å); repeatable.
        references: a crystal that may form; repeatable.
        windows: number of time windows; by the length of the run if not given.
    """

    pairs: tuple[str, ...]
    references: tuple[Crystal, ...] = ()
    windows: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be, before anything is read."""
        _ = list(map(bond_of, self.pairs))


def followed_bonds(
    trajectory: Trajectory, settings: ReactionChoices, progress: Progress | None = None
) -> ReactionReport:
    """Return the reactions of a run with the settings of a user."""
    del progress
    lengths = _lengths(settings.pairs)
    return reactions(
        trajectory,
        lengths,
        references=crystals_beside(settings.references, tuple(lengths)),
        rules={name: length for name, length in lengths.items() if length},
        windows=settings.windows or suitable_windows(trajectory.times_or_nan_fs),
    )


BONDS = Kind(
    BondCounts,
    "Bonds in time",
    tables.bond_contents,
    "Every frame and a running mean.",
    BondChoices,
    _bonds,
    highlights=tables.bond_highlights,
)
REACTIONS = Kind(
    ReactionReport,
    "Reactions",
    tables.reaction_contents,
    "Bonds of each pair; marks below tell when one formed or broke.",
    ReactionChoices,
    followed_bonds,
)
TOGETHER = Kind(
    Replicas,
    "Independent runs together",
    tables.replica_contents,
    "Each run thin, their mean thick with its standard error.",
    highlights=tables.replica_highlights,
)
