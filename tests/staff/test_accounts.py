"""Accounts, passwords, sessions, lock-out, four eyes: the rules themselves."""

from __future__ import annotations

import sqlite3
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from assistant.errors import FourEyesError, StaffError, StaleError
from assistant.settings import Settings
from assistant.staff.desk import open_staff
from assistant.staff.passwords import Passwords, check_password
from assistant.staff.sessions import csrf_matches, csrf_token
from assistant.staff.values import LADDER, Permission, Person, Role, permissions_of
from tests.staff.conftest import Hands
from tests.staff.site import HASHER, PASSWORD, Site


def reason(error: pytest.ExceptionInfo[StaffError]) -> str:
    return error.value.reason


def enter(site: Site, name: str, password: str = PASSWORD, address: str = "10.0.0.1") -> str:
    return site.staff.login.with_password(name, password, address, "a browser")


def test_each_role_may_what_those_below_may_and_more() -> None:
    held = [permissions_of(frozenset({role})) for role in LADDER]
    assert all(low < high for low, high in pairwise(held))
    assert held[-1] == set(Permission)
    assert Permission.KNOWLEDGE_PUBLISH not in permissions_of(frozenset({Role.REVIEWER}))
    assert permissions_of(frozenset()) == frozenset()


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("kurz", "password-short"),
        ("eleven char", "password-short"),
        ("x" * 257, "password-long"),
        ("password1234", "password-common"),
        ("123456789012", "password-common"),
        ("qwertyuiop[]", "password-common"),
        ("aaaaaaaaaaaaaaaa", "password-common"),
        ("wangfangwangfang", "password-common"),
        ("jiamenkou123", "password-common"),
        ("19800101198001", "password-common"),
    ],
)
def test_weak_passwords_are_named(password: str, why: str) -> None:
    with pytest.raises(StaffError) as error:
        check_password(password, "wangfang", "王芳")
    assert reason(error) == why


@pytest.mark.parametrize(
    "password", ["correct horse battery", "梧桐树下的蓝色水壶有三把", "seven quiet herons", "Zk4!vq9-Lm2x"]
)
def test_passwords_need_no_mixture_of_kinds(password: str) -> None:
    check_password(password, "wangfang", "王芳")


def test_passwords_compare_as_typed_on_any_keyboard() -> None:
    passwords = Passwords(HASHER)
    hashed = passwords.hash("ｓｅｖｅｎ quiet herons")
    assert hashed.startswith("$argon2id$")
    assert passwords.matches(hashed, "seven quiet herons")
    assert not passwords.matches(hashed, "Seven quiet herons")
    assert not passwords.matches(None, "")
    assert not passwords.matches("not a hash", "seven quiet herons")


def test_a_hash_of_older_parameters_is_made_again_at_login(site: Site) -> None:
    account = site.account("wang", "editor")
    stored = "SELECT password FROM account WHERE id = ?"
    before = site.staff.database.row(stored, account.id)[0]
    dearer = open_staff(
        Settings(_env_file=None, data_folder=site.staff.database.path.parent),
        PasswordHasher(time_cost=2, memory_cost=64, parallelism=1),
    )
    dearer.login.with_password("wang", PASSWORD, "10.0.0.1", "")
    after = dearer.database.row(stored, account.id)[0]
    assert "t=1" in before
    assert "t=2" in after
    enter(site, "wang")


def test_names_are_found_however_they_are_typed(site: Site) -> None:
    site.account("Wang.Fang", "editor")
    for typed in ("wang.fang", " WANG.FANG ", "ｗａｎｇ．ｆａｎｇ"):
        enter(site, typed)
    with pytest.raises(StaffError) as error:
        site.account("wang.FANG", "editor")
    assert reason(error) == "name-taken"


@pytest.mark.parametrize("name", ["", "a", "a b", "x" * 33, "<script>", "a/b", "a#1", "a\u202eb", "a\x00b"])
def test_odd_names_are_refused(site: Site, name: str) -> None:
    with pytest.raises(StaffError) as error:
        site.account(name, "editor")
    assert reason(error) == "name"
    assert site.staff.accounts.all() == []


@pytest.mark.parametrize("display", ["", "  ", "字" * 41, "王\u202e芳", "王\x07"])
def test_odd_display_names_are_refused(site: Site, display: str) -> None:
    account = site.account("wang", "editor")
    with pytest.raises(StaffError) as error:
        site.staff.accounts.edit("t", account.id, account.version, display=display, roles=account.roles, disabled=False)
    assert reason(error) == "display"


