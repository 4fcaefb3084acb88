"""What is simulated: crystals, doping, polymers, slabs, matches, interface models.

Geometry only. `interfaces.build_interface(spec)` is the main entry; it returns an
`model.InterfaceModel`, whose `separated()` gives the slabs of the energy formula.
"""
