"""User groups, their tasks, and exchange rates: who is refused, what is found, when a task is done."""

import pytest

GROUP = {"name": "Accounts payable", "description": "Who pays", "users": [{"login": "ap.lead"}]}


@pytest.fixture
def group(company):
    status, group = company.call("POST", "/user_groups", GROUP)
    assert status == 201, group
    return group


def task(company, group, **given):
    status, made = company.call("POST", f"/user_groups/{group['id']}/tasks", {"title": "Look", **given})
    assert status == 201, made
    return made


def test_a_group_shows_its_people_and_its_name_is_its_own(company, group, refused):
    assert [(one["login"], one["email"]) for one in group["users"]] == [("ap.lead", "ap.lead@example.com")]
    assert company.ids("/user_groups", ("name", "Accounts payable")) == [group["id"]]
    assert "Name has already been taken" in refused(company.call("POST", "/user_groups", GROUP))
    assert "Users can't be found" in refused(company.call("POST", "/user_groups", {"name": "X", "users": [{"id": 77}]}))


def test_a_task_belongs_to_the_group_of_its_path(company, group):
    other = company.call("POST", "/user_groups", {"name": "Buyers"})[1]
    mine = task(company, group, description="Too dear", **{"owner-id": 2, "due-date": "2026-05-20"})
    theirs = task(company, other)
    assert (mine["linkable-type"], mine["linkable-id"], mine["owner"]["login"]) == ("UserGroup", group["id"], "ap.lead")
    assert company.ids(f"/user_groups/{group['id']}/tasks", ("title", "Look")) == [mine["id"]]
    assert company.ids("/tasks") == [mine["id"], theirs["id"]]
    assert company.call("GET", f"/user_groups/{group['id']}/tasks/{theirs['id']}")[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        ("/user_groups/1/tasks", {"description": "x"}, 400, "Title can't be blank"),
        ("/user_groups/1/tasks", {"title": "x" * 256}, 400, "Title is too long"),
        ("/user_groups/1/tasks", {"title": "x", "percentage": 101}, 400, "Percentage is not included"),
        ("/user_groups/1/tasks", {"title": "x", "owner-id": 77}, 400, "Owner can't be found"),
        ("/user_groups/77/tasks", {"title": "x"}, 404, "Could not find User group with id 77"),
        ("/tasks", {"title": "x"}, 400, "Linkable can't be blank"),
    ],
)
def test_a_task_that_does_not_fit_is_refused(company, group, refused, path, body, status, sentence):
    assert sentence in refused(company.call("POST", path, body), status)


@pytest.mark.parametrize("changes", [{"percentage": 100}, {"status": "completed"}])
def test_a_task_is_resolved_when_done_and_open_again_when_not(company, group, changes):
    made = task(company, group)
    assert made["resolved-at"] is None
    done = company.call("PUT", f"/tasks/{made['id']}", changes)[1]
    assert done["resolved-at"] and done["resolved-by"]["login"] == "sandbox.integration"
    again = company.call("PUT", f"/tasks/{made['id']}", {"percentage": 50, "status": "started"})[1]
    assert (again["resolved-at"], again["resolved-by"]) == (None, None)


def test_rates_are_found_by_one_currency_and_day_and_by_two_never(company):
    for rate, day in (("0.7312345678", "2026-05-01"), ("0.74", "2026-05-04")):
        body = {"from-currency": {"code": "JPY"}, "to-currency": {"code": "USD"}, "rate": rate, "rate-date": day}
        assert company.call("POST", "/exchange_rates", body)[0] == 201
    days = (("rate_date[gt_or_eq]", "2026-05-01"), ("rate_date[lt]", "2026-05-04"))
    [found] = company.read("/exchange_rates", ("from_currency[code]", "JPY"), *days)
    assert (found["rate"], found["to-currency"]["code"]) == ("0.731234568", "USD")
    assert company.ids("/exchange_rates", ("from-currency[code]", "USD")) == []
    assert company.ids("/exchange_rates", ("from-currency[code]", "JPY"), ("to-currency[code]", "USD")) == []
