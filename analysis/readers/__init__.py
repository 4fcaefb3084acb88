"""Trajectories from whatever a user has: `open_trajectory`.

opening        which reader a source needs; the best file of a folder; segments
in_memory      ASE Atoms, pymatgen Structures and Trajectories, arrays
xdatcar, vasprun, outcar, vaspout, ase_files   one format each
vasprun_settings  what a vasprun.xml says before its first step
atom_texts     text of xyz files and LAMMPS dumps, a frame at a time, for ASE
species        elements behind the names of a file
blocks         what readers hand on; flat memory however long a run is
text           plain or compressed text, a few megabytes at once
fixed_width    Fortran's tables decoded without looking at one number at a time
time_axis      the time of every frame: told and cross-checked, given, or unknown
run_metadata   what INCAR, POSCAR and vasprun.xml of the same folder tell
vasp_terms     energies and level of theory of a VASP directory
emulation_mark how outputs of a stand-in for VASP are known
tail           the new frames of a file that grows, and whether its run is over
outcomes       what every file of a folder tree gives
"""

from ionface.analysis.readers.opening import PathLike, open_trajectory

__all__ = ["PathLike", "open_trajectory"]
