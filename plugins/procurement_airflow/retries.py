"""What a failed task does next: one table from error class to retry or fail. Seconds are the connectors' matter, minutes are here."""

from datetime import timedelta

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowNotFoundException

from connectors.errors import AuthError, RejectedError, TransientError, UnexpectedResponse
from procurement.errors import ConfigurationError, DuplicateTarget, IncompleteRun, LedgerUnreachable

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception=LedgerUnreachable,  # before its base class below: the first rule that fits decides
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=2),
            reason="the ledger's database may be away for a while",
        ),
        RetryRule(
            exception=[AuthError, ConfigurationError, RejectedError, DuplicateTarget, AirflowNotFoundException],
            action=RetryAction.FAIL,
            reason="a person must act",
        ),
        RetryRule(
            exception=IncompleteRun,
            action=RetryAction.FAIL,
            reason="documents are unaccounted for: look before anything runs again",
        ),
        RetryRule(
            exception=[TransientError, UnexpectedResponse], action=RetryAction.RETRY, retry_delay=timedelta(minutes=2)
        ),
    ]
)
DEFAULT_ARGS = {
    "owner": "procurement",
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=15),
    "retry_policy": RETRY_POLICY,
    "execution_timeout": timedelta(hours=1),
}
