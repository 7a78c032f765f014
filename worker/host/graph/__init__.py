"""ONNX → ONNX: named steps in order, each checked and held against the graph before it.

    walk        every graph, operator and tensor of a model, also those inside branches and loops
    weights     big weights: kept in files beside the graph, out of the way of the steps
    model       a model on its way through the steps, and how it is written
    steps       the table of steps; adding one is a module and a line
    pipeline    runs them: counts, seconds, interface, numerics
    numerics    whether two sets of outputs are the same within a step's tolerance

docs/graph.md lists the steps and their tolerances.
"""
