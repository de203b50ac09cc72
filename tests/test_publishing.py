"""Publishing as staff and operators do: changes are answered at once, undone exactly, and never lost or mixed."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.contracts import Answer, Question
from assistant.errors import ConflictError, KnowledgeError
from assistant.main_publish import Publisher
from assistant.retrieve.embedder import FakeEmbedder
from assistant.settings import Settings
from assistant.turn import Assistant
from knowledge.calendar import calendar, reminders
from knowledge.release import current, head, history, releases, roll_back
from tests.publishing import NOTICE, approved, ask, library, publish, site, talker
from tests.small_world import CARDS, DAY, PLAN, QUESTIONS

BARBER = "理发点有多少个？"


async def answers(publisher: Publisher) -> list[object]:
    """Whole answers, and every candidate with its score."""
    open_ = library(publisher)
    assistant = talker(open_)
    out: list[object] = []
    for text in (*QUESTIONS, BARBER, "民政管理处负责哪些条？"):
        answer = await ask(assistant, text)
        found = open_.knowledge().retriever.search(Question(text=text, resolved=text), DAY).candidates
        out.append(answer.model_copy(update={"timings": {}}))
        out.append([(c.passage.id, c.passage.text, round(c.score, 5), c.span) for c in found])
    return out


async def test_a_change_is_answered_and_undone_exactly(tmp_path: Path) -> None:
    publisher = site(tmp_path)
    first = current(publisher.data)
    assert first is not None
    before = await answers(publisher)
    open_ = library(publisher)
    assistant = talker(open_)
    release = publish(
        publisher,
        ("notice.md", NOTICE),
        ("departments.yaml", "市民政局: [民政管理处]\n"),
        ("synonyms.yaml", "- [老年助餐, 饭堂]\n"),
        ("phrasings.yaml", "- passage: plan#1.1\n  questions: [食堂办了多少家]\n"),
    )
    assert open_.knowledge().release == release.name
    assert "12" in (await ask(assistant, BARBER)).text
    assert "第一条" in (await ask(assistant, "民政管理处负责哪些条？")).text
    assert await answers(publisher) != before
    roll_back(publisher.data, first.name, "publisher")
    assert await answers(publisher) == before
    roll_back(publisher.data, release.name)
    assert open_.knowledge().aliases["民政管理处"] == "市民政局"
    assert [(entry["what"], entry["by"]) for entry in history(publisher.data)] == [
        ("published", "operator"),
        ("published", "publisher"),
        ("rolled back", "publisher"),
        ("rolled back", ""),
    ]


async def test_answers_depend_on_what_is_known_and_not_on_how_it_came(tmp_path: Path) -> None:
    publisher = site(tmp_path)
    for number in range(12):  # small segments, older versions and a removed document lie around
        publish(publisher, ("notice.md", NOTICE.replace("12个", f"{number + 20}个")))
        if number == 5:
            publish(publisher, ("gone.md", NOTICE.replace("id: notice", "id: gone")))
    kept = NOTICE.replace("id: notice", "id: kept").replace("理发", "修鞋")
    publish(publisher, ("kept.md", kept), ("notice.md", NOTICE.replace("12个", "77个")))
    publish(publisher, ("gone.md", None), ("notice.md", NOTICE))  # half of that segment is of the past now
    pieces = await answers(publisher)
    release = current(publisher.data)
    assert release is not None
    assert len(release.shelf().segments) > 1
    assert publisher.tidy(every=True) > 1
    tidied = current(publisher.data)
    assert tidied is not None
    assert tidied.name == release.name
    assert len(tidied.shelf().segments) == 1
    assert await answers(publisher) == pieces
    # Another machine that gets the same content in one piece.
    other = Settings(_env_file=None, data_folder=tmp_path / "other", corpus_folder=tmp_path / "all")  # type: ignore[call-arg]
    for name, digest in publisher.content.files(head(publisher.data).snapshot).items():
        path = other.corpus_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(publisher.content.get(digest))
    fresh = Publisher(other, FakeEmbedder())
    fresh.publish_folder()
    assert await answers(fresh) == pieces
    # Every kept release still answers, though its segments were merged in the current one.
    for kept in releases(publisher.data):
        roll_back(publisher.data, kept.name)
        assert (await answers(publisher))[0]


async def test_only_what_changed_is_embedded(tmp_path: Path) -> None:
    publisher = site(tmp_path)
    texts: list[str] = []
    fake = publisher.embedder
    encode = fake.encode_document
    fake.encode_document = lambda asked: texts.extend(asked) or encode(asked)  # type: ignore[method-assign,func-returns-value]
    publish(publisher, ("plan.md", PLAN.format(validity="", orders="").replace("320台", "330台")))
    assert texts
    assert all("330台" in text for text in texts)


async def test_a_turn_keeps_the_release_that_it_began_with(tmp_path: Path) -> None:
    """Turns are held open in the middle of their search while releases are swapped under them."""
    publisher = site(tmp_path)
    publish(publisher, ("notice.md", NOTICE))
    open_ = library(publisher)
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def held(number: int) -> asyncio.Task[Answer]:
        assistant = talker(open_)
        knowledge = open_.knowledge()

        class Held:
            def search(self, question: Question, day: date) -> object:
                asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(30)
                return knowledge.retriever.search(question, day)

        from dataclasses import replace

        assistant._knowledge = lambda: replace(knowledge, retriever=Held())  # type: ignore[arg-type]
        return asyncio.create_task(ask(assistant, f"理发点有多少个{'？' * (number + 1)}"))

    expected, turns = [], []
    for number in range(6):
        expected.append(f"{number + 30}个")
        publish(publisher, ("notice.md", NOTICE.replace("12个", expected[-1])))
        turns.append(held(number))
        await asyncio.sleep(0.05)
    publish(publisher, ("notice.md", None))
    publisher.tidy(every=True)
    gate.set()
    for wanted, turn in zip(expected, turns, strict=True):
        answer = await turn
        assert wanted in answer.text
        assert wanted in answer.citations[0].quote


def test_operators_and_staff_work_side_by_side(tmp_path: Path) -> None:
    publisher = site(tmp_path)
    publish(publisher, ("notice.md", NOTICE))
    folder = publisher.settings.corpus_folder
    _, new = publisher.publish_folder()  # the folder lacks what staff wrote, and takes nothing of it away
    assert not new
    assert publisher.text("notice.md") == NOTICE
    (folder / "synonyms.yaml").write_text("- [老年助餐, 饭堂]\n", encoding="utf-8")
    release, new = publisher.publish_folder()
    assert new
    assert {d.id for d in release.shelf().documents} == {"plan", "hotlines", "notice"}
    assert release.shelf().synonyms == (("老年助餐", "饭堂"),)
    (folder / "notice.md").write_text(NOTICE.replace("12个", "13个"), encoding="utf-8")
    with pytest.raises(ConflictError, match=r"notice\.md"):
        publisher.publish_folder()
    assert current(publisher.data) == release
    publisher.publish_folder(prefer="folder")
    assert "13个" in (publisher.text("notice.md") or "")
    (folder / "notice.md").unlink()
    publisher.publish_folder()
    assert publisher.text("notice.md") is None


def test_a_rolled_back_folder_is_published_again(tmp_path: Path) -> None:
    publisher = site(tmp_path)
    first = current(publisher.data)
    assert first is not None
    (publisher.settings.corpus_folder / "notice.md").write_text(NOTICE, encoding="utf-8")
    second, _ = publisher.publish_folder()
    roll_back(publisher.data, first.name)
    again, new = publisher.publish_folder()
    assert new
    assert again.digest == second.digest


def test_a_broken_change_names_file_and_line_and_publishes_nothing(tmp_path: Path) -> None:
    publisher = site(tmp_path)
    before = current(publisher.data)
    broken = approved(publisher, ("notice.md", NOTICE.replace("id: notice", "id: plan")))
    assert [problem.file for problem in publisher.problems(broken)] == ["plan.md"]
    for attempt in (publisher.try_out, lambda id_: publisher.publish_change(id_, "publisher")):
        with pytest.raises(KnowledgeError, match="repeats the document id plan"):
            attempt(broken)
    assert current(publisher.data) == before
    assert publisher.changes.get(broken).state == "approved"
    unread = approved(publisher, ("cards/new.yaml", "id: x\ntitle: [\n"))
    assert "line" in str(publisher.problems(unread)[0])


def test_what_was_published_meanwhile_is_a_conflict(tmp_path: Path) -> None:
    publisher = site(tmp_path)
    publish(publisher, ("notice.md", NOTICE))
    late = approved(publisher, ("notice.md", NOTICE.replace("12个", "40个")))
    publish(publisher, ("notice.md", NOTICE.replace("12个", "50个")))
    with pytest.raises(ConflictError) as caught:
        publisher.publish_change(late, "publisher")
    assert "40个" in caught.value.mine
    assert "50个" in caught.value.theirs
    assert "12个" in caught.value.base


def test_what_is_scheduled_is_published_in_its_time(tmp_path: Path) -> None:
    publisher = site(tmp_path)
    now = datetime.now(UTC)
    good, bad = approved(publisher, ("notice.md", NOTICE)), approved(publisher, ("b.md", "---\nid: plan\n---\n字。\n"))
    for id_ in (good, bad):
        publisher.changes.schedule(id_, "publisher", now + timedelta(hours=1))
    assert publisher.publish_due(now) == []
    assert [release.about.changes for release in publisher.publish_due(now + timedelta(hours=2))] == [(str(good),)]
    assert publisher.changes.get(good).state == "published"
    returned = publisher.changes.get(bad)
    assert returned.state == "returned"
    assert "repeats" in returned.events[-1].comment
    assert publisher.publish_due(now + timedelta(hours=2)) == []


def test_a_publishing_that_ended_before_it_was_noted(tmp_path: Path) -> None:
    publisher = site(tmp_path)
    id_ = approved(publisher, ("notice.md", NOTICE))
    publisher.changes.published, noted = lambda *_: None, publisher.changes.published  # type: ignore[method-assign,assignment,return-value]
    release = publisher.publish_change(id_, "publisher")
    assert publisher.changes.get(id_).state == "approved"
    publisher.changes.published = noted  # type: ignore[method-assign]
    publisher.mend()
    assert (publisher.changes.get(id_).state, publisher.changes.get(id_).release) == ("published", release.name)


async def test_trying_out_shows_words_figures_and_answers(tmp_path: Path) -> None:
    publisher = site(tmp_path)
    folder = publisher.settings.corpus_folder
    (folder / "questions.yaml").write_text(
        "- {question: 老年助餐点达到多少个？, document: plan, article: 1, contains: ['46']}\n"
        "- {question: 每千人口托位数达到多少？, document: plan, contains: ['5.5']}\n",
        encoding="utf-8",
    )
    publisher.publish_folder()
    before = current(publisher.data)
    plan = PLAN.format(validity="valid_from: 2024-03-01", orders="")
    id_ = approved(
        publisher,
        (
            "plan.md",
            plan.replace("46个", "48个").replace("、市商务委", "、市体育局").replace("2024-03-01", "2024-04-01"),
        ),
        ("notice.md", NOTICE),
        ("synonyms.yaml", "- [老年助餐, 饭堂]\n"),
    )
    trial = publisher.try_out(id_)
    assert current(publisher.data) == before
    found = {change.id: change for change in trial.difference.documents}
    assert set(found) == {"plan", "notice"}
    (changed,) = found["plan"].passages
    assert (changed.kind, changed.id) == ("changed", "plan#1.1")
    assert [(mark.kind, mark.text) for mark in changed.marks if mark.kind != "same"] == [
        ("removed", "46"),
        ("added", "48"),
    ]
    figures = {(figure.before, figure.after) for figure in found["plan"].figures}
    assert any(before.startswith("46个") and after.startswith("48个") for before, after in figures)
    assert found["plan"].departments_added == ("市体育局",)
    assert found["plan"].departments_removed == ("市商务委",)
    assert ("valid_from", "2024-03-01", "2024-04-01") in {(f.what, f.before, f.after) for f in found["plan"].fields}
    assert found["notice"].kind == "added"
    assert [(word.what, word.after) for word in trial.difference.words] == [("synonyms", "老年助餐 饭堂")]
    compared = {each.question: each for each in await publisher.answers(trial)}
    lost = compared["老年助餐点达到多少个？"]
    assert lost.before is not None
    assert "46" in lost.before.text
    assert "48" in lost.after.text
    assert (lost.verdict, lost.why) == ("worse", ("没有提到“46”",))
    assert compared["每千人口托位数达到多少？"].verdict == "same"


def test_nothing_is_left_on_the_disk_for_ever(tmp_path: Path) -> None:
    publisher = site(tmp_path, releases_kept=3)
    for number in range(8):
        publish(publisher, ("notice.md", NOTICE.replace("12个", f"{number + 20}个")))
        publisher.tidy()
    kept = releases(publisher.data)
    assert len(kept) == 3
    for release in kept:
        assert [p.text for p in release.shelf().of("notice") if p.kind == "sentence"]
        files = publisher.content.files(release.about.snapshot)
        assert all(publisher.content.get(digest) for digest in files.values())
    texts = [path.read_text("utf-8") for path in (publisher.data / "content" / "objects").rglob("*") if path.is_file()]
    assert len([text for text in texts if "理发点" in text]) == 3
    named = {s.name for r in kept for s in r.shelf().segments}
    assert {path.name for path in (publisher.data / "segments").iterdir()} == named


days = st.integers(-40, 40).map(lambda offset: DAY + timedelta(days=offset))
spans = st.tuples(st.none() | days, st.none() | days)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    return site(tmp_path_factory.mktemp("time"))


@given(notice=spans, canteen=spans, hotline=spans, day=days)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_nothing_is_answered_by_what_is_not_in_force(
    shared: Publisher,
    notice: tuple[date | None, date | None],
    canteen: tuple[date | None, date | None],
    hotline: tuple[date | None, date | None],
    day: date,
) -> None:
    """Neither an answer, its citations, a suggestion, a refusal's hotline, nor a structure's count."""

    def lines(span: tuple[date | None, date | None], indent: str) -> str:
        first, last = span
        if first and last and last < first:
            first, last = last, first
        return "".join(
            f"{indent}{name}: {value}\n" for name, value in (("valid_from", first), ("valid_until", last)) if value
        )

    text = NOTICE.replace("valid_from: 2026-01-01\nvalid_until: 2026-12-31\n", lines(notice, ""))
    cards = CARDS.replace("    sample: true\n", "    sample: true\n" + lines(canteen, "    "))
    cards = cards.replace("    owner: 热线\n", "    owner: 热线\n" + lines(hotline, "    "))
    publish(
        shared, ("notice.md", text + f"\n<!-- {day} {notice} {canteen} {hotline} -->\n"), ("cards/cards.yaml", cards)
    )
    open_ = library(shared, day)
    shelf = open_.knowledge().shelf
    assert shelf is not None
    every = {p.id: p for doc in ("plan", "notice", "hotlines") for p in shelf.of(doc)}
    strict = Assistant(open_.knowledge, engine="extractive", today=open_.today)
    refused = await ask(strict, "今天的股票涨了多少？")
    assert refused.refused
    assert (refused.hotline == "12345") == every["hotlines#12345"].valid_on(day)
    assert all(every[citation.passage_id].valid_on(day) for citation in refused.citations)
    assistant = talker(open_)
    questions = (
        *QUESTIONS,
        BARBER,
        "每周三有什么？",
        "示例社区食堂几点开门？",
        "家里着火了",
        "一共多少条？",
        "理发点要钱吗？",
    )
    for question in questions:
        answer = await ask(assistant, question)
        for citation in answer.citations:
            assert every[citation.passage_id].valid_on(day), (question, citation)
        if not every["hotlines#12345"].valid_on(day) and not answer.emergency:
            assert answer.hotline is None
        found = open_.knowledge().retriever.search(Question(text=question, resolved=question, asks_sample=True), day)
        assert all(candidate.passage.valid_on(day) for candidate in found.candidates)
    assert ("notice" in {d.id for d in assistant.documents()}) == every["notice#1.1"].valid_on(day)


def test_what_is_over_does_not_crowd_out_what_is_not(tmp_path: Path) -> None:
    """It is left out before anything is ranked: hundreds of nearer passages that are over cost nothing."""
    publisher = site(tmp_path)
    over = NOTICE.replace("valid_until: 2026-12-31", "valid_until: 2026-01-31").replace(
        "在社区设立理发点12个", "理发点有多少个"
    )
    many = [
        (f"old/{n}.md", over.replace("id: notice", f"id: old-{n}").replace("理发点有", f"第{n}处理发点有"))
        for n in range(250)
    ]
    publish(publisher, ("notice.md", NOTICE), *many)
    question = Question(text=BARBER, resolved=BARBER)
    retriever = library(publisher).knowledge().retriever
    assert "old-" in retriever.search(question, date(2026, 1, 15)).candidates[0].passage.id
    assert retriever.search(question, DAY).candidates[0].passage.id == "notice#1.1"
    assert all(c.passage.valid_on(DAY) for c in retriever.search(question, DAY).candidates)


async def test_an_open_release_notices_midnight(tmp_path: Path) -> None:
    publisher = site(tmp_path)
    publish(publisher, ("notice.md", NOTICE))
    today = date(2026, 12, 31)
    open_ = library(publisher)
    open_.today = lambda: today
    assistant = talker(open_)
    assistant._today = lambda: today
    assert "12" in (await ask(assistant, BARBER)).text
    today = date(2027, 1, 1)
    assert "notice" not in {c.passage_id.partition("#")[0] for c in (await ask(assistant, BARBER)).citations}
    assert assistant.passage("notice#1.1") is None


def test_the_day_is_the_sites_own() -> None:
    config = Settings(_env_file=None)  # type: ignore[call-arg]
    shanghai = (datetime.now(UTC) + timedelta(hours=8)).date()
    assert abs((config.today() - shanghai).days) == 0
    with pytest.raises(ValueError, match="no time zone"):
        Settings(_env_file=None, time_zone="Mars/Olympus")  # type: ignore[call-arg]


def test_owners_are_reminded_of_what_goes_stale(tmp_path: Path) -> None:
    publisher = site(tmp_path)
    cards = CARDS.replace("    sample: true\n", "    sample: true\n    valid_until: 2026-12-10\n")
    release = publish(publisher, ("notice.md", NOTICE), ("cards/cards.yaml", cards))
    shelf = release.shelf()
    assert [(r.owner, [d.title for d in r.entries]) for r in reminders(shelf, date(2026, 12, 1))] == [
        ("示例居委会", ["示例社区食堂"]),
        ("青山街道办事处", ["青山街道理发点通知"]),
    ]
    assert reminders(shelf, date(2026, 11, 9)) == []
    (soon,) = reminders(shelf, date(2026, 11, 10))
    assert (soon.owner, soon.entries[0].days) == ("示例居委会", 30)
    late = reminders(shelf, date(2027, 1, 5))
    assert [entry.days for reminder in late for entry in reminder.entries] == [-26, -5]
    found = calendar(shelf, date(2026, 1, 1), date(2026, 12, 31), DAY)
    assert [(day.when.isoformat(), day.what) for day in found] == [
        ("2026-01-01", "begins"),
        ("2026-12-10", "ends"),
        ("2026-12-31", "ends"),
    ]


def test_a_data_folder_of_another_version_keeps_what_staff_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = site(tmp_path)
    publish(publisher, ("notice.md", NOTICE))
    for module in ("release", "segments"):
        monkeypatch.setattr(f"knowledge.{module}.SCHEMA", 99)
    assert current(publisher.data) is None
    release, new = publisher.publish_folder()
    assert new
    assert "notice" in {d.id for d in release.shelf().documents}
    shutil.rmtree(publisher.settings.corpus_folder)
