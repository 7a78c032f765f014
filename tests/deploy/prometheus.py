"""A real Prometheus that reads `deploy/prometheus`, with the addresses and the pace of a test."""

from __future__ import annotations

import math
import shutil
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.support.programs import needed
from tests.support.server import Server
from tests.support.services import free_port

DEPLOY = Path(__file__).parents[2] / "deploy"
SCRAPE_S = 1


class Prometheus(Server):
    """Scrapes one coordinator each second, until `stop`."""

    def __init__(self, coordinator: str, token: str) -> None:
        program = needed("prometheus", "prometheus")
        super().__init__("prometheus", signal.SIGTERM)
        self.port = free_port()
        try:
            self._configure(coordinator, token)
            command = [
                program,
                f"--config.file={self.folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--log.level=warn",
            ]
            self.start(command, self._answers)
        except BaseException:
            self.stop()
            raise

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its HTTP API, which must be no error."""
        answer = httpx.get(f"http://127.0.0.1:{self.port}/api/v1/{path}", params=parameters, timeout=20)
        told = answer.json()
        assert told["status"] == "success", f"{parameters}: {told}"
        return told["data"]

    def values(self, query: str) -> list[float]:
        """What a query gives now, of each series that has a number."""
        found = (float(series["value"][1]) for series in self.get("query", query=query)["result"])
        return [value for value in found if not math.isnan(value)]

    def _configure(self, coordinator: str, token: str) -> None:
        text = (DEPLOY / "prometheus/prometheus.yml").read_text()
        for told, wanted in (
            ("coordinator:8300", urlsplit(coordinator).netloc),
            ("localhost:9090", f"127.0.0.1:{self.port}"),
            ("scrape_interval: 15s", f"scrape_interval: {SCRAPE_S}s"),
        ):
            assert told in text
            text = text.replace(told, wanted)
        (self.folder / "prometheus.yml").write_text(text)
        (self.folder / "farm.token").write_text(token)
        shutil.copy(DEPLOY / "prometheus/alerts.yml", self.folder)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/-/ready", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False