def test_wrong_unknown_disabled_and_unfinished_look_the_same(site: Site) -> None:
    site.account("wang", "administrator")
    site.staff.accounts.set_disabled("t", site.account("gone", "editor").id, True)
    site.staff.accounts.add("t", "fresh", "新人", [Role.EDITOR])
    messages = set()
    for number, (name, password) in enumerate(
        [("wang", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD), ("fresh", ""), ("", "")]
    ):
        with pytest.raises(StaffError) as error:
            enter(site, name, password, f"10.0.1.{number}")
        messages.add((reason(error), str(error.value)))
    assert len(messages) == 1


def test_an_unknown_name_costs_as_much_hashing_as_a_known_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.account("wang", "editor")
    compared: list[str] = []
    verify = PasswordHasher.verify
    monkeypatch.setattr(
        PasswordHasher,
        "verify",
        lambda self, hashed, text: compared.append(hashed.rsplit("$", 2)[0]) or verify(self, hashed, text),
    )
    for name in ("wang", "nobody"):
        with pytest.raises(StaffError):
            enter(site, name, "wrong")
    assert len(compared) == 2
    assert compared[0] == compared[1], "the same parameters"


def test_an_account_locks_longer_each_time_and_unlocks(site: Site, hands: Hands) -> None:
    for name in ("wang", "nobody"):  # an unknown name locks alike
        if name == "wang":
            site.account("wang", "editor")
        waits = []
        for number in range(9):
            with pytest.raises(StaffError) as error:
                enter(site, name, "wrong", f"10.{number}.0.{len(name)}")
            assert reason(error) == "login", number
            with pytest.raises(StaffError) if number >= 4 else _nothing() as locked:
                if number >= 4:
                    enter(site, name, PASSWORD, "10.9.9.9")  # the right one is no use now
            if number >= 4:
                assert reason(locked) == "locked"
                waits.append(locked.value.details["minutes"])
                hands.on(minutes=float(str(waits[-1])))
        assert waits == [1, 2, 4, 8, 16]
    enter(site, "wang")  # and the failures are forgotten
    for _ in range(4):
        with pytest.raises(StaffError):
            enter(site, "wang", "wrong", "10.8.8.8")
    enter(site, "wang")


class _nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def test_an_address_locks_whatever_names_it_tries(site: Site) -> None:
    site.account("wang", "editor")
    for number in range(20):
        with pytest.raises(StaffError) as error:
            enter(site, f"name{number}", "x", f"2001:db8:1:1::{number:x}")  # one household
        assert reason(error) == "login"
    with pytest.raises(StaffError) as error:
        enter(site, "wang", PASSWORD, "2001:db8:1:1:ffff::1")
    assert reason(error) == "locked"
    enter(site, "wang", PASSWORD, "2001:db8:1:2::1")
    assert any(entry.action == "login.locked" for entry in site.staff.audit.entries())


def test_strangers_do_not_lock_somebody_out_of_their_own_device(site: Site) -> None:
    wang, li = site.account("wang", "administrator"), site.account("li", "editor")
    own, others = site.staff.devices.remember(wang.id), site.staff.devices.remember(li.id)
    for number in range(5):
        with pytest.raises(StaffError):
            enter(site, "wang", "wrong", f"10.6.0.{number}")
    login = site.staff.login
    for known in ("", "made up", others):
        with pytest.raises(StaffError) as error:
            login.with_password("wang", PASSWORD, "10.6.1.1", "", known)
        assert reason(error) == "locked"
    assert login.with_password("wang", PASSWORD, "10.6.1.1", "", own)
    for _ in range(5):  # whoever has the device has no more tries than others
        with pytest.raises(StaffError) as error:
            login.with_password("wang", "wrong", "10.6.1.1", "", own)
        assert reason(error) == "login"
    with pytest.raises(StaffError) as error:
        login.with_password("wang", PASSWORD, "10.6.1.1", "", own)
    assert reason(error) == "locked"
    assert site.staff.lockout.locked("wang")
    assert site.staff.lockout.unlock("wang")
    assert login.with_password("wang", PASSWORD, "10.6.1.1", "", own)
    assert site.staff.devices.remember(li.id, others) == others
    login.set_password("t", li.id, "another good passphrase")
    assert not site.staff.devices.known(li.id, others), "a new password forgets devices"


