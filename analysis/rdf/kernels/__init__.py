"""The kernel of every RDF: distances of all pairs over all periodic images.

counts               the entry; chooses one of two ways with identical integer counts
reference, compiled  numpy alone, and numba
images, task         bins and images; what both ways take, give and share
tally                whole trajectories: one pass, many threads, stretches of time
"""
