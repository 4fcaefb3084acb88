"""What is learnt: arrays in, numbers out. Knows no engine, no workflow, no queue.

energies, ledger    interface formation energies; which energies may be combined
readers             whatever a run left behind, as a trajectory
trajectory          frames by their arrays; `trajectory_files` is our own format
rdf, bonds, peaks   partial RDFs with all periodic images, bonds against time
reactions, motion   bonds that form and stay; diffusion, profiles, checks of the run
figures, report     pictures of all of these, and one self-contained HTML file

Units are eV, Å, fs, K unless a name says otherwise.
"""
