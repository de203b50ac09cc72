"""A Git repository as a source: fetched without a work tree, files read from its objects, hooks never run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from assistant.errors import IntakeError, SettingsError
from knowledge.intake.limits import MIB
from knowledge.intake.sources import MOST_FILES, SUFFIXES, FoundFile, Memory, Poll, is_full

_ADDRESS = re.compile(r"(?:https?|ssh|git)://[^\s]+|[\w.-]+@[\w.-]+:[^\s]+|/[^\s]*|file:///[^\s]+")
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,200}")
_SAFE = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "protocol.ext.allow=never",
    "fetch.recurseSubmodules=false",
    "transfer.fsckObjects=true",
    "gc.auto=0",
)


class GitRepository:
    """Files of one branch. ``address`` is a URL or an absolute path; ``folder`` below it limits what is read.

    A bare copy is kept below ``work``: nothing is ever checked out, so links and paths in the
    repository reach nothing. Raises SettingsError for an address or branch that is none.
    """

    def __init__(
        self,
        address: str,
        work: Path,
        branch: str = "main",
        folder: str = "",
        largest: int = 50 * MIB,
        seconds: float = 120.0,
    ) -> None:
        if not _ADDRESS.fullmatch(address) or not _BRANCH.fullmatch(branch) or ".." in branch:
            raise SettingsError(
                f"{address!r} or its branch {branch!r} is no Git repository.",
                "Set JIAMENKOU_INTAKE_GIT to a URL or an absolute path, and JIAMENKOU_INTAKE_GIT_BRANCH to a branch.",
            )
        if shutil.which("git") is None:
            raise SettingsError("There is no git program.", "Install git, or leave JIAMENKOU_INTAKE_GIT empty.")
        self._address, self._branch, self._folder = address, branch, folder.strip("/")
        self._copy, self._largest, self._seconds = work / "copy.git", largest, seconds
        self._memory = Memory(work / "seen.json")

    def poll(self) -> Poll:
        """Files whose content is new on the branch. The version is commit and object, for the record."""
        try:
            commit = self._fetch()
            files = list(self._files(commit))
        except (OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "stderr", b"") or b""
            last = said.decode("utf-8", "replace").strip().splitlines()[-1:] or [type(error).__name__]
            return Poll(problems=(f"Git 仓库读不了：{last[0][:200]}。请检查地址、分支、网络和权限。",))
        found: list[FoundFile] = []
        problems: list[str] = []
        for name, blob, size in files:
            if self._memory.versions.get(name, "").rpartition(":")[2] == blob or is_full(found):
                continue
            if size > self._largest:
                problems.append(f"“{name}”有 {size // MIB} MB，太大了。请把它分成几个小文件。")
                continue
            data = self._git("cat-file", "blob", blob)
            found.append(FoundFile(name, data, f"{commit}:{blob}"))
        gone = tuple(sorted(set(self._memory.versions) - {name for name, _, _ in files}))
        for name in gone:
            self._memory.keep(name, None)
        return Poll(tuple(found), gone, tuple(problems))

    def acknowledge(self, name: str, version: str) -> None:
        """Dealt with in this version."""
        self._memory.keep(name, version)

    def _fetch(self) -> str:
        """Bring the branch's newest commit; returns its id."""
        if not (self._copy / "HEAD").exists():
            self._copy.parent.mkdir(parents=True, exist_ok=True)
            self._run("init", "--quiet", "--bare", "--template=", str(self._copy))
        refs = f"+refs/heads/{self._branch}:refs/intake/head"
        self._git("fetch", "--quiet", "--no-tags", "--depth=1", "--", self._address, refs)
        return self._git("rev-parse", "--verify", "refs/intake/head^{commit}").decode().strip()

    def _files(self, commit: str) -> Iterator[tuple[str, str, int]]:
        """Name, object and size of each plain file that may be a document (links are none)."""
        tree = f"{commit}:{self._folder}" if self._folder else commit
        count = 0
        for line in self._git("ls-tree", "-r", "-z", "--long", tree).split(b"\0"):
            facts, _, raw = line.partition(b"\t")
            parts = facts.decode().split()
            name = raw.decode("utf-8", "replace")
            if len(parts) != 4 or not parts[0].startswith("100") or parts[1] != "blob":
                continue
            path = PurePosixPath(name)
            if path.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in path.parts):
                count += 1
                if count > MOST_FILES:
                    raise IntakeError(
                        f"仓库里超过 {MOST_FILES} 个文件。", "请在设置里指定一个子文件夹。", code="too_long"
                    )
                yield name, parts[2], int(parts[3])

    def _git(self, *arguments: str) -> bytes:
        return self._run(f"--git-dir={self._copy}", *arguments)

    def _run(self, *arguments: str) -> bytes:
        settings = [part for each in _SAFE for part in ("-c", each)]
        environment = {
            k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "SSH_AUTH_SOCK", "https_proxy", "no_proxy")
        }
        environment |= {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
        }
        done = subprocess.run(  # noqa: S603
            ["git", *settings, *arguments],  # noqa: S607
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=self._seconds,
            check=True,
        )
        return done.stdout
