"""The kernel of every RDF: distances of all pairs over all periodic images.

counting                 the entry: a whole trajectory in one pass, with many threads
reference, numba_kernel  one frame block, with numpy alone and compiled
images                   bins, images, and what both kernels take, give and share
"""
