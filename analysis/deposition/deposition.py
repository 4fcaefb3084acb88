"""A whole run of a deposition, resumable, and its result.

`deposit(spec)` is the function one came for. It goes on from the file `state.npz` of
its folder, if there is one, and ends as it would have uninterrupted, to the bit.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from ionface.analysis.deposition.cell import MAH_PER_CM2, MOLAR_VOLUME, DepositionSpec
from ionface.analysis.deposition.stability import (
    FloatArray,
    Regime,
    amplitude_of,
    check,
)
from ionface.analysis.electrochemistry.transport_properties import FARADAY
from ionface.analysis.result import Provenance, Result, plain
from ionface.errors import AnalysisError
from ionface.files import digest, write_atomically

if TYPE_CHECKING:  # the solvers import half of scipy, which reading a result need not
    from ionface.analysis.deposition.moving_mesh import MovingMesh, State

FRAMES = 30
"""Moments that are kept: a film of three seconds."""

SHOWN = 60
"""Nodes along each axis that a frame keeps of its fields."""

DIGITS = 6
"""Of what a field spans, kept in frames: a picture of its gradient shows three."""

SHORTEST = 0.01
"""Part of a step at which the time of a contact is known well enough."""

STATE = "state.npz"
DONE = "done"

Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Frame:
    """A moment that is kept.

    Attributes:
        time: s.
        plated: mAh/cm².
        front: height over its mean, m, shape (columns + 1,).
        density: current density at the front, A/m², shape (columns + 1,).
        u: c/c0, shape (nx, ny), from the front to the anode.
        psi: Fφ/RT, shape (nx, ny).
    """

    time: float
    plated: float
    front: FloatArray
    density: FloatArray
    u: FloatArray
    psi: FloatArray

    @property
    def amplitude(self) -> float:
        """Return half the difference of the highest and lowest point, m."""
        return amplitude_of(self.front)

    @property
    def mean(self) -> float:
        """Return the mean thickness of what was plated, m."""
        return MAH_PER_CM2 * self.plated * MOLAR_VOLUME / FARADAY


@dataclass(frozen=True, repr=False)
class Deposition(Result):
    """Growth of lithium in one cell.

    Attributes:
        spec: what was asked, as plain data.
        regime: closed forms beside it.
        x: positions of the front's nodes, m, shape (columns + 1,).
        columns: which of them the fields of a frame have, shape (nx,).
        eta: relative heights of the fields, 0 at the front, 1 at the anode, (ny,).
        frames: from the seed to the end.
        ended: "done", or in a sentence what ended the growth before.
        salt_drift: relative change of the salt in the cell.
        steps: of time.
    """

    kind: ClassVar[str] = "deposition"
    figure: ClassVar[str] = (
        "ionface.analysis.figures.deposition_figure:figure_deposition"
    )

    spec: Mapping[str, Any]
    regime: Regime
    x: FloatArray
    columns: Any
    eta: FloatArray
    frames: tuple[Frame, ...]
    ended: str
    salt_drift: float
    steps: int

    @property
    def last(self) -> Frame:
        """Return the end of the growth."""
        return self.frames[-1]

    @property
    def thickness(self) -> float:
        """Return the thickness of the electrolyte, m."""
        return float(1e-6 * self.spec["geometry"]["thickness_um"])

    def points(self, frame: Frame) -> tuple[FloatArray, FloatArray]:
        """Return x and y of a frame's fields, m, with the mean front of the start at 0.

        Shapes (nx, ny).
        """
        front = frame.front[self.columns]
        y = front[:, None] + (self.thickness - front)[:, None] * self.eta
        x = np.broadcast_to(self.x[self.columns][:, None], y.shape)
        return np.asarray(x), frame.mean + y

    def rows(self) -> Iterator[dict[str, float]]:
        """Yield one row per frame."""
        for frame in self.frames:
            yield {
                "time (s)": frame.time,
                "plated (mAh/cm²)": frame.plated,
                "mean thickness (µm)": 1e6 * frame.mean,
                "crest (µm)": 1e6 * (frame.mean + float(frame.front.max())),
                "valley (µm)": 1e6 * (frame.mean + float(frame.front.min())),
                "amplitude (µm)": 1e6 * frame.amplitude,
                "highest current (A/m²)": float(frame.density.max()),
                "lowest current (A/m²)": float(frame.density.min()),
                "lowest c/c0": float(frame.u[:, 0].min()),
            }

    def values(self) -> dict[str, Any]:
        """Return plain JSON values; fields keep six digits."""
        return {
            "spec": plain(self.spec),
            "regime": plain(self.regime),
            "x_m": plain(self.x),
            "columns": plain(np.asarray(self.columns, dtype=float)),
            "eta": plain(self.eta),
            "frames": [_packed(frame) for frame in self.frames],
            "ended": self.ended,
            "salt_drift": self.salt_drift,
            "steps": self.steps,
            "points": list(self.rows()),
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the run that `values` wrote."""
        return cls(
            spec=data["spec"],
            regime=Regime(**data["regime"]),
            x=np.array(data["x_m"]),
            columns=np.array(data["columns"], dtype=int),
            eta=np.array(data["eta"]),
            frames=tuple(
                Frame(**{f.name: _array(frame[f.name]) for f in fields(Frame)})
                for frame in data["frames"]
            ),
            ended=data["ended"],
            salt_drift=data["salt_drift"],
            steps=data["steps"],
            provenance=provenance,
        )

    def summary(self) -> str:
        """Return how the front grew."""
        first, last = self.frames[0], self.last
        return (
            f"{last.plated:.3g} mAh/cm², amplitude {1e6 * first.amplitude:.3g} to "
            f"{1e6 * last.amplitude:.3g} µm"
        )


