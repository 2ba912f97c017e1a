"""For all tests: a busy machine makes generating examples slow, which says nothing about the rules. `make mutants` runs
the same tests a thousand times, with fewer examples."""

from hypothesis import HealthCheck, settings

settings.register_profile("any_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("mutants", parent=settings.get_profile("any_machine"), max_examples=25, derandomize=True)
settings.load_profile("any_machine")
