"""The environment variables for sending."""

from __future__ import annotations

from broadsheet.delivery.environment import Secrets
from broadsheet.delivery.transports.smtp import SmtpServer
from broadsheet.model.settings import DeliverySettings


def test_secrets_are_in_no_repr() -> None:
    """Printing our objects prints no password."""
    secrets = Secrets.read(
        {
            "BROADSHEET_SMTP_USER": "me",
            "BROADSHEET_SMTP_PASSWORD": "hunter2",
            "BROADSHEET_SECRET": "hunter2hunter2hunter2",
        }
    )
    made = secrets.transport(DeliverySettings())
    assert isinstance(made, SmtpServer)
    assert made.password == "hunter2"
    assert "hunter2" not in repr((secrets, made))
