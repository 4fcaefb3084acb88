"""What is run: studies, engines, flows, stores, the local runner and the command line.

The only room that imports jobflow and atomate2. Nothing heavy is imported here, so
that `ionface --help` answers at once.
"""
