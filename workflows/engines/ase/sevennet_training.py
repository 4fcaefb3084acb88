"""Fine-tunes SevenNet with its own training code, in a process of its own.

Data flow: labeled structures and a checkpoint -> input.yaml and extended XYZ files in a
folder -> `sevenn train` -> the checkpoint of its last epoch. Every epoch leaves one; a
training that is started again in its folder goes on from there.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from ionface.analysis.yardstick.labeled_frames import LabeledFrame, write_frames
from ionface.errors import IonfaceError
from ionface.files import write_atomically
from ionface.workflows.engines import progress

CHECKPOINT = re.compile(r"checkpoint_(\d+)\.pth")
COMMAND = "from sevenn.main.sevenn import main; main()"
LOG = "training.log"


@dataclass(frozen=True)
class TrainingSettings:
    """How a potential is fine-tuned.

    SevenNet's own preset `fine_tune`, with a smaller learning rate and more weight on
    energies, so that reactions and surfaces are learnt beside forces.

    Attributes:
        epochs: passes over the data.
        learning_rate: of Adam at the start.
        fall: of the learning rate from the first epoch to the last, a factor.
        batch: structures at a time.
        force_weight: of forces beside energies per atom, both in Huber's loss.
        seed: of the order.
    """

    epochs: int = 25
    learning_rate: float = 1e-3
    fall: float = 0.125
    batch: int = 2
    force_weight: float = 0.2
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse numbers that no training can have.

        Raises:
            IonfaceError: names the value and the rule.
        """
        for name in ("epochs", "learning_rate", "fall", "batch", "force_weight"):
            if not getattr(self, name) > 0:
                raise IonfaceError(
                    f"TrainingSettings({name}={getattr(self, name)!r}) must be above 0"
                )


def train(
    checkpoint: str,
    training: Sequence[LabeledFrame],
    validation: Sequence[LabeledFrame],
    settings: TrainingSettings,
    folder: Path,
) -> Path:
    """Return the checkpoint after the last epoch.

    Args:
        checkpoint: to start from.
        training: structures with energies on the checkpoint's scale.
        validation: others, whose errors stand in the log; they decide nothing.
        settings: of the training.
        folder: of this training alone, since one that holds a part of it is gone on
            with: `learn` names it by the digest of all these.

    Raises:
        IonfaceError: it failed; the message names its log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    last = folder / f"checkpoint_{settings.epochs}.pth"
    if last.is_file():
        return last
    for name, frames in (("train", training), ("valid", validation)):
        # SevenNet stacks what stands beside the atoms: all must have the same keys
        bare = [replace(frame, settings={}) for frame in frames]
        write_frames(bare, folder / f"{name}.extxyz")
    done = max(_epochs_done(folder), default=0)
    begun = folder / f"checkpoint_{done}.pth" if done else Path(checkpoint)
    config = _input(checkpoint, begun, settings, fresh=not done)
    write_atomically(folder / "input.yaml", yaml.safe_dump(config, sort_keys=False))
    _run(folder, settings.epochs)
    if not last.is_file():
        lines = (folder / LOG).read_text(errors="replace").strip().splitlines()
        reached = max(_epochs_done(folder), default=0)
        why = lines[-1] if lines else "no output"
        raise IonfaceError(
            f"the training in {folder} ended after {reached} of {settings.epochs} "
            f"epochs ({why}); see {LOG} there, and run the same command to go on"
        )
    return last


def _epochs_done(folder: Path) -> list[int]:
    names = (CHECKPOINT.fullmatch(path.name) for path in folder.glob("checkpoint_*"))
    return [int(name[1]) for name in names if name]


def _run(folder: Path, epochs: int) -> None:
    """Run SevenNet's own program and report its epochs."""
    command = [sys.executable, "-c", COMMAND, "train", "input.yaml", "-s"]
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            while process.poll() is None:
                progress.report(max(_epochs_done(folder), default=0), epochs, "epochs")
                try:
                    process.wait(2.0)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if process.poll() is None:  # we are stopped: so is what we started
                process.terminate()
                process.wait()


def _input(
    checkpoint: str, begun: Path, settings: TrainingSettings, *, fresh: bool
) -> dict[str, Any]:
    """Return what SevenNet's program is told."""
    from sevenn.util import load_checkpoint

    model = load_checkpoint(checkpoint).yaml_dict("continue")["model"]
    return {
        # what is trained are the weights alone: shift and scale are the energy scale
        "model": {**model, "train_shift_scale": False, "train_denominator": False},
        "train": {
            "random_seed": settings.seed,
            "is_train_stress": False,
            "epoch": settings.epochs,
            "loss": "Huber",
            "loss_param": {"delta": 0.01},
            "optimizer": "adam",
            "optim_param": {"lr": settings.learning_rate},
            "scheduler": "exponentiallr",
            "scheduler_param": {"gamma": settings.fall ** (1 / settings.epochs)},
            "force_loss_weight": settings.force_weight,
            "per_epoch": 1,
            "error_record": [["Energy", "RMSE"], ["Force", "RMSE"]],
            "continue": {
                "reset_optimizer": fresh,
                "reset_scheduler": fresh,
                "reset_epoch": fresh,
                "checkpoint": str(begun),
                "use_statistic_values_of_checkpoint": True,
            },
        },
        "data": {
            "batch_size": settings.batch,
            "data_format_args": {"index": ":"},
            "load_trainset_path": ["./train.extxyz"],
            "load_validset_path": ["./valid.extxyz"],
        },
    }


def told(settings: TrainingSettings) -> dict[str, Any]:
    """Return the settings as plain data, for a record."""
    return asdict(settings)
