"""What computes: the contract of an engine, and the engines.

registry       finds the engine that a study names
contract       what an engine owes: Makers, a level of theory, what it says of its jobs

ase            potentials, and any ASE calculator, with our relaxation and dynamics
dft            what first-principles programs behind ASE share
gpaw, cp2k     two such programs
vasp           VASP under custodian
vasp_double    `vasp` with a stand-in executable
makers_engine  Makers of another package, or your own

durable        jobs that lose nothing and compute nothing twice
records        what a job leaves behind, whatever the engine
single_points  energies and forces of many structures
relaxation_frames  every ionic step of a relaxation
bulk_cache     relaxed crystals, kept for all studies of a user
k_mesh         one rule for every mesh of k-points
progress       how far a computation is, without knowing who listens
circumstances  how long a job took, on what, with which versions
"""
