"""Reaction thermodynamics at 0 K: hulls, voltages, windows, and what a contact forms.

Phases come from a project, from VASP folders or from a file of the Materials Project;
the convex hulls are pymatgen's. Energies are eV, potentials are V against the element.
"""
