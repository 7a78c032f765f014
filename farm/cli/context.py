"""What every verb needs: the connection that the flags, the environment and the file describe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional

from .settings import Settings, load

if TYPE_CHECKING:
    from farm.client import FarmClient


@dataclass
class Connection:
    """Flags about the coordinator; a client is made when a verb asks for one."""

    url: Optional[str] = None
    token: Optional[str] = None
    profile: Optional[str] = None

    def settings(self) -> Settings:
        """What is set, complete or not.

        Raises: Invalid: the file cannot be read, or a URL is none.
        """
        return load(url=self.url, token=self.token, profile=self.profile)

    def client(self) -> FarmClient:
        """A client of the coordinator.

        Raises: CoordinatorError: nobody said where it is, or with which token. Invalid: a setting cannot be right.
        """
        from farm.client import FarmClient

        settings = self.settings().checked()
        return FarmClient(settings.url, settings.token)