def test_an_own_login_does_not_pay_for_guessing(site: Site) -> None:
    site.account("evil", "editor")
    for number in range(19):
        with pytest.raises(StaffError):
            enter(site, f"name{number}", "x")
        enter(site, "evil")
    with pytest.raises(StaffError) as error:
        enter(site, "name19", "x")
    assert reason(error) == "login"
    with pytest.raises(StaffError) as error:
        enter(site, "evil")
    assert reason(error) == "locked"


def test_many_tries_at_once_do_not_slip_through(site: Site) -> None:
    site.account("wang", "editor")
    reasons: list[str] = []

    def guess(number: int) -> None:
        try:
            enter(site, "wang", f"wrong {number}", f"10.1.{number}.1")
        except StaffError as error:
            reasons.append(error.reason)

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reasons.count("login") == 5
    assert reasons.count("locked") == 25


def test_sessions_store_no_token_and_end_on_idle_and_on_age(site: Site, hands: Hands) -> None:
    site.account("wang", "editor")
    token = enter(site, "wang")
    database = site.staff.database
    assert len(token) >= 43
    dump = "\n".join(str(tuple(row)) for row in database.rows("SELECT * FROM session"))
    assert token not in dump
    for _ in range(11):
        hands.on(minutes=59)
        assert site.staff.sessions.find(token)
    hands.on(minutes=61)
    assert site.staff.sessions.find(token) is None
    token = enter(site, "wang")
    for _ in range(13):
        hands.on(minutes=55)
        site.staff.sessions.find(token)
    hands.on(minutes=6)
    assert site.staff.sessions.find(token) is None, "twelve hours at most"
    assert site.staff.sessions.find("") is None


def test_looking_on_is_not_activity(site: Site, hands: Hands) -> None:
    site.account("wang", "editor")
    token = enter(site, "wang")
    for _ in range(4):
        hands.on(minutes=20)
        site.staff.sessions.find(token, touch=False)
    assert site.staff.sessions.find(token) is None


def test_a_csrf_token_belongs_to_one_session() -> None:
    assert csrf_matches("a", csrf_token("a"))
    assert not csrf_matches("b", csrf_token("a"))
    assert not csrf_matches("a", "")
    assert not csrf_matches("a", "é")


def test_changing_the_password_ends_other_sessions_and_renews_this_one(site: Site) -> None:
    site.account("wang", "editor")
    here, there = enter(site, "wang"), enter(site, "wang")
    with pytest.raises(StaffError) as error:
        site.staff.login.change_password(here, "wrong", "another good passphrase", "10.0.0.1")
    assert reason(error) == "old-password"
    new = site.staff.login.change_password(here, PASSWORD, "another good passphrase", "10.0.0.1")
    assert [site.staff.sessions.find(token) is not None for token in (here, there, new)] == [False, False, True]
    with pytest.raises(StaffError):
        enter(site, "wang")
    enter(site, "wang", "another good passphrase")


def test_a_one_time_code_works_once_for_its_owner_and_not_for_ever(site: Site, hands: Hands) -> None:
    wang, _ = site.account("wang", "editor"), site.account("li", "editor")
    token = enter(site, "wang")
    code = site.staff.accounts.reset("t", wang.id).code
    assert site.staff.sessions.find(token) is None
    with pytest.raises(StaffError):
        enter(site, "wang")
    login = site.staff.login
    tries = [("li", code), ("wang", code[:-1] + ("A" if code[-1] != "A" else "B")), ("wang", "")]
    for name, given in tries:
        with pytest.raises(StaffError) as error:
            login.with_code(name, given, "another good passphrase", "10.0.0.1", "")
        assert reason(error) == "code"
    with pytest.raises(StaffError) as error:
        login.with_code("wang", code, "short", "10.0.0.1", "")
    assert reason(error) == "password-short", "and the code is not used up"
    assert site.staff.sessions.find(login.with_code("wang", f" {code.lower()} ", "another good passphrase", "a", ""))
    with pytest.raises(StaffError):
        login.with_code("wang", code, "another good passphrase", "10.0.0.1", "")
    code = site.staff.accounts.reset("t", wang.id).code
    hands.on(hours=25)
    with pytest.raises(StaffError):
        login.with_code("wang", code, "another good passphrase", "10.0.0.2", "")


def test_a_stale_edit_is_refused_and_says_who(site: Site) -> None:
    account = site.account("wang", "editor")

    def edit(who: str, display: str) -> None:
        site.staff.accounts.edit(who, account.id, account.version, display=display, roles=account.roles, disabled=False)

    edit("li#2", "王芳")
    with pytest.raises(StaleError) as error:
        edit("zhao#3", "王方")
    assert error.value.details["now"].changed_by == "li#2"
    assert site.staff.accounts.get(account.id).display == "王芳"


