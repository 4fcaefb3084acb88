"""The front of growing lithium: concentration, current density, and how it grew."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ionface.analysis.deposition.cell import Electrolyte, Kinetics
from ionface.analysis.deposition.deposition import DONE, Deposition, Frame
from ionface.analysis.deposition.stability import FlatFront
from ionface.analysis.figures.style import (
    INK,
    PALETTE,
    QUIET,
    RED,
    headline,
    quiet_grid,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METAL = "#b9c0c7"
FILM_DPI = 80
FILM_MS = 120  # of one frame
ABOVE = 1.6
"""Widths of the strip that are shown above the front: fields are even beyond."""


def figure_deposition(result: Deposition, *, title: str = "") -> Figure:
    """Return concentration and current density at the end, and the growth in time."""
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(12.5, 5.6), layout="constrained")
        grid = figure.add_gridspec(2, 3, width_ratios=[1.15, 1.15, 1.0])
        left = figure.add_subplot(grid[:, 0])
        middle = figure.add_subplot(grid[:, 1])
        limits = _limits(result)
        _concentration(figure, left, result, result.last, limits, [result.last])
        _current(figure, middle, result, result.last, limits)
        _growth(figure.add_subplot(grid[0, 2]), result)
        _rates(figure.add_subplot(grid[1, 2]), result)
        told = f"{result.spec['name']}: {result.last.plated:.3g} mAh/cm² at "
        told += f"{result.spec['current_ma_per_cm2']:g} mA/cm²"
        headline(figure, told if title in ("", result.spec["name"]) else title,
                 result.provenance)  # fmt: skip
        if result.ended != DONE:
            figure.supxlabel(result.ended, color=RED, fontsize=10.5, ha="center")
    return figure


def film(result: Deposition) -> bytes:
    """Return the growth as an animated GIF: concentration over the moving front."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    limits, images = _limits(result), []
    for frame in result.frames:
        with styled():
            figure = Figure(figsize=(5.2, 5.2), dpi=FILM_DPI, layout="constrained")
            axes = figure.subplots()
            _concentration(figure, axes, result, frame, limits, result.frames[1:])
            axes.set_title(
                f"{result.spec['name']}: {frame.plated:.2f} mAh/cm²", fontsize=12
            )
            canvas: Any = FigureCanvasAgg(figure)
            canvas.draw()
            picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
            images.append(picture.quantize(128))
    buffer = io.BytesIO()
    pause = [FILM_MS] * (len(images) - 1) + [10 * FILM_MS]
    images[0].save(
        buffer, "gif", save_all=True, append_images=images[1:], duration=pause, loop=0
    )
    return buffer.getvalue()


def _mirrored(x: Any, *fields: Any) -> list[Any]:
    """Return x from -width to width, and fields to both sides of the mirror at 0."""
    both = [np.concatenate([-x[:0:-1], x])]
    return both + [np.concatenate([f[:0:-1], f]) for f in fields]


def _limits(result: Deposition) -> tuple[float, float]:
    """Return the lowest and highest y that is drawn in every frame, µm."""
    front = result.last.front + result.last.mean
    low = min(0.0, float(result.frames[0].front.min()))
    high = float(front.max()) + ABOVE * float(result.x[-1])
    top = float(result.last.mean + result.thickness)
    return 1e6 * low - 0.5, 1e6 * min(high, top)


def _concentration(
    figure: Figure, axes: Axes, result: Deposition, frame: Frame,
    limits: tuple[float, float], whole: Sequence[Frame],
) -> None:  # fmt: skip
    low, high = _seen(result, whole, limits)
    if high - low < 1e-3:
        low, high = low - 1e-3, high + 1e-3
    shown = _map(
        axes, result, frame, frame.u, limits, cmap="viridis", vmin=low, vmax=high
    )
    bar = figure.colorbar(
        shown, ax=axes, orientation="horizontal", shrink=0.9, pad=0.02
    )
    bar.ax.locator_params(nbins=6)
    bar.set_label("concentration c/c₀")


