"""The `jiamenkou staff` commands: accounts and their audit log, for whoever has the machine's command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from assistant.errors import StaffError
from assistant.settings import settings
from assistant.staff.accounts import name_key
from assistant.staff.audit import cli_actor
from assistant.staff.desk import Staff, open_staff
from assistant.staff.values import Account, OneTimeCode, Role

app = typer.Typer(no_args_is_help=True, help="Accounts of staff: add, list, disable, reset, unlock, audit.")
audit_app = typer.Typer(no_args_is_help=True, help="The log of what staff did: verify, export.")
app.add_typer(audit_app, name="audit")

Name = Annotated[str, typer.Argument(help="What is typed to log in.")]
Roles = Annotated[list[Role], typer.Option("--role", help="May be given several times; each includes those before it.")]
FromInput = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
Link = Annotated[bool, typer.Option("--link", help="No password: print a one-time code with which its owner sets one.")]


def say(text: str) -> None:
    """A message for people; standard output stays for what other programs read."""
    typer.echo(text, err=True)


@app.command()
def add(
    name: Name,
    role: Roles,
    display: Annotated[str, typer.Option(help="The name that others see.")] = "",
    link: Link = False,
    password_stdin: FromInput = False,
) -> None:
    """Add an account. Without --link it asks for the password."""
    staff = open_staff(settings())
    # Asked for first: nothing is added when somebody thinks better of it.
    password = "" if link else _ask_password(password_stdin)
    with staff.database.write():
        account = staff.accounts.add(cli_actor(), name, display, role)
        if link:
            code = staff.accounts.reset(cli_actor(), account.id)
        else:
            staff.login.set_password(cli_actor(), account.id, password)
    say(f"Added {account.name} ({_roles(account)}).")
    if link:
        _print_code(account, code)


@app.command("list")
def list_accounts() -> None:
    """List all accounts."""
    staff = open_staff(settings())
    for account in staff.accounts.all():
        seen = f"{account.last_login:%Y-%m-%d %H:%M} UTC" if account.last_login else "never"
        typer.echo(f"{account.name}\t{account.display}\t{_roles(account)}\t{_state(staff, account)}\tlast login {seen}")


@app.command()
def roles(name: Name, role: Roles) -> None:
    """Give an account exactly these roles."""
    staff = open_staff(settings())
    account = staff.accounts.set_roles(cli_actor(), staff.accounts.named(name).id, role)
    say(f"{account.name} is {_roles(account)} now, and has to log in again.")


@app.command()
def disable(name: Name) -> None:
    """Shut an account out at once; what it did stays in the log."""
    staff = open_staff(settings())
    say(f"{staff.accounts.set_disabled(cli_actor(), staff.accounts.named(name).id, True).name} is disabled.")


@app.command()
def enable(name: Name) -> None:
    """Let a disabled account in again."""
    staff = open_staff(settings())
    say(f"{staff.accounts.set_disabled(cli_actor(), staff.accounts.named(name).id, False).name} is enabled.")


@app.command()
def reset(
    name: Name,
    password_stdin: FromInput = False,
    ask: Annotated[bool, typer.Option("--ask", help="Ask for the new password instead of printing a code.")] = False,
) -> None:
    """End an account's password and sessions; print a one-time code with which its owner sets a new one."""
    staff = open_staff(settings())
    account = staff.accounts.named(name)
    if ask or password_stdin:
        staff.login.set_password(cli_actor(), account.id, _ask_password(password_stdin))
        staff.lockout.unlock(name_key(name))
        say(f"{account.name} has a new password.")
    else:
        code = staff.accounts.reset(cli_actor(), account.id)
        staff.lockout.unlock(name_key(name))
        _print_code(account, code)


@app.command()
def unlock(name: Name) -> None:
    """Let an account try again after too many failed logins."""
    staff = open_staff(settings())
    account = staff.accounts.named(name)
    if staff.lockout.unlock(name_key(name)):
        staff.audit.write(cli_actor(), "account.unlock", f"account:{account.name}#{account.id}")
    say(f"{account.name} may try again.")


@audit_app.command()
def verify(
    head: Annotated[str, typer.Option(help="NUMBER:HASH as printed earlier; it must still be in the log.")] = "",
) -> None:
    """Compute the chain of hashes again; fails when a line was changed, removed or put in."""
    found = open_staff(settings()).audit.verify(head)
    if found.broken_at is not None:
        raise StaffError(
            "audit",
            f"The audit log is broken at line {found.broken_at}: {found.why}.",
            "Keep this file as it is and compare it with a backup.",
        )
    say(f"All {found.entries} lines fit. Note the head, and give it to the next --head:")
    typer.echo(f"{found.entries}:{found.head}")


@audit_app.command()
def export(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A CSV file; otherwise standard output.")
    ] = None,
) -> None:
    """Write the whole log as CSV, the newest line first."""
    audit = open_staff(settings()).audit
    if output is None:
        for line in audit.csv():
            typer.echo(line, nl=False)
        return
    try:
        with output.open("w", encoding="utf-8", newline="") as file:
            file.writelines(audit.csv())
    except OSError as error:
        raise StaffError("audit", f"{output} can't be written: {error.strerror}.", "Name another file.") from error


def _ask_password(from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise StaffError(
            "no-terminal", "There is no terminal to ask for a password.", "Use --password-stdin or --link."
        )
    return str(typer.prompt("Password (12 characters or more)", hide_input=True, confirmation_prompt=True, err=True))


def _print_code(account: Account, code: OneTimeCode) -> None:
    config = settings()
    host = "127.0.0.1" if config.host in {"0.0.0.0", "::"} else config.host  # noqa: S104 - only compared
    say(f"{account.name} sets the password at this address until {code.expires:%Y-%m-%d %H:%M} UTC, once:")
    typer.echo(f"http://{host}:{config.port}/staff/set-up#{quote(account.name)}/{code.code}")
    say("Behind a proxy, use its address in front of /staff.")


def _roles(account: Account) -> str:
    return ", ".join(role.value for role in Role if role in account.roles)


def _state(staff: Staff, account: Account) -> str:
    if account.disabled:
        return "disabled"
    if staff.lockout.locked(name_key(account.name)):
        return "locked"
    if account.from_provider:
        return "provider"
    return "active" if account.has_password else "no password yet"
