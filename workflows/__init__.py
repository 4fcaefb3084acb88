"""What is run: studies, engines, flows, stores, the local runner and the command line.

study          what the user wrote, checked, with its line where it is wrong
engines        what computes: the contract, and the engines
flows          the one graph: what is computed after what
projects       a project directory, its store and its runner
cluster        the same graph through FireWorks and a queue
planning       before anything runs: cost, checks, inputs to be run by hand
report         results, figures and one page of a project
cli            the commands

run_study        a study from Python, as `ionface run` does it
run_convergence  a study's energies with one setting after the other made finer
yardstick        judges engines by first-principles data
learn            fine-tunes a potential on first-principles labels
teachers         what a study's spot checks could teach, before they are computed
learning_loop    study, spot checks, learning, and the study again

The only folder that imports jobflow and atomate2. Nothing heavy is imported here, so
that `ionface --help` answers at once.
"""
