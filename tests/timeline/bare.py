"""What somebody writes who has no farm: `python bare.py MODULE MODEL PLAN PRECISION CACHE`, on the device.

Imports the binding, parses, builds, writes the plan; nothing of the farm is imported. CACHE is a timing cache that is
read where it is there. Prints its parts in seconds, as JSON; what is before and after them is the process itself.
"""

import importlib
import json
import sys
import time

_EXTERNAL = ("CUBLAS", "CUBLAS_LT", "CUDNN")


def main() -> None:
    """Build."""
    module, model, plan, precision, cache = sys.argv[1:6]
    at_s = [time.monotonic()]
    trt = importlib.import_module(module)
    at_s.append(time.monotonic())
    logger = trt.Logger(trt.Logger.ERROR)
    if hasattr(trt, "init_libnvinfer_plugins"):
        trt.init_libnvinfer_plugins(logger, "")
    builder = trt.Builder(logger)
    explicit = getattr(trt.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH", None)
    network = builder.create_network(0 if explicit is None else 1 << int(explicit))
    at_s.append(time.monotonic())
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(model):
        raise SystemExit(str(parser.get_error(0)))
    at_s.append(time.monotonic())
    config = builder.create_builder_config()
    flag = {"fp16": "FP16"}.get(precision)
    if flag and hasattr(trt.BuilderFlag, flag):
        config.set_flag(getattr(trt.BuilderFlag, flag))
    if hasattr(trt, "TacticSource"):
        sources = config.get_tactic_sources()
        for name in _EXTERNAL:
            sources &= ~(1 << int(getattr(trt.TacticSource, name, 31)))
        config.set_tactic_sources(sources)
    _give_cache(config, cache)
    at_s.append(time.monotonic())
    made = builder.build_serialized_network(network, config)
    at_s.append(time.monotonic())
    with open(plan, "wb") as file:
        file.write(made)
    at_s.append(time.monotonic())
    words = ("import_s", "create_s", "parse_s", "configure_s", "builder_s", "write_s")
    parts = {word: round(at_s[place + 1] - at_s[place], 3) for place, word in enumerate(words)}
    sys.stdout.write(json.dumps(parts) + "\n")


def _give_cache(config, path) -> None:  # type: ignore[no-untyped-def]
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return
    config.set_timing_cache(config.create_timing_cache(data), False)


if __name__ == "__main__":
    main()
