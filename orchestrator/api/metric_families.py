"""Families of metrics, made from values that are known already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from orchestrator.services.durations import STEPS_S, Spread

W = TypeVar("W", bound=str)

_LIMITS = (*map(str, STEPS_S), "+Inf")


def gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    """One level."""
    return GaugeMetricFamily(name, help_text, value=value)


def gauges(
    name: str, help_text: str, label: str, values: Mapping[W, float], always: Iterable[W] = ()
) -> GaugeMetricFamily:
    """One level for each word; those of `always` are there when they are 0, so that a rule can compare them."""
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for word, value in {**dict.fromkeys(always, 0.0), **values}.items():
        family.add_metric([str(word)], value)
    return family


def counter(name: str, help_text: str, value: float) -> CounterMetricFamily:
    """One count; its name is told with `_total`."""
    return CounterMetricFamily(name, help_text, value=value)


def histogram(
    name: str, help_text: str, labels: tuple[str, ...], spreads: Mapping[tuple[str, ...], Spread]
) -> HistogramMetricFamily:
    """Durations in seconds, by the values of their labels."""
    family = HistogramMetricFamily(name, help_text, labels=labels)
    for values, spread in spreads.items():
        buckets = list(zip(_LIMITS, map(float, accumulate(spread.counts)), strict=True))
        family.add_metric(values, buckets=buckets, sum_value=spread.sum_s)
    return family
