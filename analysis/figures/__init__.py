"""The figures, one file for each kind of result; `style` gives them one look.

`figure_x(result, title="")` returns a matplotlib Figure that belongs to nobody else:
there is no pyplot state. What the numbers are worth stands in the result.
"""
