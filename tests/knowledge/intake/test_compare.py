"""Duplicates of what is published, and the same fact with another figure."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from assistant.contracts import Document, FactKind, Passage
from knowledge.cards import Card, card_passages
from knowledge.intake.values import Intake
from knowledge.load import load_corpus
from knowledge.passages import document_passages
from tests.knowledge.conftest import CORPUS

Read = Callable[..., Intake]

# What a file says, and what is published.
DIFFER = [
    ("老年人午餐每份12元。", "老年人午餐每份10元。"),
    ("65周岁以上老年人可以享受午餐补贴，每餐补贴3元。", "年满65周岁的老年人享受午餐补贴，每餐补贴2元。"),
    ("社区食堂每天10:30到13:00供应午餐。", "社区食堂每天11:00到13:00供应午餐。"),
    ("材料齐全的，5个工作日内办结。", "材料齐全的，十个工作日内办结。"),
    ("社区食堂的咨询电话是62340000。", "社区食堂咨询电话：62340001。"),
    ("申请截止日期为2026年6月30日。", "申请截止日期为2026年5月31日。"),
    ("到2025年，养老床位总数达到18万张。", "到2025年，养老床位总数达到17.8万张。"),
    ("托育点收2到3岁的幼儿。", "托育点收1到3岁的幼儿。"),
    ("活动室每周一至周五9:00到17:00开放。", "活动室周一到周五8:30至16:30开放。"),
    ("每户补贴不超过5000元。", "每户补贴最高3000元。"),
    ("加装电梯补贴为施工金额的40%，最高28万元。", "加装电梯补贴为施工金额的40%，最高24万元。"),
    ("示例社区食堂午餐价格一份12元。", "示例社区食堂的收费：午餐一份10元。"),
    ("家庭医生签约服务每人每年120元。", "家庭医生签约服务费为每人每年130元。"),
    ("垃圾投放时间为早上6:00到9:00、晚上6:00到8:00。", "垃圾投放时间为7:00至9:00、18:00至20:00。"),
    ("每个街镇至少设置1处认知障碍照护点。", "每个街镇至少设置两处认知障碍照护点。"),
    ("办理时请携带身份证和2张一寸照片。", "办理时请携带身份证和1张一寸照片。"),
    ("居家养老服务每月最多40小时。", "居家养老服务每月最多30小时。"),
    ("受理中心工作日中午不休息，9:00至16:30受理。", "受理中心工作日9:00至17:00受理。"),
    ("长护险评估费每人200元，个人承担20%。", "长护险评估费每人200元，个人承担10%。"),
    ("报名从9月1日开始，9月30日结束。", "报名从9月1日开始，9月20日结束。"),
    ("养老服务咨询请拨打62340000。", "养老服务咨询请拨打62340005。"),
    ("全街道共有12个居委会。", "全街道共有15个居委会。"),
    ("图书馆每人最多借5本书，期限30天。", "图书馆每人最多可借8本书，期限30天。"),
    ("低保标准为每人每月1595元。", "低保标准为每人每月1510元。"),
    ("到2026年底，建成社区食堂15家。", "到2026年底，社区食堂达到20家。"),
    ("健身点早上6:00开门，晚上21:00关门。", "健身点早上5:30开门，晚上21:00关门。"),
    ("志愿者每服务1小时积10分。", "志愿者每服务1小时积20分。"),
    ("第一批在2025年6月启动，第二批在2025年9月启动。", "第一批在2025年5月启动，第二批在2025年9月启动。"),
]
AGREE = [
    ("社区食堂上午10点半到下午1点供应午餐。", "社区食堂每天10:30到13:00供应午餐。"),
    ("材料齐全的，五个工作日内办结。", "材料齐全的，5个工作日内办结。"),
    ("社区食堂的咨询电话是021-62340000。", "社区食堂咨询电话：62340000。"),
    ("高龄津贴标准为70到79岁每月180元。", "高龄津贴标准：70到79岁每月180元。"),
    ("70-74岁每月180元。", "75-79岁每月200元。"),
    ("到2025年，养老床位总数达到17.8万张。", "到2030年，养老床位总数达到20万张。"),
    ("到2025年，养老床位总数达到178000张。", "到2025年，养老床位总数达到17.8万张。"),
    ("各区至少建成1个体育公园。", "各区至少建成2个儿童公园。"),
    ("新建体育公园20个。", "新建足球场30个。"),
    ("居住证办理需要3个工作日。", "老年卡办理需要5个工作日。"),
    ("第一食堂每份12元。", "第二食堂每份15元。"),
    ("活动室每周一至周五9:00到17:00开放。", "图书室每周一至周五8:30到16:30开放。"),
    ("垃圾投放时间为早上7:00到9:00、晚上6:00到8:00。", "垃圾投放时间为7:00至9:00、18:00至20:00。"),
    ("长护险评估费每人200元。", "长护险服务费每小时65元。"),
    ("养老服务咨询请拨打62340000。", "托育服务咨询请拨打62340001。"),
    ("全街道共有12个居委会。", "全街道共有15家社区食堂。"),
    ("最低工资标准为每月2690元。", "低保标准为每人每月1510元。"),
    ("停车费每月300元。", "物业费每月300元。"),
    ("停车费每月300元。", "物业费每月200元。"),
    ("本次补贴发放给120户家庭。", "本次活动邀请了80户家庭。"),
]


def known(text: str, id_: str = "published") -> tuple[Passage, ...]:
    return tuple(document_passages(Document(id=id_, title="已发布的文件"), text + "\n")[0])


@pytest.mark.parametrize(("mine", "published"), DIFFER)
def test_another_figure_of_the_same_fact_is_a_contradiction(read: Read, mine: str, published: str) -> None:
    found = read(mine, published=known(published)).contradictions
    assert len(found) == 1
    assert found[0].value != found[0].published_value
    assert (found[0].text, found[0].published_text) == (mine, published)


@pytest.mark.parametrize(("mine", "published"), AGREE)
def test_other_facts_and_equal_figures_are_none(read: Read, mine: str, published: str) -> None:
    assert read(mine, published=known(published)).contradictions == ()


def test_kinds_and_values_are_named(read: Read) -> None:
    published = known("社区食堂咨询电话：62340001。\n\n老年人午餐每份10元。\n\n社区食堂每天11:00到13:00供应午餐。")
    mine = "社区食堂的咨询电话是62340000。\n\n老年人午餐每份12元。\n\n社区食堂每天10:30到13:00供应午餐。\n"
    found = read(mine, published=published).contradictions
    assert [(c.kind, c.value, c.published_value) for c in found] == [
        (FactKind.PHONE, "62340000", "62340001"),
        (FactKind.PRICE, "12元", "10元"),
        (FactKind.HOURS, "10:30、13:00", "11:00、13:00"),
    ]


def service(id_: str, name: str, phone: str, where: str) -> list[Passage]:
    card = Card(id=id_, name=name, what="供应老年人午餐", phone=phone, where=where, owner="甲", source="乙")
    return list(card_passages(Document(id="services", title="服务", kind="cards"), card))


def test_cards_are_compared_by_service_and_field(read: Read) -> None:
    published = tuple(
        service("a", "第一社区食堂", "62340001", "一楼") + service("b", "第二社区食堂", "62340002", "二楼")
    )
    table = "名称,做什么,电话,地址,负责单位,来源\n第一社区食堂,供应老年人午餐,62340009,一楼,甲,乙\n第三社区食堂,供应老年人午餐,62340003,三楼,甲,乙\n"
    intake = read(table, "a.csv", published=published)
    assert [(c.kind, c.published) for c in intake.contradictions] == [(FactKind.PHONE, "services#a.phone")]
    assert [d.published for d in intake.duplicates] == ["services#a.where"]
    said = read("第一社区食堂的电话是62340008。\n", published=published).contradictions
    assert [(c.value, c.published) for c in said] == [("62340008", "services#a.phone")]


def test_the_plan_taken_in_again_contradicts_nothing(read: Read) -> None:
    corpus = load_corpus(CORPUS).corpus
    text = (CORPUS / "plan" / "plan.md").read_text(encoding="utf-8")
    intake = read(text, "plan.md", published=corpus.passages)
    assert intake.contradictions == ()
    (overlap,) = intake.overlaps
    assert overlap.share == 1.0
    assert overlap.same_document
    changed = text.replace("17.8万张", "19.2万张").replace("50个以上垂直", "60个以上垂直")
    again = read(changed, "plan.md", published=corpus.passages)
    assert {(c.value, c.published_value) for c in again.contradictions} == {("19.2万张", "17.8万张"), ("60个", "50个")}


def test_a_figure_that_changes_in_the_plan_is_noticed(read: Read) -> None:
    """The last figure of every tenth typed target, changed alone: noticed, and nothing else with it."""
    corpus = load_corpus(CORPUS).corpus
    text = (CORPUS / "plan" / "plan.md").read_text(encoding="utf-8")
    stated = [p for p in corpus.passages if p.kind == "sentence" and any(t.qualifier != "全覆盖" for t in p.targets)]
    assert len(stated) >= 15
    for sentence in stated[::3]:
        clause = next(t for t in sentence.targets if t.qualifier != "全覆盖").text
        number = re.findall(r"\d[\d.]*(?=[^\d年.])", clause)[-1]
        at = sentence.text.index(clause) + clause.rindex(number)
        changed = f"{sentence.text[:at]}9{sentence.text[at:]}"
        intake = read(text.replace(sentence.text, changed), "plan.md", published=corpus.passages)
        assert {c.published for c in intake.contradictions} == {sentence.id}, changed


def test_near_duplicates_have_a_likeness(read: Read) -> None:
    published = known("社区食堂面向全体老年居民开放，欢迎大家前来用餐。")
    exact = read("社区食堂面向全体老年居民开放,欢迎大家前来用餐。\n", published=published).duplicates
    near = read("社区食堂面向全体老年居民开放，欢迎各位前来用餐。\n", published=published).duplicates
    assert exact[0].similarity == 1.0
    assert near == () or 0.85 <= near[0].similarity < 1
    longer = known("社区食堂面向全体老年居民开放，欢迎大家带好敬老卡前来用餐，也欢迎志愿者来帮忙送餐。")
    near = read(
        "社区食堂面向全体老年居民开放，欢迎各位带好敬老卡前来用餐，也欢迎志愿者来帮忙送餐。\n", published=longer
    ).duplicates
    assert 0.85 <= near[0].similarity < 1


def test_departments_of_what_is_published_are_known(read: Read) -> None:
    published = known("一、总则\n\n(一)食堂。由街道办好食堂。(责任部门:市民政局)\n")
    intake = read("请向市民政局和示例区教育局咨询。\n", published=published)
    assert {found.name: found.known for found in intake.departments} == {"市民政局": True, "示例区教育局": False}