def _seen(
    result: Deposition, frames: Sequence[Frame], limits: tuple[float, float]
) -> tuple[float, float]:
    """Return the lowest and highest c/c0 of what is drawn of some frames."""
    # colors go on from the last node below the edge to the first above it
    top = 1.2 * limits[1]
    inside = [f.u[1e6 * result.points(f)[1] <= top] for f in frames]
    return min(u.min() for u in inside), max(u.max() for u in inside)


def _current(
    figure: Figure, axes: Axes, result: Deposition, frame: Frame,
    limits: tuple[float, float],
) -> None:  # fmt: skip
    x, y, along, across = current_density(result, frame)
    size = np.hypot(along, across)
    # the mean flows nearly everywhere: what is concentrated at crests is to be seen
    most = max(float(np.percentile(size, 99.7)), 1.02 * float(size.min()))
    shown = _map(
        axes, result, frame, size, limits, cmap="magma", vmin=size.min(), vmax=most
    )
    bar = figure.colorbar(
        shown, ax=axes, orientation="horizontal", shrink=0.9, pad=0.02
    )
    bar.ax.locator_params(nbins=6)
    bar.set_label("current density (A/m²)")
    _arrows(axes, x, y, along, across, limits)


def current_density(result: Deposition, frame: Frame) -> tuple[Any, Any, Any, Any]:
    """Return x, y (m) of a frame's nodes and both parts of the current density, A/m².

    i = -κ0 (RT/F) [u ∇ψ + (2t+ - 1) ∇u], by differences on the mapped grid. Shapes
    (nx, ny).
    """
    e = Electrolyte(**result.spec["electrolyte"])
    x, y = result.points(frame)
    du, dpsi = (_gradient(x, y, field) for field in (frame.u, frame.psi))
    kappa, drag = e.conductivity * e.thermal_voltage, 2 * e.transference_number - 1
    along, across = (
        -kappa * (frame.u * p + drag * c) for p, c in zip(dpsi, du, strict=True)
    )
    return x, y, along, across


def _gradient(x: Any, y: Any, field: Any) -> tuple[Any, Any]:
    """Return ∂/∂x and ∂/∂y on a grid of straight columns."""
    j = np.arange(x.shape[1], dtype=float)
    rise = np.gradient(y, j, axis=1)
    by_y = np.gradient(field, j, axis=1) / rise
    at = x[:, 0]
    by_x = np.gradient(field, at, axis=0) - by_y * np.gradient(y, at, axis=0)
    by_x[[0, -1]] = 0.0  # mirrors
    return by_x, by_y


def _map(
    axes: Axes, result: Deposition, frame: Frame, field: Any,
    limits: tuple[float, float], **style: Any,
) -> Any:  # fmt: skip
    x, y = result.points(frame)
    wide, high, shown = _mirrored(x[:, 0], y, field)
    grid = np.broadcast_to(wide[:, None], high.shape)
    drawn = axes.pcolormesh(
        1e6 * grid, 1e6 * high, shown, shading="gouraud", rasterized=True, **style
    )
    _fronts(axes, result, frame, limits[0])
    axes.set_xlim(-1e6 * result.x[-1], 1e6 * result.x[-1])
    axes.set_ylim(*limits)
    axes.set_aspect("equal")
    axes.set_xlabel("x (µm)")
    axes.set_ylabel("y (µm)")
    return drawn


