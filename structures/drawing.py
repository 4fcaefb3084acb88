"""A picture of an interface model: from the side, z to the right, and from above.

Atoms are shaded balls, drawn from far to near with the bonds of polyanions and
molecules; a band of its own color lies behind each phase and a dashed line marks each
interface. Thin cells are repeated until they can be looked at; most of the vacuum is
left out, and the picture says so.

The side view looks along the shorter in-plane vector; z points to the right. Atoms on
the border of the cell are shown on both sides of it.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Structure

from ionface.structures.periodic import covalent_radii

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
BANDS = {"substrate": "#e3ecf7", "film": "#fbeedd"}
EDGES = {"substrate": "#2f5d9b", "film": "#a8621b"}
MARK, FRAME = "#c0392b", "#555555"
COLORS = {"Li": (0.58, 0.40, 0.80), "H": (0.96, 0.96, 0.96), "In": (0.52, 0.42, 0.41)}
BALL = 0.50  # drawn radius per covalent radius
INCHES_PER_ANGSTROM = 0.22
WIDTHS = (7.0, 13.0)  # of the figure, inches
METALS = {"Li", "Na", "K", "Mg", "Al", "Zn", "Ga", "In", "Sn", "Ti", "Ge"}
BORDER = 0.03  # of the cell: atoms this close to an edge are drawn on both edges
MARGIN = 3.0  # Å of vacuum that is drawn
MOST_BALLS = 1500  # beyond, one cell is drawn: a thousand balls take seconds
NEAR = 4.5  # Å on either side of the interface that the view from above shows


class Drawable(Protocol):
    """What is asked of a model that is drawn; `model.InterfaceModel` is one."""

    name: str
    structure: Structure
    n_interfaces: int
    vacuum: float

    @property
    def area(self) -> float: ...  # noqa: D102
    @property
    def max_strain(self) -> float: ...  # noqa: D102
    @property
    def phases(self) -> list[str]: ...  # noqa: D102
    @property
    def interface_heights(self) -> list[float]: ...  # noqa: D102
    def summary(self) -> dict[str, Any]: ...  # noqa: D102


def draw_model(model: Drawable, path: Path | str) -> None:
    """Write a picture of a model; the suffix (.png, .svg, .pdf) chooses the format."""
    figure_model(model).savefig(path, dpi=200)


def model_page(model: Drawable) -> str:
    """Return a picture of a model and its measures as HTML."""
    told = model.summary()
    facts = {
        "atoms": told["atoms"],
        "area": f"{told['area']:.2f} Å²",
        "largest strain": f"{100 * told['max_strain']:.2f} %",
        "gap": f"{told['gap']:.2f} Å ({told['gap_from']})",
        "film": told["film"],
        "substrate": told["substrate"],
        "closest pair across": (
            f"{told['shortest_pair']} {told['shortest_distance']:.2f} Å"
        ),
        "notes": "; ".join(told["notes"]),
    }
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in facts.items()
        if value != ""
    )
    buffer = BytesIO()
    figure_model(model).savefig(buffer, format="png", dpi=110)
    picture = b64encode(buffer.getvalue()).decode()
    return (
        f'<h4>{escape(model.name)}</h4><img alt="{escape(model.name)}, side and top" '
        f'style="max-width:100%" src="data:image/png;base64,{picture}">'
        f"<table>{rows}</table>"
    )


def figure_model(model: Drawable) -> Figure:
    """Return the figure: the side view on the left, the interface from above right."""
    from matplotlib.figure import Figure as MplFigure

    view = View(model)
    sizes = np.array([view.side_size(), view.top_size()])  # Å, rows are (width, height)
    extra = np.array([1.2, 1.5])  # inches for titles and legend
    wanted = sizes.sum(axis=0)[0] * INCHES_PER_ANGSTROM
    scale = np.clip(wanted, *WIDTHS) / sizes.sum(axis=0)[0]
    size = np.array([sizes[:, 0].sum(), sizes[:, 1].max()]) * scale + extra
    figure = MplFigure(figsize=(float(size[0]), float(size[1])), layout="constrained")
    side, top = figure.subplots(1, 2, width_ratios=sizes[:, 0].tolist())
    _draw_side(side, view)
    _draw_top(top, view)
    strain = f"strain {100 * model.max_strain:.2f} %"
    figure.suptitle(
        f"{model.name}:  {len(model.structure)} atoms, {model.area:.1f} Å², {strain}",
        fontsize=13,
        fontweight="bold",
    )
    _legend(figure, model)
    return figure


def _draw_side(axes: Axes, view: View) -> None:
    model, top = view.model, view.height * view.copies
    for side in ("substrate", "film"):
        phase = getattr(model, f"{side}_phase")
        z = model.structure.cart_coords[np.array(model.phases) == phase, 2]
        low, high = float(z.min()), float(z.max())
        axes.fill_between(
            [low - 0.8, high + 0.8], -1.2, top + 1.2, color=BANDS[side], zorder=0
        )
        axes.annotate(
            phase,
            ((low + high) / 2, top + 1.2),
            (0, 3),
            textcoords="offset points",
            ha="center",
            color=EDGES[side],
            fontsize=14,
            fontweight="bold",
        )
    _draw_scene(axes, view.side())
    for height in [*model.interface_heights, *_upper_border(view)]:
        axes.plot(
            [height] * 2, [-1.2, top + 1.2], color=MARK, lw=1.6, ls="--", zorder=3e4
        )
    for copy in range(view.copies + 1):
        style = ("-", 1.0) if copy in (0, view.copies) else (":", 0.6)
        wide, up = [view.left, view.right], copy * view.height
        axes.plot(wide, [up] * 2, color=FRAME, ls=style[0], lw=style[1], zorder=1)
    _bar(axes, view.left, -2.6)
    axes.set_xlim(view.left - 1.5, view.right + 1.5)
    axes.set_ylim(-3.4, top + 3.0)
    axes.set_title(_side_title(view), fontsize=10)
    axes.set_aspect("equal")
    axes.axis("off")


def _upper_border(view: View) -> list[float]:
    """Return the upper copy of an interface that lies on the cell's border."""
    lowest = min(view.model.interface_heights)
    return [view.cell_c] if view.model.n_interfaces == 2 and lowest < 1e-6 else []