def _array(value: Any) -> Any:
    return np.array(value) if isinstance(value, list) else value


def _packed(frame: Frame) -> dict[str, Any]:
    return {f.name: plain(getattr(frame, f.name)) for f in fields(frame)}


# --- the run --------------------------------------------------------------------------


@dataclass
class Run:
    """A growth as far as it is.

    Attributes:
        state: now.
        done: steps so far.
        frames: kept so far, states of whole meshes.
        salt: in the cell at the start, as c/c0 times area.
    """

    state: State
    done: int
    frames: list[State]
    salt: float


def _nobody(done: int, total: int, note: str) -> None:
    del done, total, note


def deposit(
    spec: DepositionSpec, folder: str | Path | None = None, report: Report = _nobody
) -> Deposition:
    """Return the growth of lithium in a cell.

    Args:
        spec: of the cell.
        folder: where the state is kept at every frame, and taken up again; nowhere if
            None.
        report: hears of steps done, of all steps, and of the front in words.

    Raises:
        AnalysisError: closed forms forbid the run (see `stability.check`), scikit-fem
            is not installed, or the folder holds the state of another run.
    """
    found = check(spec)
    model = _solver(spec)
    total = model.steps
    path = Path(folder) / STATE if folder is not None else None
    run = _resumed(path, spec, type(model.start())) or _begun(model)
    ended = DONE
    keep = _kept_steps(total)
    while run.done < total and ended == DONE:
        ended = _advance(model, run, spec.duration / total)
        report(run.done, total, f"amplitude {1e6 * run.state.amplitude:.3f} µm")
        if run.done in keep or ended != DONE:
            run.frames.append(run.state)
            if path is not None and ended == DONE:
                _keep(path, spec, run)
    return _result(spec, found, model, run, ended)


def _solver(spec: DepositionSpec) -> MovingMesh:
    from ionface.analysis.deposition.level_set import LevelSet
    from ionface.analysis.deposition.moving_mesh import MovingMesh

    return LevelSet(spec) if spec.method == "level-set" else MovingMesh(spec)


def _kept_steps(total: int) -> set[int]:
    return {round(k * total / FRAMES) for k in range(1, FRAMES + 1)}


def _begun(model: MovingMesh) -> Run:
    start = model.start()
    return Run(start, 0, [start], model.salt(start))