def _fronts(axes: Axes, result: Deposition, frame: Frame, bottom: float) -> None:
    """Draw the metal, and where its front was before."""
    wide, front = _mirrored(result.x, frame.front + frame.mean)
    axes.fill_between(1e6 * wide, bottom, 1e6 * front, color=METAL, linewidth=0)
    earlier = [f for f in result.frames if f.time < frame.time]
    for old in earlier[:: max(1, len(result.frames) // 6)]:
        line = _mirrored(result.x, old.front + old.mean)[1]
        axes.plot(1e6 * wide, 1e6 * line, color="white", linewidth=0.9)
    axes.plot(1e6 * wide, 1e6 * front, color=INK, linewidth=1.4)
    axes.text(
        0.5, 0.02, "Li", transform=axes.transAxes, ha="center", color=INK, fontsize=10
    )


def _arrows(
    axes: Axes, x: Any, y: Any, along: Any, across: Any, limits: tuple[float, float]
) -> None:
    """Draw the direction of the current on an even lattice above the front."""
    from scipy.interpolate import griddata

    wide, high, across = _mirrored(x[:, 0], y, across)
    along = np.concatenate([-along[:0:-1], along])
    grid = np.broadcast_to(wide[:, None], high.shape)
    at = np.meshgrid(
        np.linspace(0.95 * wide[0], 0.95 * wide[-1], 15),
        np.linspace(1e-6 * limits[0], 1e-6 * limits[1], 15),
    )
    points = (grid.ravel(), high.ravel())
    u, v = (griddata(points, f.ravel(), tuple(at)) for f in (along, across))
    floor = np.interp(at[0].ravel(), wide, high[:, 0]).reshape(at[0].shape)
    size = np.hypot(u, v)
    size[(at[1] < floor + 0.02 * (wide[-1] - wide[0])) | ~(size > 0)] = np.nan
    axes.quiver(
        1e6 * at[0], 1e6 * at[1], u / size, v / size, color="white", alpha=0.85,
        scale=28, width=0.0035, headwidth=4.5,
    )  # fmt: skip


def _growth(axes: Axes, result: Deposition) -> None:
    times = np.array([f.time for f in result.frames])
    plated = [f.plated for f in result.frames]
    sizes = np.array([1e6 * f.amplitude for f in result.frames])
    axes.plot(plated, sizes, "o-", color=PALETTE[0], markersize=3.5, label="computed")
    if (rate := result.regime.seed_growth_per_s) is not None:
        line = sizes[0] * np.exp(rate * times)
        axes.plot(
            plated, line, "--", color=PALETTE[1], label="closed form, small waves"
        )
        top = max(sizes.max(), min(line.max(), 1.5 * sizes.max()))
        axes.set_ylim(0, 1.45 * top)  # room for the legend
    axes.set_xlabel("plated (mAh/cm²)")
    axes.set_ylabel("amplitude (µm)")
    axes.legend(loc="upper left")
    quiet_grid(axes)


def _rates(axes: Axes, result: Deposition) -> None:
    """Draw the closed form: growth rate against wavelength."""
    regime, spec = result.regime, result.spec
    if regime.critical_wavelength_um is None:
        axes.set_axis_off()
        return
    assert regime.fastest_wavelength_um is not None
    flat = FlatFront(
        Electrolyte(**spec["electrolyte"]), Kinetics(**spec["kinetics"]),
        result.thickness, 10 * spec["current_ma_per_cm2"],
    )  # fmt: skip
    longest = max(100.0, 2 * regime.fastest_wavelength_um)
    waves = np.geomspace(0.7 * regime.critical_wavelength_um, longest, 200)
    rates = 1e3 * flat.growth_rate(2e6 * np.pi / waves)
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.plot(waves, rates, color=PALETTE[0], linewidth=1.8)
    seed = spec["seed"]["wavelength_um"] or spec["geometry"]["width_um"]
    at = 1e3 * (regime.seed_growth_per_s or 0.0)
    axes.plot(seed, at, "o", color=PALETTE[1], label=f"seed, {seed:g} µm")
    axes.plot(
        regime.fastest_wavelength_um, 1e3 * regime.fastest_growth_per_s, "o",
        color=PALETTE[2], label=f"fastest, {regime.fastest_told} µm",
    )  # fmt: skip
    top = 1e3 * regime.fastest_growth_per_s
    axes.set_ylim(-0.6 * top, 1.25 * top)
    axes.set_xscale("log")
    axes.set_xlabel("wavelength (µm)")
    axes.set_ylabel("growth rate ω (10⁻³/s)")
    axes.legend(loc="lower right")
    quiet_grid(axes)
