"""Lattice matches: two slabs in one cell, and what it costs.

superlattices, strains  all common cells, and the strain of each side
equivalence             which of them are the same
search, matched         every match under the limits, as a value that is verified
stacking                both sides in one cell, and how far apart at first
"""
