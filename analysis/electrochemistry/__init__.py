"""Formulas that turn electrochemical measurements into numbers.

    transport_properties  conductivity, transference number, Warburg, Nernst-Einstein
    cell              geometry of a measured cell
    measured_tables   columns of CSV files with their units
    conductivity      activation energy of σT
    spectrum          impedance spectra, from CSV and instrument files
    kramers_kronig    whether a spectrum is that of a linear, steady cell
    circuits          three equivalent circuits, with guesses made from the spectrum
    eis               the fit of a circuit with its errors

All SI inside; other units stand in the name.
"""
