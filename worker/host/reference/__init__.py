"""Reference inputs and outputs: made once on a host, so that every engine is held against the same numbers.

shapes      the size of every axis
sizing      the graph with those sizes: what it needs in memory, and the shapes of its inner values
meaning     what an integer input means, read from the graph
generate    arrays for inputs that nobody gave
inputs      all of that, and the user's word
outputs     ONNX Runtime's answer, or the author's
"""
