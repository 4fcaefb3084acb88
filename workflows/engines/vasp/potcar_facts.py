"""Public facts of VASP's pseudopotentials, for machines without a library of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Facts(NamedTuple):
    """Valence electrons and recommended cutoff, eV."""

    valence: float
    enmax: float


_TABLE = """
H 1 250     Li 1 140      Li_sv 3 499.034  Be 2 247.543    B 3 318.614   C 4 400
N 5 400     O 6 400       F 7 400          Na 1 101.968    Na_pv 7 259.561
Mg 2 200    Mg_pv 8 403.929  Al 3 240.3    Si 4 245.345    P 5 255.04    S 6 258.689
Cl 7 262.472  K_sv 9 259.264  K_pv 7 116.731  Ca_sv 10 266.622  Ca_pv 8 119.559
Sc_sv 11 222.66  Ti 4 178.33  Ti_pv 10 222.335  Ti_sv 12 274.61  V_pv 11 263.673
V_sv 13 263.673  Cr 6 227.08  Cr_pv 12 265.681  Mn 7 269.864  Mn_pv 13 269.864
Fe 8 267.882  Fe_pv 14 293.238  Co 9 267.968  Ni 10 269.532  Ni_pv 16 367.986
Cu 11 295.446  Cu_pv 17 368.648  Zn 12 276.723  Ga 3 134.678  Ga_d 13 282.691
Ge 4 173.807  Ge_d 14 310.294  As 5 208.702  Se 6 211.555  Br 7 216.285
Rb_sv 9 220.112  Sr_sv 10 229.353  Y_sv 11 202.626  Zr_sv 12 229.898
Nb_pv 11 208.608  Nb_sv 13 293.235  Mo_pv 12 224.584  Mo_sv 14 242.676
Pd 10 250.925  Ag 11 249.844  Cd 12 274.336  In 3 95.934  In_d 13 239.211
Sn 4 103.236  Sn_d 14 241.083  Sb 5 172.069  Te 6 174.982  I 7 175.647
Cs_sv 9 220.318  Ba_sv 10 187.181  La 11 219.292  Hf_pv 10 220.334  Ta 5 223.667
Ta_pv 11 223.667  W 6 223.057  W_pv 12 223.057  Pt 10 230.283  Au 11 229.943
Pb 4 97.973  Pb_d 14 237.835  Bi 5 105.037  Bi_d 15 242.839
"""
_WORDS = _TABLE.split()
FACTS: Mapping[str, Facts] = {
    name: Facts(float(valence), float(enmax))
    for name, valence, enmax in zip(
        _WORDS[::3], _WORDS[1::3], _WORDS[2::3], strict=True
    )
}
"""By POTCAR name, from the list of available potentials in VASP's public manual."""
