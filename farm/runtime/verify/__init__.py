"""Does an engine compute what its model says? Outputs against references, with a verdict for each.

    align       which element belongs to which: as they stand, sorted, or rows matched
    compare     the differences: maximum, mean, median, cosine, NaN and Inf counts, the worst element
    median      an exact median in bounded memory
    substance   whether a reference can prove anything: constant and saturated outputs cannot
    tolerance   how much may differ, by precision and by the user's word
    verdict     passed, failed or unverified
    run         all of it for an open engine

Only numpy is needed. docs/verification.md has the definitions and the reasons.
"""
