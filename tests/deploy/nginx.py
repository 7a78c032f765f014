"""A real nginx that reads `deploy/nginx/farm.conf`, with the ports and certificates of a test."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.programs import needed
from tests.support.server import Server
from tests.support.services import free_port

NGINX = Path(__file__).parents[2] / "deploy/nginx"
_MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/farm.conf;
}}
"""


class Nginx(Server):
    """TLS in front of one coordinator, until `stop`.

    Attributes:
        url, plain_url: Where it answers, and where it sends to the former.
        authority: What clients trust.
    """

    def __init__(self, coordinator: str, certificates: Path) -> None:
        program = needed("nginx", "nginx-light")
        needed("openssl", "openssl")
        subprocess.run([NGINX / "make-ca.sh", certificates, "localhost", "127.0.0.1"], check=True, capture_output=True)
        super().__init__("nginx", signal.SIGTERM)
        port, plain = free_port(), free_port()
        self.url, self.plain_url = f"https://localhost:{port}", f"http://localhost:{plain}"
        self.authority = certificates / "ca.pem"
        text = (NGINX / "farm.conf").read_text()
        for told, wanted in (
            ("server 127.0.0.1:8300;", f"server {urlsplit(coordinator).netloc};"),
            ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
            ("listen 80;", f"listen 127.0.0.1:{plain};"),
            ("/etc/farm/tls", str(certificates)),
        ):
            assert told in text
            text = text.replace(told, wanted)
        (self.folder / "farm.conf").write_text(text)
        (self.folder / "nginx.conf").write_text(_MAIN.format(folder=self.folder))
        command = [program, "-c", str(self.folder / "nginx.conf"), "-e", "stderr", "-p", str(self.folder)]
        try:
            self.start(command, lambda: _listens(port))
        except BaseException:
            self.stop()
            raise


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0
