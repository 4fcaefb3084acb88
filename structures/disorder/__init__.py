"""Which atom sits on which site: doping, partial occupation, exchange.

doping, disorder    what is added, ordered or exchanged
lattice_gas         enumerated where possible, annealed with a seed where not
decoration          the one entry for a layer, whatever it asks for
"""
