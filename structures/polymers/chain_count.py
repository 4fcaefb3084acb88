"""How many chains make a film of a density, and whether any packing has it."""

from __future__ import annotations

from ionface.errors import StructureError
from ionface.structures.polymers.film_chains import DALTONS, Chain, densest
from ionface.structures.specs import FilmLayer

DENSITY = (0.1, 5.0)  # g/cm³
FULLEST = 0.95  # of space filled by van der Waals spheres; crystals have up to 0.77
THINNEST = 4.0  # Å, of a film of flat chains


def amount(layer: FilmLayer, mass: float, area: float) -> tuple[int, float]:
    """Return how many chains there are, and the film's thickness, Å.

    Args:
        layer: chains or thickness, and density.
        mass: of one chain, Da.
        area: of the cell, Å².

    Raises:
        StructureError: neither or both, values out of range, or not one whole chain.
    """
    low, high = DENSITY
    if not low <= layer.density <= high:
        raise StructureError(
            f"{layer.phase}: density={layer.density} g/cm³ must lie between {low} and "
            f"{high}; polymers have 0.8 to 2.2"
        )
    if (layer.chains is None) == (layer.thickness is None):
        raise StructureError(
            f"{layer.phase}: chains={layer.chains}, thickness={layer.thickness}: give "
            "one of the two; the other follows from the density"
        )
    volume = mass / (layer.density * DALTONS)  # Å³ of one chain
    chains = layer.chains
    if chains is None:
        chains = round(float(layer.thickness or 0) * area / volume)
    if chains < 1:
        raise StructureError(
            f"{layer.phase}: chains={layer.chains}, thickness={layer.thickness} Å: on "
            f"{area:.1f} Å² one chain of {mass:.1f} Da makes {volume / area:.1f} Å; "
            "give at least that thickness, a shorter chain, or a larger cell"
        )
    thickness = chains * volume / area
    if thickness < THINNEST:
        raise StructureError(
            f"{layer.phase}: {chains} chains of {mass:.1f} Da at "
            f"density={layer.density} g/cm³ on {area:.1f} Å² make {thickness:.1f} Å, "
            f"thinner than one flat chain ({THINNEST} Å); give more chains, or a "
            "smaller cell"
        )
    return chains, thickness


def check_room(layer: FilmLayer, chain: Chain) -> None:
    """Refuse at once a density that no packing has; trying it takes minutes.

    Raises:
        StructureError: van der Waals spheres would fill more than FULLEST of the film.
    """
    full = densest(chain)
    if layer.density > FULLEST * full:
        raise StructureError(
            f"{layer.phase}: density={layer.density} g/cm³ cannot be packed: the "
            "chains' van der Waals volume alone would fill "
            f"{layer.density / full:.0%} of the film; molecular crystals fill 65-77 %, "
            f"here {0.65 * full:.2f} to {0.77 * full:.2f} g/cm³. Lower the density"
        )
