"""What reacts at an interface: bonds formed and broken, and what that amounts to.

`reactions` is the function one came for.

contacts    which atoms are near
histories   when each bond forms and breaks, with hysteresis
lifetimes   how long bonds last, and when they begin to form
verdicts    growing, falling, steady, fluctuating, absent
shares      how much of a g(r) reference crystals explain
groups      PS4, PS3, In-S clusters by connectivity
text        a report in words
"""

from ionface.analysis.reactions.bond_events import BondHistory, BondRule, bond_history
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