def test_of_twenty_edits_at_once_one_is_kept_and_the_others_are_told(site: Site) -> None:
    account = site.account("wang", "editor")
    done: list[str] = []
    told: list[str] = []

    def edit(display: str) -> None:
        try:
            site.staff.accounts.edit(
                display, account.id, account.version, display=display, roles=account.roles, disabled=False
            )
            done.append(display)
        except StaleError as error:
            told.append(error.details["now"].display)  # type: ignore[attr-defined]

    threads = [threading.Thread(target=edit, args=(f"第{number}位",)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1
    assert told == done * 19
    assert site.staff.accounts.get(account.id).display == done[0]


def test_roles_and_disabling_end_sessions(site: Site) -> None:
    account = site.account("wang", "editor")
    token = enter(site, "wang")
    site.staff.accounts.set_roles("t", account.id, [Role.EDITOR, Role.REVIEWER])
    assert site.staff.sessions.find(token) is None
    token = enter(site, "wang")
    site.staff.accounts.set_disabled("t", account.id, True)
    assert site.staff.sessions.find(token) is None
    site.staff.accounts.set_disabled("t", account.id, False)
    assert site.staff.sessions.find(token) is None, "enabling brings no session back"


def test_the_last_administrator_stays(site: Site) -> None:
    first, second = site.account("first", "administrator"), site.account("second", "administrator")
    site.staff.accounts.add("t", "fresh", "没设密码", [Role.ADMINISTRATOR])  # can't log in: doesn't count
    site.staff.accounts.set_roles("t", second.id, [Role.EDITOR])
    for change in (
        lambda: site.staff.accounts.set_disabled("t", first.id, True),
        lambda: site.staff.accounts.set_roles("t", first.id, [Role.PUBLISHER]),
    ):
        with pytest.raises(StaffError) as error:
            change()
        assert reason(error) == "last-administrator"
    after = site.staff.accounts.get(first.id)
    assert (after.roles, after.disabled) == (first.roles, False), "and nothing of it was done"
    assert site.staff.audit.verify().broken_at is None


def test_two_administrators_can_not_remove_each_other_at_once(tmp_path: Path) -> None:
    """Two processes, as the command line and the service are: each has its own connection."""
    config = Settings(_env_file=None, data_folder=tmp_path)
    desks = [open_staff(config, HASHER), open_staff(config, HASHER)]
    for round_ in range(5):
        accounts = []
        for number in range(2):
            made = desks[0].accounts.add("t", f"a{round_}-{number}", "甲", [Role.ADMINISTRATOR])
            desks[0].login.set_password("t", made.id, PASSWORD)
            accounts.append(made)
        for other in desks[0].accounts.all():
            if other.id not in {one.id for one in accounts} and not other.disabled:
                desks[0].accounts.set_disabled("t", other.id, True)
        results: list[str] = []

        def remove(desk: int, victim: int, results: list[str] = results) -> None:
            try:
                desks[desk].accounts.set_disabled("t", victim, True)
                results.append("done")
            except StaffError as error:
                results.append(error.reason)

        threads = [threading.Thread(target=remove, args=(n, accounts[1 - n].id)) for n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(results) == ["done", "last-administrator"]


def test_four_eyes(site: Site) -> None:
    person = Person(7, "wang", "王芳", frozenset({Role.PUBLISHER}))
    rule = site.staff.four_eyes
    rule.approve(person, [7], "change:1")  # the rule is off
    object.__setattr__(rule, "required", True)
    for authors in ([7], [3, 7], []):
        with pytest.raises(FourEyesError):
            rule.approve(person, authors, "change:2")
    rule.approve(person, [3], "change:3")
    written = [(entry.action, entry.target) for entry in site.staff.audit.entries()]
    assert written == [
        ("approval.given", "change:3"),
        *[("approval.refused", "change:2")] * 3,
        ("approval.given", "change:1"),
    ]


def test_a_broken_or_newer_database_is_named(tmp_path: Path) -> None:
    config = Settings(_env_file=None, data_folder=tmp_path)
    (tmp_path / "staff.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(StaffError) as error:
        open_staff(config, HASHER)
    assert "staff.db" in error.value.message
    (tmp_path / "staff.db").unlink()
    with sqlite3.connect(tmp_path / "staff.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StaffError, match="newer"):
        open_staff(config, HASHER)


def test_the_file_is_for_its_owner_only(site: Site) -> None:
    assert site.staff.database.path.stat().st_mode & 0o077 == 0
