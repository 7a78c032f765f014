"""How long does one inference take here? One protocol for every backend, so that numbers compare.

    protocol    the loop: warm-up by time, then samples until there are enough and long enough
    statistics  percentiles, mean, spread, throughput (pure)
    noisy       whether a measurement may be published (pure)
    evidence    clocks, load, temperature, throttling, before and after
    samples     every sample, compressed
    measure     all of it for an open engine

docs/benchmark.md has the definitions and the reasons.
"""
