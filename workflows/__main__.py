"""`python -m workflows` is `ionface`; it holds no job: jobs are found by path."""

from workflows.cli import main

main()
