"""Who hears how far a run is."""


class Observer:
    """Hears how far a run is; this one does nothing with it."""

    def job(self, name: str, number: int, total: int) -> None:
        """Hear that a job begins; `number` jobs of `total` need no more work."""

    def step(self, name: str, done: int, total: int | None, note: str) -> None:
        """Hear how far a job is: steps done, steps in all if known, a few words."""

    def ended(self, name: str) -> None:
        """Hear that a job has ended, well or not."""
