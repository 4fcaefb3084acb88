"""Slabs: a crystal cut at a facet between whole groups of atoms.

lattices, facets    the crystal seen along the normal, as whole groups
cuts, terminations  every distinct way to end it, at any thickness
symmetry, symmetric which groups are the same; slabs with two equivalent sides
tasker              classes of ionic surfaces, and the dipole
assembly, slab      atoms from groups; the value that everything else works on
"""
