"""The whole plan, golden: structure, sentences, departments, facts."""

from datetime import date

import pytest

from assistant.contracts import FactKind

SENTENCES = [2, 2, 3, 2, 3, 4, 5, 5, 3, 5, 3, 4, 4, 4, 5, 5, 6, 5, 3, 4, 4, 3, 2, 4, 5, 3]
CHAPTERS = {
    "一、全面提升社区生活服务便捷度": range(1, 4),
    "二、多渠道增加品质生活服务新供给": range(4, 10),
    "三、创新打造智慧低碳生活服务新赛道": range(10, 14),
    "四、积极构建全龄友好生活新生态": range(14, 17),
    "五、努力营造生活性服务业发展良好环境": range(17, 27),
}


def test_it_loads_without_problems(loaded):
    assert [str(problem) for problem in loaded.problems] == []


def test_document(loaded):
    document = next(d for d in loaded.corpus.documents if d.id == "plan-2022-23")
    assert document.kind == "policy"
    assert document.number == "沪府办发〔2022〕23号"
    assert document.issuer == "上海市人民政府办公厅"
    assert document.issued == document.valid_from == date(2022, 12, 2)
    assert document.valid_until is None
    assert (document.chapters, document.articles) == (5, 26)


def test_chapters_and_articles(plan):
    assert [plan[f"chapter-{n}"].text for n in range(1, 6)] == list(CHAPTERS)
    for chapter, numbers in CHAPTERS.items():
        for number in numbers:
            assert plan[str(number)].path[1] == chapter
            assert plan[str(number)].article == number
    assert plan["14"].path[2] == "(十四)构建老年友好型社会"


def test_sentences(plan):
    found = [sum(p.kind == "sentence" and p.article == n for p in plan.values()) for n in range(1, 27)]
    assert found == SENTENCES
    assert len(plan) == 5 + 7 + 26 * 2 + sum(SENTENCES)


def test_an_article_is_one_paragraph_as_published(plan):
    published = (plan["14"], [plan[f"14.{n}"].text for n in range(1, 5)], plan["14.department"].text)
    article, sentences, responsible = published
    assert article.text == "(十四)构建老年友好型社会。" + "".join(sentences) + responsible


def test_every_text_stands_in_the_source(plan):
    from knowledge.scrape import clean_source

    from .conftest import SOURCE

    source = clean_source(SOURCE.read_text("utf-8")).text
    for passage in plan.values():
        assert passage.text in source, passage.id


@pytest.mark.parametrize(
    ("article", "departments"),
    [
        (5, ("市商务委",)),
        (4, ("市委宣传部", "市文化旅游局", "市发展改革委", "相关区政府")),
        (20, ("市发展改革委", "市商务委", "市财政局", "市税务局", "上海银保监局", "人民银行上海总部")),
        (22, ("市经济信息化委", "市大数据中心", "各行业主管部门")),
        (26, ("市统计局", "市发展改革委", "各行业主管部门", "各区政府")),
    ],
)
def test_departments(plan, article, departments):
    field = plan[f"{article}.department"]
    assert (field.kind, field.field, field.parent) == ("field", "department", f"plan-2022-23#{article}")
    assert field.departments == plan[str(article)].departments == plan[f"{article}.1"].departments == departments
    assert field.text.startswith("(责任部门")
    assert field.text.endswith(f"{departments[-1]})")


def test_every_article_names_departments(plan):
    assert all(plan[str(number)].departments for number in range(1, 27))


def test_around_the_articles(plan):
    texts = [plan[f"about-{n}"].text for n in range(1, 8)]
    assert texts[1] == "沪府办发〔2022〕23号"
    assert texts[3].endswith("已经市政府同意,现转发给你们,请认真按照执行。")
    assert texts[4] == "上海市人民政府办公厅\n2022年12月2日"
    assert texts[5].endswith("制订本行动方案。")
    assert texts[6] == "上海市发展和改革委员会\n2022年11月22日"
    assert not any("2022年11月22日" in plan[key].text for key in ("26", "26.3"))


def test_fact_kinds(plan):
    assert {FactKind.QUANTITY, FactKind.DATE} <= set(plan["14.1"].fact_kinds)
    assert FactKind.QUANTITY in plan["6.3"].fact_kinds
    assert FactKind.PRICE not in plan["21.3"].fact_kinds  # a subsidy without an amount
    assert FactKind.DATE not in plan["16.5"].fact_kinds
    for kind in (FactKind.PHONE, FactKind.HOURS, FactKind.ADDRESS, FactKind.PROCEDURE, FactKind.ELIGIBILITY):
        assert not [p.id for p in plan.values() if kind in p.fact_kinds], kind


def test_nothing_in_the_plan_gives_orders(loaded):
    assert not [p.id for p in loaded.corpus.passages if p.gives_orders]


def test_every_sentence_can_be_asked_for_and_is_translated(plan):
    sentences = [p for p in plan.values() if p.kind == "sentence"]
    assert all(len(p.phrasings) >= 10 for p in sentences)
    assert all(p.english for p in sentences)
