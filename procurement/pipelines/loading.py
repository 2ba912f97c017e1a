"""Sending what is planned: the same for every pipeline, whatever its actions."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.coupa.operations import IN_FLIGHT
from procurement.ledger import Ledger
from procurement.ledger.types import Run
from procurement.policies import Mode, Rules
from procurement.sending import Action, Gated, SendPolicy, send_due


def load(
    ledger: Ledger,
    pipeline: str,
    actions: Mapping[str, Action],
    *,
    run: Run,
    rules: Rules,
    workers: int,
    seconds: float,
    scope: str | None = None,
) -> dict[str, Any]:
    """Sends what is planned, whichever run planned it, for at most `seconds`; what remains stays for the next run.

    `scope`: the account that the actions act for; rows of another are left to it. A pipeline that is not live (for
    this account) only asks after what was sent before it was switched; a dry run sends nothing.
    """
    if run.dry_run:
        return {"run": run.id, "sent": 0}
    live = rules.rollout.widest(pipeline, account=scope).mode is Mode.LIVE
    stop_at = datetime.now(UTC) + timedelta(seconds=seconds)  # machine time, unlike the run's business `now`
    if any(isinstance(action, Gated) for action in actions.values()):
        workers = min(workers, IN_FLIGHT - 1)  # a gate reads while its write keeps a place in flight
    policy = SendPolicy(**rules.policies.sending.model_dump())
    counts = send_due(
        ledger, pipeline, actions, policy=policy, stop_at=stop_at, workers=workers, ask_only=not live, scope=scope
    )
    return {"run": run.id, **counts.as_summary()}
