"""What is learnt: arrays in, numbers out. Knows no engine, no workflow, no queue.

energies    interface formation energies from total energies
ledger      which energies may be combined, and the refusal of all others
trajectory  the trajectory store, its writer, and joining of segments
readers     VASP and ASE outputs as trajectories
rdf         partial radial distribution functions with all periodic images
bonds       bonds against time
figures     pictures of all of these
report      one self-contained HTML file

Units are eV, Å, fs, K unless a name says otherwise.
"""
