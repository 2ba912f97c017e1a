"""Writes whose 403 is their own: the integration user may not do this one thing, and everything else goes on.

For what tells people. What carries orders, receipts and invoices stops instead: there a 403 means that nothing can go.
"""

from collections.abc import Callable
from dataclasses import dataclass

from connectors.errors import AuthError
from connectors.http import Permit
from procurement.errors import NotPermitted
from procurement.ledger.types import Claimed, Found, Peeked, Sent, Stop
from procurement.sending import Action, Gated

FORBIDDEN = 403
COMMENTS, INTEGRATIONS = "core.comment.write", "core.integration.write"
REQUISITIONS, APPROVALS = "core.requisition.write", "core.approval.write"


def goes(delivery: Peeked) -> Stop | None:
    """A gate that stops nothing."""
    del delivery
    return None


@dataclass(frozen=True, slots=True)
class Permitted:
    """`needs`: the scope in Coupa. `stops`: what is looked at before the action's own gate, if it has one."""

    action: Action
    needs: str
    stops: Callable[[Peeked], Stop | None] = goes

    def permit(self) -> Permit:
        return self.action.permit()

    def gate(self, delivery: Peeked) -> Stop | None:
        if (stop := self.stops(delivery)) is not None:
            return stop
        try:
            return self.action.gate(delivery) if isinstance(self.action, Gated) else None
        except AuthError as error:
            sentence = self._forbidden(error)
            return Stop("held", sentence, (sentence,))

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        try:
            return self.action.send(delivery, permit)
        except AuthError as error:
            raise NotPermitted(self._forbidden(error)) from error

    def ask(self, delivery: Claimed) -> Found | None:
        return self.action.ask(delivery)

    def _forbidden(self, error: AuthError) -> str:
        """Raises the error again where it says something else: then nobody may do anything."""
        if error.status != FORBIDDEN:
            raise error
        return (
            f"The integration user may not do this in Coupa ({error}). It needs the scope {self.needs}, in the connection and in "
            "Coupa's client, and the user's own role must allow it; then replay it, or do it by hand and discard it."
        )
