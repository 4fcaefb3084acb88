"""Before anything runs: cost, checks, and inputs to be run by hand."""
