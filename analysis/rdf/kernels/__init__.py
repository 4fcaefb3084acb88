"""The kernel of every RDF: distances of all pairs over all periodic images.

counting      the entry: a whole trajectory in one pass, with many threads; with numpy
numba_kernel  one frame block, compiled
images        bins, images, and what both ways take, give and share
"""
