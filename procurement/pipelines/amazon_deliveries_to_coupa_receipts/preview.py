"""A plan of receipts as people read it: dry runs and shadow mode."""

from dataclasses import dataclass, field

from procurement.pipelines import proposals


@dataclass(slots=True)
class Proposal(proposals.Proposal):
    """What a batch of shipped lines would become. `withdrawn`: comments that an earlier plan wanted, that nobody sent, and
    that are needed no more."""

    kept_as: str | None = "state"
    withdrawn: list[int] = field(default_factory=list)
