"""Lattice matches: two slabs in one cell, and what it costs.

superlattices       all common cells, and which of them are the same
match               one match as a value: its strains, and the check that it holds
search              every match under the limits, ranked
"""
