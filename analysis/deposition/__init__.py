"""Growth of lithium on an electrode: a continuum model of the deposition front.

    cell         what a user says: electrolyte, kinetics, geometry, current, seed
    stability    closed forms: which waves grow, Sand's time, limiting current
    transport    salt and potential in the electrolyte, by finite elements (scikit-fem)
    linear_solvers  of the equations of transport
    moving_mesh  the front in time, on a mesh that follows it
    level_set    the same with a diffuse front on a fixed grid, as the paper does it
    deposition   a whole run, resumable, and its result

SI units inside; what users write has its unit in the name.
"""
