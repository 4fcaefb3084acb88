"""Slabs: a crystal cut at a facet between whole groups of atoms.

plane_lattice       lattices seen from a facet
facet               the crystal along the normal, as whole groups; its symmetry
cuts                every distinct way to end it, with two equivalent sides on request
slab                atoms from groups; the value that everything else works on
terminations        all slabs of a facet, and their classes
crystal_layer       from what a user says about a layer to its slab
"""
