"""What reacts at an interface: bonds formed and broken, and what that amounts to.

reaction_report      `reactions`, the function one came for, and its report in words
bond_events          when each bond forms and breaks, with hysteresis
lifetimes            how long bonds last, and when they begin to form
verdicts             growing, falling, steady, fluctuating, absent
reference_fractions  how much of a g(r) reference crystals explain
groups               PS4, PS3, In-S clusters by connectivity
"""

from ionface.analysis.rdf.bonds import BondRule
from ionface.analysis.reactions.bond_events import BondHistory, bond_history
from ionface.analysis.reactions.reaction_report import (
    PairReaction,
    ReactionReport,
    reactions,
)
from ionface.analysis.reactions.verdicts import Verdict

__all__ = [
    "BondHistory",
    "BondRule",
    "PairReaction",
    "ReactionReport",
    "Verdict",
    "bond_history",
    "reactions",
]
