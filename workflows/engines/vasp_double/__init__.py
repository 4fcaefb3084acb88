"""A stand-in for the VASP executable: it reads and writes what VASP does.

    python -m ionface.workflows.engines.vasp_double

in a run directory, as VASP is started (`main`). It computes with an ASE calculator
(`model`) and fails on demand (`faults`). Everything it writes says that it is emulated.
`engine` makes it the engine `vasp-double` of a study.

The four inputs are read here and not by pymatgen, whose import takes 2.5 s: a
rehearsal starts this executable hundreds of times. Tests hold both against each other.
"""
