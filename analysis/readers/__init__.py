"""Trajectories from whatever a run left behind: `open_trajectory`.

opening      which reader a file needs; the best file of a folder
spool        frames that were read once, kept in a cache on the disk
time_axis    the time of every frame, cross-checked or demanded
beside       what INCAR, POSCAR and vasprun.xml of the same folder tell
vaspout      vaspout.h5
outcar       OUTCAR, as a last resort
follow       the new frames of a file that grows
outcomes     what every file of a folder tree gives

XDATCAR, vasprun.xml and ASE's files are read by `ionface.analysis.readers.xdatcar`,
`ionface.analysis.readers.vasprun` and `ionface.analysis.readers.ase_files`.
"""

from ionface.analysis.readers.opening import PathLike, open_trajectory

__all__ = ["PathLike", "open_trajectory"]
