"""A stand-in for the VASP executable: it reads and writes what VASP does.

    python -m ionface.workflows.engines.vasp_double

in a run directory, as VASP is started.

It computes with an ASE calculator (emulate), or gives recorded outputs again (replay),
and fails on demand (faults). Everything it writes says that it is emulated.
"""
