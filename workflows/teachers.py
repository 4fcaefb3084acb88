"""What a study's spot checks could teach, told before one of them is computed.

A teacher is the engine of a study's spot checks. What it will say of each structure is
not known yet, how it computes is: enough to tell whether its labels belong with those
that they are to be learnt with, and with what the potential was made of.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.yardstick.labeled_frames import (
    LabeledFrame,
    settings_of,
    stored,
)
from ionface.analysis.yardstick.spot_checks import is_first_principles
from ionface.analysis.yardstick.training_set import check_one_kind
from ionface.errors import AnalysisError, IonfaceError, NotInstalledError
from ionface.workflows.engines.registry import configured, study_elements
from ionface.workflows.engines.registry import engine as find_engine
from ionface.workflows.learn import can_learn, root_of
from ionface.workflows.study.study import Study


def check_teacher(study: Study, base: str) -> None:
    """Refuse spot checks that the stored structures cannot be learnt with.

    What is not installed here, but where the jobs run, is not looked at.

    Args:
        study: with `spot_checks`.
        base: the potential that is to learn.

    Raises:
        IonfaceError: the teacher is no first principles, or of another functional,
            dispersion or U than the stored structures; or the potential cannot be
            fine-tuned, was not made for an element, or with another functional.
    """
    root_of(base)
    with suppress(NotInstalledError):
        level = _level(study)
        if not is_first_principles(level.as_dict()):
            raise IonfaceError(
                f"{study.name}: spot checks by {level.label} are no first principles, "
                "and the difference of two potentials, or of a stand-in, teaches "
                "nothing; give spot_checks: {engine: gpaw} or vasp"
            )
        _check_labels(study, level, base)


def teaching_notes(study: Study) -> list[str]:
    """Return why `ionface learn` would refuse what a study's spot checks will find.

    Nobody has to learn from them, so this is told and not refused.
    """
    names = study.engines()
    potentials = dict.fromkeys(map(str, (names.formation, names.dynamics)))
    found = []
    for name in filter(can_learn, potentials if study.spot_checks else ()):
        try:
            level = _level(study)
            if is_first_principles(level.as_dict()):
                _check_labels(study, level, name)
        except NotInstalledError:
            continue
        except IonfaceError as error:
            found.append(str(error))
    return list(dict.fromkeys(found))


def _level(study: Study) -> LevelOfTheory:
    assert study.spot_checks is not None
    return configured(find_engine(study.spot_checks.engine), study).level_of_theory()


def _check_labels(study: Study, level: LevelOfTheory, base: str) -> None:
    """Refuse what learning would refuse of labels at a level of theory."""
    elements, potential = sorted(study_elements(study)), find_engine(base)
    potential.check_elements(elements, study.name)
    none = np.zeros((len(elements), 3))
    promised = LabeledFrame(
        "this study's spot checks", "promised", tuple(elements), np.eye(3), none, 0.0,
        none, settings_of(level.as_dict()),
    )  # fmt: skip
    try:
        functional = potential.level_of_theory().functional
        check_one_kind([*stored(), promised], functional)
    except AnalysisError as error:
        raise IonfaceError(
            f"{study.name}: `ionface learn` would refuse its spot checks: {error}"
        ) from error
