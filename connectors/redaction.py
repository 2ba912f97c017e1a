"""Text of a vendor made fit for logs and exceptions: short, on one line, without anything that looks like a secret."""

import re

LONGEST = 300
HIDDEN = "[hidden]"

_SECRETS = re.compile(
    r"""
      Atz[ar]\|\S+                                          # Login with Amazon tokens
    | \beyJ[\w-]{8,}(?:\.[\w-]*)*                           # JSON web tokens
    | \b(?:Bearer|Basic)\s+\S+
    | (?:access_token|refresh_token|client_secret|client_id|password|api[_-]?key|x-amz-access-token|authorization)
      ["']?\s*[=:]\s*["']?[^\s"',&}]+
    | \bamzn1\.application-oa2-client\.\S+
    | (?<![\w/+-])(?=[\w/+-]*\d)(?=[\w/+-]*[A-Za-z])[\w/+-]{40,}={0,2}   # long random-looking words
    """,
    re.VERBOSE | re.IGNORECASE,
)


def redact(text: str, *, secrets: tuple[str, ...] = ()) -> str:
    """At most 300 characters of `text`, without `secrets` and without token-like words."""
    text = text[: 20 * LONGEST]  # a 10 MB sentence is cut before it is searched
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    text = " ".join(_SECRETS.sub(HIDDEN, text).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
