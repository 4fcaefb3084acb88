"""Our own trajectory files: what a kill, a full disk or a second writer cannot harm.

layout   the bytes: a padded header, then records of one size
writer   one frame is one write
records  checked once, then mapped from the disk
locked   files that exist only with their whole header
"""
