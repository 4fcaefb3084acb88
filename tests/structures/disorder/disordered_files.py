"""Partly occupied crystals as CIFs: self-made, in the manners of the literature."""

CELL = """data_own
_cell_length_a {a}
_cell_length_b {b}
_cell_length_c {c}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma {gamma}
_symmetry_space_group_name_H-M '{group}'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
"""


def cif(group, a, *atoms, b=None, c=None, gamma=90):
    """Return a CIF; atoms are "Symbol x y z occupancy"."""
    head = CELL.format(group=group, a=a, b=b or a, c=c or a, gamma=gamma)
    rows = [f"{atom.split()[0][:2]}{n} {atom}" for n, atom in enumerate(atoms)]
    return head + "\n".join(rows) + "\n"


def salt(*atoms, group="F m -3 m", a=5.2):
    """Return rock salt, the cations at the origin, the anions at 1/2."""
    return cif(group, a, *atoms)


def argyrodite(*anions, lithium="Li 0.183 0.183 0.024 0.5", sulfur="S"):
    return cif(
        "F -4 3 m", 9.85, lithium, "P 0 0 0.5 1",
        f"{sulfur} 0.1195 -0.1195 0.6195 1", *anions,
    )  # fmt: skip


def perovskite(*atoms, a=3.9):
    return cif("P m -3 m", a, *atoms)


OXIDE = "O 0.5 0.5 0.5 1"
CL = "Cl 0.5 0.5 0.5 1"
PEROVSKITE_O = "O 0.5 0.5 0 1"

