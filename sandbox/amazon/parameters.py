"""Query parameters and bodies read the way Amazon Business documents them; anything else is refused with 400."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sandbox.amazon.errors import INVALID, invalid
from sandbox.clock import read_moment
from sandbox.exchange import Call

REGIONS = ("DE", "FR", "UK", "IT", "ES", "IN", "US", "CA", "MX", "JP", "AU")


def read_date(call: Call, name: str) -> datetime:
    """A required date-time; without a zone it is UTC."""
    text = call.argument(name)
    if not text:
        raise invalid(f"Missing required parameter {name}.")
    try:
        return read_moment(text)
    except ValueError:
        raise invalid(f"{name} is not an ISO 8601 date-time.") from None


def read_range(call: Call, start_name: str, end_name: str, *, code: str = INVALID) -> tuple[datetime, datetime]:
    """Both dates; `code` is what this operation answers when they are in the wrong order."""
    start, end = read_date(call, start_name), read_date(call, end_name)
    if start > end:
        raise invalid(f"{start_name} is after {end_name}.", code=code)
    return start, end


def read_list(call: Call, name: str, *, most: int, known: Collection[str] = ()) -> list[str] | None:
    """A comma-separated list, None when absent. A repeated key, an empty entry or too many are refused."""
    values = [value for key, value in call.query if key == name]
    if not values:
        return None
    if len(values) > 1:
        raise invalid(f"{name} is one comma-separated list, not a repeated parameter.")
    entries = [entry.strip() for entry in values[0].split(",")]
    if not all(entries):
        raise invalid(f"{name} has an empty entry.")
    if len(entries) > most:
        raise invalid(f"{name} has {len(entries)} entries; at most {most} are allowed.")
    if known and not set(entries) <= set(known):
        raise invalid(f"{name} has a value outside {', '.join(known)}.")
    return entries


def read_region(call: Call) -> str | None:
    region = call.argument("region")
    if region is not None and region not in REGIONS:
        raise invalid(f"region is one of {', '.join(REGIONS)}.")
    return region


def read_body_list(call: Call, name: str, *, most: int) -> list[Any]:
    """The array `name` of a JSON body, with 1 to `most` entries."""
    try:
        body = call.json()
    except ValueError:
        raise invalid("The request body is not valid JSON.") from None
    entries = body.get(name) if isinstance(body, dict) else None
    if not isinstance(entries, list) or not entries:
        raise invalid(f"{name} is required and must not be empty.")
    if len(entries) > most:
        raise invalid(f"{name} has {len(entries)} entries; at most {most} are allowed.")
    return entries
