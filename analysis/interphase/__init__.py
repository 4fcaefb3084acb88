"""What lies between two phases.

interphase        how wide the region is where two phases have mixed
density_profiles  densities along the normal, against time
layers            heights, layers, and coordination numbers layer by layer
"""