# what each becomes with `ordering`: a formula, or words of the one sentence
VARIANTS = {
    # mixed anions and split lithium
    "mixed_anions": (
        argyrodite("S 0 0 0 0.615", "Cl 0 0 0 0.385", "S 0.25 0.25 0.25 0.385",
                   "Cl 0.25 0.25 0.25 0.615"),
        "Li6PS5Cl",
    ),
    "charged_symbols": (
        argyrodite("S2- 0 0 0 0.615", "Cl1- 0 0 0 0.385", "S2- 0.25 0.25 0.25 0.385",
                   "Cl1- 0.25 0.25 0.25 0.615", lithium="Li1+ 0.183 0.183 0.024 0.5",
                   sulfur="S2-"),
        "Li6PS5Cl",
    ),
    "three_anions": (
        argyrodite("Cl 0 0 0 0.5", "Br 0 0 0 0.5", "S 0.25 0.25 0.25 1"),
        "Li12P2S10BrCl",
    ),
    "two_lithium_sites": (
        argyrodite("Cl 0 0 0 1", "S 0.25 0.25 0.25 1",
                   lithium="Li 0.183 0.183 0.024 0.4\nLi9 Li 0.25 0.25 0.02 0.1"),
        "cannot be neutral; use a larger supercell",
    ),
    "vacant_anion": (
        argyrodite("Cl 0 0 0 1", "S 0.25 0.25 0.25 0.75", "Cl 0.25 0.25 0.25 0.25",
                   lithium="Li 0.183 0.183 0.024 0.479"),
        "Li23P4S19Cl5",
    ),
    "refined_digits": (
        argyrodite("S 0 0 0 0.612", "Cl 0 0 0 0.386", "S 0.25 0.25 0.25 0.389",
                   "Cl 0.25 0.25 0.25 0.612", lithium="Li 0.183 0.183 0.024 0.497"),
        "Li6PS5Cl",
    ),
    "uncertainties": (
        argyrodite("S 0 0 0 0.615(4)", "Cl 0 0 0 0.385(4)", "S 0.25 0.25 0.25 0.385(4)",
                   "Cl 0.25 0.25 0.25 0.615(4)", lithium="Li 0.183(2) 0.183 0.024 0.5"),
        "Li6PS5Cl",
    ),
    # occupancies that are rounded, or sum to less than one
    "a_third": (
        salt("Li 0 0 0 0.333", "Na 0 0 0 0.333", "K 0 0 0 0.333", CL),
        "K2NaLiCl4",
    ),
    "half_cations": (salt("Mg 0 0 0 0.5", CL), "MgCl2"),
    "cations_and_vacancies": (salt("Li 0 0 0 0.5", "Mg 0 0 0 0.25", CL), "Li2MgCl4"),
    "aliovalent": (salt("Li 0 0 0 0.25", "Al 0 0 0 0.25", CL), "LiAlCl4"),
    "trivalent": (salt("Li 0 0 0 0.5", "Y 0 0 0 0.1667", CL), "cannot be neutral"),
    "rock_salt_oxide": (salt("Li 0 0 0 0.5", "Ti 0 0 0 0.5", OXIDE, a=4.1), "LiTiO2"),
    "titanate": (
        salt("Li 0 0 0 0.6667", "Ti 0 0 0 0.3333", OXIDE, a=4.14), "cannot be neutral",
    ),
    "two_cations": (salt("Ca 0 0 0 0.5", "Y 0 0 0 0.5", OXIDE), "CaYO2"),
    "doped_fluoride": (salt("Li 0 0 0 1", "F 0.5 0.5 0.5 0.5", CL[:-1] + "0.5"),
                       "Li2ClF"),
    "five_cations": (
        salt("Mg 0 0 0 0.2", "Co 0 0 0 0.2", "Ni 0 0 0 0.2", "Cu 0 0 0 0.2",
             "Zn 0 0 0 0.2", OXIDE, a=4.2),
        "ZnCoCuNiO4",
    ),
    # several sublattices
    "two_sublattices": (
        perovskite("Li 0 0 0 0.5", "La 0 0 0 0.5", "Ti 0.5 0.5 0.5 1", PEROVSKITE_O),
        "cannot be neutral",
    ),
    "three_sublattices": (
        perovskite("Na 0 0 0 0.5", "K 0 0 0 0.5", "Mg 0.5 0.5 0.5 0.5",
                   "Zn 0.5 0.5 0.5 0.5", "F 0.5 0.5 0 0.667", "Cl 0.5 0.5 0 0.333",
                   a=4.1),
        "KZnClF2",
    ),
    "antiperovskite": (
        perovskite("O 0.5 0.5 0.5 1", "Li 0.5 0.5 0 1", "Cl 0 0 0 0.5", "Br 0 0 0 0.5"),
        "Li3BrO",
    ),
    "deficient_antiperovskite": (
        perovskite("O 0.5 0.5 0.5 1", "Li 0.5 0.5 0 0.667", "Cl 0 0 0 1"), "Li2ClO",
    ),
    # hydrogen
    "deuterium": (
        perovskite("O 0.5 0.5 0.5 1", "D 0.5 0.5 0.7437 0.1667", "Li 0.5 0.5 0 0.6667",
                   "Cl 0 0 0 1"),
        "Li2HClO",
    ),
    "rotating_hydroxide": (
        cif("P 4/m m m", 3.55, "Li 0 0 0 1", "O 0.5 0.5 0.3 0.5", "H 0.5 0.5 0.523 0.5",
            c=4.3),
        "LiHO",
    ),
    # split sites, nearer than atoms can be
    "split_site": (
        cif("P m -3 m", 4.1, "Cs 0 0 0 1", "Cl 0.45 0.5 0.5 0.1667"), "CsCl",
    ),
    "split_lithium": (
        cif("P m -3 m", 4.1, "Cl 0 0 0 1", "Li 0.45 0.5 0.5 0.1667"), "LiCl",
    ),
    "rotating_phosphate": (
        cif("P m -3 m", 5.5, "P 0 0 0 1", "O 0.163 0.163 0.163 0.5",
            "Li 0.5 0.5 0 1"),
        "Li3PO4",
    ),
    # not neutral, unknown, impossible
    "charged": (
        salt("Li 0 0 0 0.4", CL), "ranked by formal charges, but no usual .* of Li, Cl",
    ),
    "alloy": (cif("F m -3 m", 3.8, "Cu 0 0 0 0.75", "Au 0 0 0 0.25"), "Cu3Au"),
    "substituted_metal": (cif("I m -3 m", 3.4, "Li 0 0 0 0.5", "Mg 0 0 0 0.5"), "LiMg"),
    "one_atom_of_many": (salt("Li 0 0 0 0.99", "Mg 0 0 0 0.005", CL), "LiCl"),
    "nasicon": (
        cif("R -3 c", 8.9, "Na 0 0 0 1", "Na 0.64 0 0.25 0.6667", "Zr 0 0 0.146 1",
            "Si 0.295 0 0.25 0.6667", "P 0.295 0 0.25 0.3333", "O 0.18 0.97 0.19 1",
            "O 0.19 0.17 0.085 1", c=22.8, gamma=120),
        "Na3Zr2Si2PO12",
    ),
    "hexagonal_third": (
        cif("P 6/m m m", 3.648, "N 0 0 0 1", "Li 0 0 0.5 1", "Li 0.333 0.667 0 0.9",
            "Mg 0.333 0.667 0 0.05", c=3.875, gamma=120),
        "Li3N",
    ),
    "everything_partial": (salt("Li 0 0 0 0.5", "Cl 0.5 0.5 0.5 0.5"), "LiCl"),
}  # fmt: skip
