"""`python -m ionface` is `ionface`; it holds no job: jobs are found by path."""

from ionface.workflows.cli import main

main()