def _side_title(view: View) -> str:
    copies = f", {view.copies} cells high" if view.copies > 1 else ""
    if view.model.vacuum:
        return f"side view (vacuum of {view.model.vacuum:g} Å cut short){copies}"
    return f"side view, two interfaces{copies}"


def _draw_top(axes: Axes, view: View) -> None:
    ring = view.outline()
    _draw_scene(axes, view.top())
    axes.plot(ring[:, 0], ring[:, 1], color=FRAME, lw=1.0, zorder=1)
    low, high = ring.min(axis=0), ring.max(axis=0)
    axes.set_xlim(low[0] - 2, high[0] + 2)
    axes.set_ylim(-3.4, high[1] + 3.0)
    axes.set_title(f"from above, ± {NEAR} Å", fontsize=10)
    _bar(axes, low[0], -2.6)
    axes.set_aspect("equal")
    axes.axis("off")


def _draw_scene(axes: Axes, scene: Scene) -> None:
    """Draw balls and sticks from far to near."""
    from matplotlib.patches import Circle

    radii = BALL * covalent_radii(scene.symbols)
    depth = scene.points[:, 2]
    rank = np.argsort(np.argsort(depth, kind="stable"), kind="stable")
    near = (depth - depth.min()) / (np.ptp(depth) or 1.0)
    for i, (x, y, _) in enumerate(scene.points):
        color = _faded(_color(scene.symbols[i]), near[i])
        order = 10 + 3 * float(rank[i])
        spot = (x - 0.28 * radii[i], y + 0.28 * radii[i])
        body = Circle((x, y), radii[i], fc=color, ec="#333333", lw=0.5, zorder=order)
        light = color + (1 - color) * 0.6
        shine = Circle(spot, 0.38 * radii[i], fc=light, ec="none", zorder=order + 1)
        for disk in (body, shine):
            disk.set_in_layout(False)  # the axes' limits are known: nothing to measure
            axes.add_patch(disk)
    for i, end in scene.sticks:
        line = np.array([scene.points[i, :2], end])
        color = _faded(np.full(3, 0.45), near[i])
        order = 10 + 3 * float(rank[i]) - 0.5  # behind its own ball
        axes.plot(line[:, 0], line[:, 1], color=color, lw=2.2, zorder=order)


