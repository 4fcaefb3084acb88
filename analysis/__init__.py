"""What is learnt: arrays in, numbers out. Knows no engine, no workflow, no queue.

trajectory   frames by their arrays, and our own file of them
readers      whatever a run left behind, as a trajectory
rdf          partial RDFs with all periodic images
reactions    bonds against time; those that form and stay
diffusion    mean squared displacements, diffusion coefficients, activation energies
interphase   densities, coordination and mixing along the normal
run_checks   whether a run may be trusted
energies     interface formation energies; which energies may be combined
thermodynamics  hulls, voltages, windows, and what a contact forms, at 0 K
yardstick    how far an engine is from first-principles data
arrhenius_line  the straight line through a logarithm against 1/T
deposition   growth of lithium in a cell, and which waves of its front grow
electrochemistry  conductivity, transference number, impedance spectra
statistics   means and trends of correlated series, with the errors that they have
pairs        names of species and of pairs of them
tables_csv   rows of plain values as CSV
result       the base of all results: provenance, file, table, figure
kind, kinds  what others need to know of a kind of result; all kinds by name
figures      a picture of each kind
report       tables of each kind, and one self-contained HTML file

Units are eV, Å, fs, K unless a name says otherwise.
"""
