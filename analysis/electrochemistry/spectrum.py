"""Impedance spectra: from CSV, or from an instrument's file through impedance.py."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.electrochemistry.measured_tables import MeasuredTable, read_table
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

FEWEST = 6
"""Frequencies; a circuit of five parameters needs more than five complex numbers."""

OHMS = {"Ohm": 1.0, "ohm": 1.0, "\u2126": 1.0, "\u03a9": 1.0, "kOhm": 1e3, "": 1.0}
"""Units in Ω; the sign for ohm and the Greek letter look alike."""

HERTZ = {"Hz": 1.0, "kHz": 1e3, "": 1.0}
FREQUENCY = ("freq(uency)?", "f")
REAL = ("z'", "re\\(z\\)", "zre(al)?", "z_?re(al)?", "re", "real", "z real")
MINUS_IMAGINARY = (
    "-z''", '-z"', "-im\\(z\\)", "-z_?im(ag)?", "-im", "-imag", "−z''", "minus z''"
)  # fmt: skip
IMAGINARY = ("z''", 'z"', "im\\(z\\)", "z_?im(ag)?", "im", "imag(inary)?")

INSTRUMENTS = {
    ".mpt": "biologic", ".dta": "gamry", ".z": "zplot", ".par": "versastudio",
    ".z60": "powersuite", ".idf": "parstat",
}  # fmt: skip
"""impedance.py's name of an instrument, by the suffix of its files; those of Autolab
and CH Instruments end in .txt or .csv and are named by the user."""


@dataclass(frozen=True)
class Spectrum:
    """The impedance of a cell.

    Attributes:
        frequency: Hz, descending, shape (n,).
        impedance: Z' + jZ'', Ω, shape (n,).
        source: path of the file.
        notes: what was made of the file, in sentences.
    """

    frequency: FloatArray
    impedance: NDArray[np.complex128]
    source: str = ""
    notes: tuple[str, ...] = ()

    @property
    def omega(self) -> FloatArray:
        """Return the angular frequency, rad/s."""
        return 2 * np.pi * self.frequency


def spectrum_of(
    frequency: FloatArray,
    impedance: NDArray[np.complex128],
    source: str = "",
) -> Spectrum:
    """Return a spectrum in descending order of frequency.

    Where most imaginary parts are positive they were stored as -Z'': no electrolyte is
    a coil over most of a spectrum.

    Raises:
        AnalysisError: too few points, or what can be no spectrum.
    """
    f, z = np.asarray(frequency, dtype=float), np.asarray(impedance, dtype=complex)
    if len(np.unique(f)) < FEWEST:
        raise AnalysisError(
            f"{source or 'the spectrum'} has {len(np.unique(f))} frequencies; a circuit"
            f" needs {FEWEST} at least: measure ten per decade"
        )
    if not (np.isfinite(f).all() and (f > 0).all() and np.isfinite(z).all()):
        raise AnalysisError(
            f"{source or 'the spectrum'} holds a frequency of {f.min():g} Hz or a value"
            " that is no number; every row needs a positive frequency and a finite Z"
        )
    if np.median(z.real) <= 0:
        raise AnalysisError(
            f"{source or 'the spectrum'} has a real part of {np.median(z.real):.4g} Ω "
            "(median), which no passive cell has; are its columns f, Z', Z''?"
        )
    order = np.argsort(-f, kind="stable")
    f, z = f[order], z[order]
    notes: tuple[str, ...] = ()
    if np.mean(z.imag > 0) > 0.5:
        z = z.conj()
        notes = ("the imaginary part was stored as -Z'' and is read as that",)
    return Spectrum(f, z, source, notes)


def read_spectrum(path: str | Path, instrument: str | None = None) -> Spectrum:
    """Return the spectrum of a CSV file, or of an instrument's own.

    A CSV file has columns of frequency (Hz), Z' and Z'' or -Z'' (Ω), found by their
    names, or in this order where it names none.

    Args:
        path: of the file.
        instrument: whose format it has, as impedance.py calls it; by the file's suffix
            if None.

    Raises:
        AnalysisError: the file holds no spectrum, or impedance.py is needed and not
            installed.
    """
    path = Path(path)
    if not path.is_file():
        raise AnalysisError(f"{path} is no file; give an impedance spectrum as CSV")
    instrument = instrument or INSTRUMENTS.get(path.suffix.lower())
    if instrument:
        return _of_instrument(path, instrument)
    table = read_table(path)
    f, real, imaginary = _columns(table)
    return spectrum_of(f, real + 1j * imaginary, str(path))


def _columns(table: MeasuredTable) -> tuple[FloatArray, FloatArray, FloatArray]:
    if not table.names and len(table.columns) == 3:
        return tuple(table.columns)
    f = table.quantity(FREQUENCY, HERTZ, "frequency")
    real = table.quantity(REAL, OHMS, "real part Z'")
    minus = table.optional(MINUS_IMAGINARY, OHMS)
    if minus is not None:
        return f, real, -minus
    return f, real, table.quantity(IMAGINARY, OHMS, "imaginary part Z'' or -Z''")


def _of_instrument(path: Path, instrument: str) -> Spectrum:
    try:
        from impedance import preprocessing
    except ImportError as error:
        raise AnalysisError(
            f"{path} is a file of {instrument}, which impedance.py reads, and that is "
            "not installed; install it with pip install 'ionface[eis]', or export the "
            "spectrum as CSV with columns f (Hz), Z' (Ohm), Z'' (Ohm)"
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            f, z = _read(preprocessing, path, instrument)
    except (
        ValueError,
        IndexError,
        KeyError,
        AssertionError,
        UnboundLocalError,
    ) as error:
        raise AnalysisError(
            f"{path} cannot be read as a file of {instrument} ({error}); name its "
            "instrument, or export it as CSV with columns f (Hz), Z' (Ohm), Z'' (Ohm)"
        ) from error
    return spectrum_of(np.asarray(f), np.asarray(z), str(path))


def _read(preprocessing: Any, path: Path, instrument: str) -> tuple[Any, Any]:
    f, z = preprocessing.readFile(str(path), instrument=instrument)
    return f, z
