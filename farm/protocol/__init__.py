"""The contract between coordinator, workers and clients. Standard library only, Python 3.8.

Why it exists. A coordinator that knows every model and a device that knows only itself must agree, over years and
over three generations of TensorRT, on what is to be built, what was built and for whom it is good. Each sentence they
exchange is a frozen value of this package, sent as strict JSON: an unknown field, a missing one or a wrong type is an
error that names its path, never a guess.

Who may assume what. The coordinator's database is the truth and its clock the only one. A worker owns nothing but a
lease: an attempt id and a fencing token. Every call of a worker about its work carries that token; a call with an
older token is refused (`lease_lost`) and the worker must kill its child at once. A message of the broker is a hint
that may be lost, doubled or late; only a claim starts work.

What happens when an answer is lost. Every call may be repeated: a submit with the same idempotency key returns the
first submission, an upload continues at its offset, a publish of the same lease and digest succeeds again.

How a field is retired. It is read for one more release with a default, and listed in `RETIRED`; writers stop at once.
"""

PROTOCOL_VERSION = 1

RETIRED: "tuple[str, ...]" = ()