def _advance(model: MovingMesh, run: Run, dt: float) -> str:
    """Do one step; return "done", or what ends the growth.

    Near the other electrode a tip runs away: steps are divided to end before it.
    """
    from ionface.analysis.deposition.transport import DepletedError

    left, size = dt, dt
    while left > 0:
        try:
            state = model.advance(run.state, min(size, left))
        except DepletedError:
            return (
                f"the salt at the front is used up after {run.state.time:.4g} s: no "
                "potential carries the current further"
            )
        if not model.touches(state):
            run.state, left = state, left - size
        elif size < SHORTEST * dt:
            return _contact(model, run.state, state)
        else:
            size /= 2
    run.done += 1
    return DONE


def _contact(model: MovingMesh, before: State, after: State) -> str:
    """Return when the front touches the other electrode, from the tip's last step."""
    tips = [model.grid.thickness - float(s.front.max()) for s in (before, after)]
    speed = (tips[0] - tips[1]) / (after.time - before.time)
    time = before.time + tips[0] / speed
    return f"short circuit: the front touches the other electrode after {time:.4g} s"


def _rounded(field: FloatArray) -> FloatArray:
    """Round a field to digits of what it spans: its gradients are shown, too."""
    span = float(np.ptp(field)) or 1.0
    return np.round(field, DIGITS - int(np.floor(np.log10(span))))


def _result(
    spec: DepositionSpec, found: Regime, model: MovingMesh, run: Run, ended: str
) -> Deposition:
    nx, ny = model.grid.shape
    columns = np.unique(np.linspace(0, nx - 1, min(nx, SHOWN + 1)).astype(int))
    rows = np.unique(np.linspace(0, ny - 1, min(ny, SHOWN + 1)).astype(int))

    def shown(state: State) -> list[FloatArray]:
        each = model.on_front_grid(state)
        return [_rounded(field[np.ix_(columns, rows)]) for field in each]

    return Deposition(
        spec=asdict(spec),
        regime=found,
        x=model.grid.x,
        columns=columns,
        eta=model.grid.eta[rows],
        frames=tuple(
            Frame(s.time, s.plated / MAH_PER_CM2, s.front, s.density, *shown(s))
            for s in run.frames
        ),
        ended=ended,
        salt_drift=model.salt(run.state) / run.salt - 1,
        steps=run.done,
        provenance=Provenance(sources=_sources(spec)),
    )  # fmt: skip


def _sources(spec: DepositionSpec) -> tuple[str, ...]:
    return (spec.electrolyte.source,) if spec.electrolyte.source else ()


# --- the state on disk ----------------------------------------------------------------


def _identity(spec: DepositionSpec) -> str:
    return digest(json.dumps(asdict(spec), sort_keys=True))


def _keep(path: Path, spec: DepositionSpec, run: Run) -> None:
    """Write the run as far as it is, in one piece; its last frame is its state."""
    names = [f.name for f in fields(run.state)]
    arrays: dict[str, Any] = {
        name: np.stack([getattr(s, name) for s in run.frames]) for name in names
    }
    buffer = io.BytesIO()
    np.savez(buffer, spec=_identity(spec), done=run.done, salt=run.salt, **arrays)
    write_atomically(path, buffer.getvalue())


def _resumed(path: Path | None, spec: DepositionSpec, kind: type[State]) -> Run | None:
    """Return the run that was kept; None if there is none.

    Raises:
        AnalysisError: it is another one's.
    """
    if path is None or not path.is_file():
        return None
    with np.load(path) as stored:
        if str(stored["spec"]) != _identity(spec):
            raise AnalysisError(
                f"{path} holds the state of another deposition; remove it or give "
                "another folder"
            )
        frames = list(_states(stored, kind))
        return Run(frames[-1], int(stored["done"]), frames, float(stored["salt"]))


def _states(stored: Mapping[str, Any], kind: type[State]) -> Iterator[State]:
    names = [f.name for f in fields(kind)]
    for parts in zip(*(stored[name] for name in names), strict=True):
        given: dict[str, Any] = dict(zip(names, parts, strict=True))
        plain_numbers = {k: float(v) for k, v in given.items() if np.ndim(v) == 0}
        yield kind(**given | plain_numbers)
