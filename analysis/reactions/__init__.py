"""What reacts at an interface: bonds formed and broken, and what that amounts to.

reaction_report      `reactions`, the function one came for, and its report in words
bond_rule            what a bond is, between the shells of a crystal
bond_events          when each bond forms and breaks
bonds                how many there are in each frame
lifetimes            how long bonds last, and when they begin to form
verdicts             grew, fell, no change shown; the same bonds, or exchanging ones
reference_fractions  how much of a g(r) reference crystals explain
groups               PS4, PS3, In-S clusters by connectivity
"""
