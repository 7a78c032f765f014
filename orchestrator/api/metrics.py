"""What Prometheus reads, from a registry of our own."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from orchestrator.services import fleet
from orchestrator.services.context import Context


def exposition(context: Context) -> tuple[bytes, str]:
    """The text and its media type."""
    registry = CollectorRegistry()
    states = Gauge("farm_devices", "Devices by state", ["state"], registry=registry)
    for state in fleet.states(context):
        states.labels(state=str(state)).inc()
    return generate_latest(registry), CONTENT_TYPE_LATEST
