"""`python -m workflows` is `ionface`. No job lives here: stored jobs are found by path."""

from workflows.cli import main

main()