def _faded(color: Array, near: float) -> Array:
    """Return a color paled with distance, as haze does."""
    return np.asarray(color * (0.6 + 0.4 * near) + 0.95 * 0.4 * (1 - near))


def _color(symbol: str) -> Array:
    from ase.data import atomic_numbers
    from ase.data.colors import jmol_colors

    return np.array(COLORS.get(symbol, tuple(jmol_colors[atomic_numbers[symbol]])))


def _bar(axes: Axes, x: float, y: float) -> None:
    axes.plot([x, x + 5], [y, y], color="black", lw=2.5, solid_capstyle="butt")
    axes.text(x + 5.4, y, "5 Å", va="center", fontsize=9)


def _legend(figure: Figure, model: Drawable) -> None:
    from matplotlib.lines import Line2D

    symbols = sorted({site.specie.symbol for site in model.structure})
    sizes = 5 + 4 * covalent_radii(symbols)
    handles = [
        Line2D([], [], ls="", marker="o", ms=size, mec="#333333", mew=0.5, label=symbol)
        for symbol, size in zip(symbols, sizes, strict=True)
    ]
    for handle, symbol in zip(handles, symbols, strict=True):
        handle.set_markerfacecolor(tuple(_color(symbol).tolist()))
    handles.append(Line2D([], [], color=MARK, lw=1.6, ls="--", label="interface"))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        frameon=False,
        fontsize=10,
        handletextpad=0.3,
        columnspacing=1.4,
    )


@dataclass(frozen=True)
class Scene:
    """Balls and sticks of one view; the last coordinate is depth, near is large.

    Attributes:
        points: (right, up, depth) of each ball, Å, shape (n, 3).
        symbols: elements.
        sticks: ball and end (right, up) of each half bond, Å.
    """

    points: Array
    symbols: list[str]
    sticks: list[tuple[int, Array]]


