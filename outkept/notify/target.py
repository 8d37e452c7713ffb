"""What every kind of target offers."""

from typing import Protocol

from outkept.model.notice import Delivery


class DeliveryError(Exception):
    """A notice did not get there. One line that says why, without anything that is secret."""


class Target(Protocol):
    """Where notices are sent."""

    @property
    def kind(self) -> str:
        """What may be shown of where it leads: `mailto`, `slack`, `alertmanager`."""
        ...

    def send(self, delivery: Delivery) -> None:
        """Send a notice. Blocks, in a thread of its own. Raises DeliveryError."""
        ...
