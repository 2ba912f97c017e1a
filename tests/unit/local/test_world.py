"""A demo continues the world it began, and another report is another world."""

from pathlib import Path

import pytest

from local.switches import switch_on
from local.world import SHIPPED_MAPPINGS, open_world
from procurement.policies import Mode, read_rules

pytestmark = pytest.mark.unit


def test_running_again_continues_the_same_moment(tmp_path: Path) -> None:
    first = open_world(tmp_path, scenario="quarter", orders_report=None)
    assert open_world(tmp_path, scenario="quarter", orders_report=None) == first
    assert first.now is not None and first.now.endswith("+00:00")


def test_another_scenario_is_another_world_with_its_own_ledger(tmp_path: Path) -> None:
    quarter = open_world(tmp_path, scenario="quarter", orders_report=None)
    tiny = open_world(tmp_path, scenario="tiny", orders_report=None)
    assert (quarter.ledger_database, quarter.state_file) != (tiny.ledger_database, tiny.state_file)


def test_a_report_is_known_by_its_content_not_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("one")
    (tmp_path / "b.csv").write_text("one")
    (tmp_path / "c.csv").write_text("other")
    worlds = [
        open_world(tmp_path / "worlds", scenario="quarter", orders_report=tmp_path / name)
        for name in ("a.csv", "b.csv", "c.csv")
    ]
    assert worlds[0].name == worlds[1].name != worlds[2].name


def test_a_new_report_has_no_moment_until_the_sandbox_has_read_its_last_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("one")
    world = open_world(tmp_path / "worlds", scenario="quarter", orders_report=tmp_path / "a.csv")
    assert world.now is None
    assert world.scenario is None


def test_the_demo_works_on_a_copy_of_the_rules_switched_live(tmp_path: Path) -> None:
    world = open_world(tmp_path, scenario="quarter", orders_report=None)
    world.write_mappings()
    (world.mappings / "stray.yml").write_text("left over")
    world.write_mappings()
    assert not (world.mappings / "stray.yml").exists()
    assert "mode: live" in (world.mappings / "rollout.yml").read_text()
    assert (world.mappings / "tolerances.yml").exists()


def test_what_a_customer_may_switch_on_is_on_in_the_demo_and_off_as_shipped(tmp_path: Path) -> None:
    world = open_world(tmp_path, scenario="quarter", orders_report=None)
    world.write_mappings()
    shipped, demo = read_rules(SHIPPED_MAPPINGS), read_rules(world.mappings)
    assert (shipped.suppliers.onboarding.create, demo.suppliers.onboarding.create) == (False, True)
    assert (shipped.compliance.report_only_days, demo.compliance.report_only_days) == (30, 0)
    assert {name: demo.rollout.widest(name).mode for name in world.pipelines} == dict.fromkeys(
        world.pipelines, Mode.LIVE
    )


def test_a_switch_that_is_gone_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "suppliers.yml").write_text("onboarding: {make: false}\n")
    with pytest.raises(KeyError, match=r"suppliers.yml has no onboarding.create"):
        switch_on(tmp_path, {"suppliers": {"onboarding.create": True}})