class View:
    """A model seen along its shorter in-plane vector.

    Attributes:
        height: of one cell in the side view, Å.
        copies: of the cell that the side view shows above each other.
        left: lowest z that is shown, Å.
        right: highest z that is shown, Å.
        cell_c: length of the cell along z, Å.
    """

    def __init__(self, model: Drawable) -> None:
        self.model = model
        vectors = model.structure.lattice.matrix[:2, :2]
        lengths = np.linalg.norm(vectors, axis=1)
        self.short, self.long = np.argsort(lengths, kind="stable")
        self.along = vectors[self.short] / lengths[self.short]
        self.up = np.array([-self.along[1], self.along[0]])
        self.up *= np.sign(self.up @ vectors[self.long])
        self.vectors = vectors
        self.height = float(vectors[self.long] @ self.up)
        self.cell_c = float(model.structure.lattice.matrix[2, 2])
        z = model.structure.cart_coords[:, 2]
        empty = model.vacuum > 0
        self.left = float(z.min() - MARGIN) if empty else 0.0
        self.right = float(z.max() + MARGIN) if empty else self.cell_c
        wanted = np.ceil(0.3 * self.width / self.height)
        most = MOST_BALLS // len(model.structure)
        self.copies = int(np.clip(wanted, 1, max(1, min(3, most))))

    @property
    def width(self) -> float:
        """Return how much of z is shown, Å."""
        return self.right - self.left

    def side_size(self) -> Array:
        """Return width and height of the side view with its margins, Å."""
        return np.array([self.width + 3.0, self.height * self.copies + 6.4])

    def top_size(self) -> Array:
        """Return width and height of the view from above with its margins, Å."""
        corners = self._plane(_ring(self.vectors))
        return np.asarray(np.ptp(corners, axis=0) + np.array([4.0, 6.4]))

    def _plane(self, points: Array) -> Array:
        """Return in-plane points as (along the line of sight, up)."""
        return np.asarray(points @ np.column_stack([self.along, self.up]))

    def outline(self) -> Array:
        """Return the closed border of the cell from above, Å, shape (5, 2)."""
        return self._plane(_ring(self.vectors))

    def side(self) -> Scene:
        """Return all atoms, repeated upwards."""
        return self._scene(self.copies, only=None, top=False)

    def top(self) -> Scene:
        """Return the atoms near the first interface."""
        z = self.model.structure.cart_coords[:, 2]
        away = z - self.model.interface_heights[0]
        away -= self.cell_c * np.rint(away / self.cell_c)
        return self._scene(1, only=np.abs(away) < NEAR, top=True)

    def _scene(self, copies: int, only: NDArray[np.bool_] | None, top: bool) -> Scene:
        structure = self.model.structure
        atoms_shown = (
            np.arange(len(structure)) if only is None else np.flatnonzero(only)
        )
        home = structure.frac_coords[atoms_shown]
        home = home - np.floor(home + 1e-6)
        points: list[Array] = []
        atoms: list[int] = []
        for i in (-1, 0, 1):
            for j in range(-1, copies + 1):
                shift = np.zeros(3)
                shift[self.short], shift[self.long] = i, j
                moved = home + shift
                rows, depth = moved[:, self.long], moved[:, self.short]
                edge = BORDER if top else -1e-6  # depth is drawn once from the side
                inside = (rows > -BORDER) & (rows < copies + BORDER)
                inside &= (depth > -abs(edge)) & (depth < 1 + edge)
                points.append(moved[inside] @ structure.lattice.matrix)
                atoms += atoms_shown[inside].tolist()
        coords = self._seen(np.concatenate(points), top)
        bonds = self._half_bonds(top)
        return Scene(
            points=coords,
            symbols=[structure[atom].specie.symbol for atom in atoms],
            sticks=[
                (ball, coords[ball, :2] + half)
                for ball, atom in enumerate(atoms)
                for half in bonds.get(atom, [])
            ],
        )

    def _seen(self, coords: Array, top: bool) -> Array:
        """Return Cartesian vectors as (right, up, depth)."""
        flat, z = self._plane(coords[:, :2]), coords[:, 2]
        if top:
            return np.column_stack([flat, z])
        return np.column_stack([z, flat[:, 1], -flat[:, 0]])

    def _half_bonds(self, top: bool) -> dict[int, list[Array]]:
        """Return the vectors to the middle of the bonds of each nonmetal atom."""
        structure = self.model.structure
        symbols = [site.specie.symbol for site in structure]
        radii = covalent_radii(symbols)
        first, second, images, lengths = structure.get_neighbor_list(2.6)
        metal = np.array([symbol in METALS for symbol in symbols])
        bonded = ~metal[first] & ~metal[second]
        bonded &= lengths < 1.2 * (radii[first] + radii[second])
        fractions = structure.frac_coords
        vectors = fractions[second] + images - fractions[first]
        halves = self._seen(vectors @ structure.lattice.matrix / 2, top)[:, :2]
        bonds: dict[int, list[Array]] = {}
        for k in np.flatnonzero(bonded):
            bonds.setdefault(int(first[k]), []).append(halves[k])
        return bonds


def _ring(vectors: Array) -> Array:
    return np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) @ vectors
