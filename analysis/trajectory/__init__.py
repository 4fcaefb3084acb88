"""Frames in the order of time, wherever they lie.

frames       one instant, and the frames of one run as arrays
trajectory   Trajectory: what every analysis takes
store        our own files: one checksummed record per frame, mapped from the disk
joining      segments of a run chained by comparing their frames
"""
