"""Dead letters from a form: list, show, replay, discard; and the list by mail, once a day in which there are any.

Needs the ledger alone: what is replayed is done by the next run of the pipeline that owns it. A form that names something
wrong changes nothing; of several letters each is its own change, and what could not be done is named.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from procurement.clock import Clock
from procurement.dead_letters import line_of, shown
from procurement.errors import ConfigurationError
from procurement.ledger import Ledger
from procurement.ledger.types import DeadLetter, Run
from procurement.pipelines import closing
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules

PIPELINE = "dead_letters"
ACTIONS = ("list", "show", "replay", "discard")
NOTICE = "dead_letters_of_the_day"
MOST_LISTED = 50  # in a task's output
MOST_SHOWN = 20

Summary = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the form asks for. `kind` is the first word of what a letter is about: `create_invoice`, `shipment_line`, ..."""

    action: str = "list"
    pipeline: str | None = None
    kind: str | None = None
    keys: tuple[str, ...] = ()
    held: bool = False
    reason: str = ""

    def takes(self, letter: DeadLetter) -> bool:
        kind = letter.document.partition(" ")[0]
        return self.pipeline in (None, letter.pipeline) and self.kind in (None, kind)


def read_choice(request: RunRequest) -> Choice:
    """ConfigurationError for a form that asks for nothing definite, or discards without a reason."""
    params = request.params
    keys = params.get("keys") or ()
    if isinstance(keys, str) or not isinstance(keys, Sequence):
        raise ConfigurationError("keys must be a list of texts, one key each")
    choice = Choice(
        action=str(params.get("action") or "list"), pipeline=_text(params.get("pipeline")) or None,
        kind=_text(params.get("kind")) or None, keys=tuple(dict.fromkeys(filter(None, map(_text, keys)))),
        held=bool(params.get("held")), reason=_text(params.get("reason")),
    )  # fmt: skip
    _require_definite(choice)
    return choice


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _require_definite(choice: Choice) -> None:
    if choice.action not in ACTIONS:
        raise ConfigurationError(f"action is {choice.action!r}; choose {', '.join(ACTIONS)}")
    if choice.action == "show" and not choice.keys:
        raise ConfigurationError("show which ones? Fill in `keys`, as `list` prints them")
    if choice.action == "replay" and not (choice.keys or choice.pipeline or choice.kind):
        raise ConfigurationError("replay which ones? Fill in `keys`, `pipeline` or `kind`")
    if choice.action == "discard":
        if not (choice.keys or (choice.pipeline and choice.kind)):
            raise ConfigurationError("discard which ones? Fill in `keys`, or `pipeline` and `kind` together")
        if not choice.reason:
            raise ConfigurationError("a dead letter is discarded with a reason: fill in `reason`")


def open_run(ledger: Ledger, request: RunRequest, *, rules: Rules, clock: Clock) -> Run:
    """The run. It has no window: what is dead is dead whenever it died."""
    del rules
    return ledger.runs.open(request.dag_id, request.run_id, now=clock.now())


def act(ledger: Ledger, *, run: Run, request: RunRequest) -> Summary:
    """What the form asks for, and the letters it was done to; ConfigurationError names what could not be done."""
    choice = read_choice(request)
    letters = chosen(ledger, choice)
    summary: Summary = {"run": run.id, "action": choice.action, "letters": len(letters)}
    match choice.action:
        case "list":
            return summary | _counted(letters)
        case "show":
            return summary | {"shown": {letter.key: shown(letter).splitlines() for letter in letters[:MOST_SHOWN]}}
        case "replay":
            return summary | _done(choice, letters, ledger.dead_letters.replay)
        case _:
            return summary | _done(choice, letters, lambda key: ledger.dead_letters.discard(key, choice.reason))


def chosen(ledger: Ledger, choice: Choice) -> list[DeadLetter]:
    """The letters that the form means, oldest first: those of its keys, dead or held; else the dead ones, and the held ones
    where it says so. ConfigurationError with everything that is wrong about its keys."""
    if not choice.keys:
        states = ("dead", "held") if choice.held else ("dead",)
        return [one for one in ledger.dead_letters.list(states=states, pipeline=choice.pipeline) if choice.takes(one)]
    found, wrong = dict[str, DeadLetter](), list[str]()
    for key in choice.keys:
        try:
            letter = ledger.dead_letters.show(key)
        except LookupError as error:
            wrong.append(str(error))
        else:
            found[letter.key] = letter
            if not choice.takes(letter):
                wrong.append(f"{key} is {letter.document} of {letter.pipeline}, which the form's other fields exclude")
    if wrong:
        raise ConfigurationError(f"nothing was done: {'; '.join(wrong)}")
    return sorted(found.values(), key=lambda letter: (letter.since, letter.key))


def _counted(letters: Sequence[DeadLetter]) -> Summary:
    counts = Counter(f"{letter.pipeline}: {letter.state} {letter.document.partition(' ')[0]}" for letter in letters)
    return {"counts": dict(sorted(counts.items())), "list": [line_of(letter) for letter in letters[:MOST_LISTED]]}


def _done(choice: Choice, letters: Sequence[DeadLetter], change: Callable[[str], str | None]) -> Summary:
    done, failed = dict[str, str](), list[str]()
    for letter in letters:
        try:
            done[letter.key] = change(letter.key) or choice.reason
        except LookupError as error:  # somebody else was faster, or it was refused for good
            failed.append(str(error))
    if failed:
        named = ", ".join(done) or "none"
        raise ConfigurationError(f"{choice.action} was done to {named}; not to the others: {'; '.join(failed)}")
    return {"done": done}


def close(
    ledger: Ledger, *, run: Run, rules: Rules, send_mail: closing.SendMail, failed_upstream: Sequence[str] = ()
) -> Summary:
    """Mails everything that is dead, in the first run of a day that finds any, whether its own run told of it or not."""
    letters = ledger.dead_letters.list()
    if letters:
        body = closing.letters_mail(PIPELINE, letters, rules)
        body["subject"] = f"{closing.counted(letters, 'dead letter')} in all"
        ledger.notices.add(f"{PIPELINE}/{run.now:%Y-%m-%d}", NOTICE, body)
    closing.send_pending(ledger, send_mail)
    return {"run": run.id, "dead": len(letters), "failed": list(failed_upstream)}
