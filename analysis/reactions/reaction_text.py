"""A reaction report in words: lines for a page, rows for a table."""

from __future__ import annotations

from ionface.analysis.reactions.reaction_report import PairReaction, ReactionReport
from ionface.analysis.reactions.reference_fractions import INITIAL

FS_PER_PS = 1000.0

UNEXPLAINED = 0.5
"""A fit whose residual exceeds this part of the measured is no explanation."""

HEADER = (
    "pair", "verdict", "bonds at 0", "bonds at end", "gain", "trend", "survive",
    "formed", "broken", "first ps", "lifetime ps",
)  # fmt: skip


def table(report: ReactionReport) -> list[list[str]]:
    """Return one row per pair, under HEADER: gain and trend in standard errors."""
    return [_row(name, pair) for name, pair in report.pairs.items()]


def lines(report: ReactionReport) -> list[str]:
    """Return one paragraph per pair: the verdict and what it rests on."""
    return [sentence(name, pair) for name, pair in report.pairs.items()]


def sentence(name: str, pair: PairReaction) -> str:
    """Return what became of a pair, in words with numbers."""
    v, life = pair.verdict, pair.lifetimes
    parts = [
        f"{name.replace('-', '–')} is {v.word}: {v.at_start} bonds at the start, "
        f"{v.at_end:.1f} ± {v.at_end_error:.1f} in the last quarter "
        f"({v.gain_sigmas:+.1f} σ; trend {v.trend_per_ps:+.2g} per ps, "
        f"{v.trend_sigmas:+.1f} σ)"
    ]
    if v.survival is not None:
        parts.append(
            f"{100 * v.survival:.0f} % of the bonds survive "
            f"{_ps(v.survival_lag_fs)} ps unbroken"
        )
    parts.append(f"{len(pair.history.formed_fs)} formed, {life.broken} broke")
    if pair.onset is not None:
        parts.append(
            f"the first formed at {_ps(pair.onset.first_fs)} ps (onset "
            f"{_ps(pair.onset.onset_fs)} ± {_ps(pair.onset.error_fs)} ps)"
        )
    if len(pair.history):
        parts.append(f"lifetime {_lifetime(pair)} ps, {life.censored} outlive the run")
    if pair.shares:
        parts.append(_shares(pair))
    return "; ".join(parts) + "."


def _row(name: str, pair: PairReaction) -> list[str]:
    v = pair.verdict
    return [
        name,
        v.word,
        str(v.at_start),
        f"{v.at_end:.1f} ± {v.at_end_error:.1f}",
        f"{v.gain_sigmas:+.1f} σ",
        f"{v.trend_sigmas:+.1f} σ",
        "–" if v.survival is None else f"{100 * v.survival:.0f} %",
        str(len(pair.history.formed_fs)),
        str(pair.lifetimes.broken),
        "–" if pair.onset is None else _ps(pair.onset.first_fs),
        _lifetime(pair) if len(pair.history) else "–",
    ]


def _lifetime(pair: PairReaction) -> str:
    life = pair.lifetimes
    if life.mean_fs is None or life.error_fs is None:
        return f"> {_ps(life.at_least_fs or 0.0)}"
    return f"{_ps(life.mean_fs)} ± {_ps(life.error_fs)}"


def _shares(pair: PairReaction) -> str:
    last = pair.shares[-1]
    if last.residual > UNEXPLAINED:
        return (
            "no mixture of the references explains its neighbors in the last window "
            f"({100 * last.residual:.0f} % residual)"
        )
    named = ", ".join(
        f"{100 * share:.0f} % {'the ' if name == INITIAL else ''}{name}"
        for name, share in last.shares.items()
    )
    return (
        f"neighbors in the last window: {named}, {100 * last.residual:.0f} % residual"
    )


def _ps(time_fs: float) -> str:
    return f"{time_fs / FS_PER_PS:.3g}"
