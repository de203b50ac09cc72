"""Every target of the plan, and how others are read."""

import pytest

from knowledge.targets import find_targets

FIVE = "“十四五”期间"
GOLDEN = [
    ("1.2", "中心城基础保障类服务", 100, "%", "全覆盖", "2025年底", 2025),
    (
        "1.2",
        "卫生、养老、文化、体育等城镇社区公共服务设施15分钟步行可达覆盖率",
        85,
        "%",
        "左右",
        "2025年底",
        2025,
    ),
    ("2.1", "城乡社区综合服务设施覆盖率", 100, "%", "", "2025年", 2025),
    ("4.2", "“家门口的好去处”", 200, "个", "不少于", FIVE, 2025),
    ("5.1", "每年新增各类品牌首店", 800, "家", "以上", "2025年", 2025),
    ("5.1", "引领性本土品牌", 260, "个", "左右", "2025年", 2025),
    ("6.2", "体育公园", 20, "个", "不少于", FIVE, 2025),
    ("6.2", "各区体育公园", 1, "个", "至少", FIVE, 2025),
    ("6.3", "都市运动中心", 100, "%", "全覆盖", "2025年", 2025),
    ("7.2", "示范性“演艺新空间”", 100, "家", "", FIVE, 2025),
    ("8.4", "社区卫生服务中心社区康复中心", 100, "%", "全覆盖", "2025年", 2025),
    ("8.4", "每个区康复医院或200床规模以上综合医院康复病区", 1, "所", "至少", "2025年", 2025),
    ("10.2", "智慧养老院", 100, "个", "", "", None),
    ("10.2", "数字化社区养老服务场所", 1000, "个", "", "", None),
    ("10.4", "数字景区典型样板", 70, "家", "", "", None),
    ("11.1", "数字商圈商街", 15, "个", "左右", "2025年", 2025),
    ("12.2", "元宇宙示范应用", 50, "个", "以上", "2025年", 2025),
    ("14.1", "养老床位总数", 178000, "张", "", "2025年", 2025),
    ("14.1", "认知障碍照护床位", 15000, "张", "", "2025年", 2025),
    ("14.1", "有条件的区社区养老服务设施", 50, "平方米/千人", "不低于", "2025年", 2025),
    ("14.2", "老年认知障碍友好社区建设", 100, "%", "全覆盖", "2025年", 2025),
    ("15.1", "“一中心多站点”儿童友好社区服务网络", 100, "%", "全覆盖", "", None),
    ("15.2", "母婴设施", 100, "%", "全覆盖", "", None),
    ("15.4", "常住人口每千人拥有3岁以下婴幼儿托位数", 4.5, "个/千人", "", "2025年", 2025),
    ("16.2", "保障性租赁住房", 600000, "套(间)", "以上", "2025年", 2025),
    ("16.4", "重残养护床位", 7000, "张", "以上", "2025年", 2025),
    ("16.5", "区级未成年人救助保护机构、街镇未成年人保护工作站覆盖率", 100, "%", "", "", None),
]


def test_every_target_of_the_plan(plan):
    found = [
        (key, t.subject, t.quantity, t.unit, t.qualifier, t.deadline, t.deadline_year)
        for key, passage in plan.items()
        for t in passage.targets
    ]
    assert found == GOLDEN


def test_a_target_quotes_its_sentence(plan):
    for passage in plan.values():
        assert all(target.text and target.text in passage.text for target in passage.targets)


def test_a_deadline_holds_for_what_follows_only():
    before, after, later = find_targets("建设公园30个,到2025年,建设书房20个,到2030年,建设书房50个。")
    assert (before.deadline, before.deadline_year) == ("", None)
    assert (after.deadline, after.deadline_year) == ("2025年", 2025)
    assert (later.quantity, later.deadline_year) == (50, 2030)


@pytest.mark.parametrize(
    ("text", "deadline", "year"),
    [
        ("2026年底前,新增书房20个。", "2026年底前", 2026),
        ("2026年前,新增书房20个。", "2026年前", 2025),
        ("到2027年新增书房20个。", "2027年", 2027),
        ("“十五五”期间,新增书房20个。", "“十五五”期间", 2030),
        ("2023-2025年,新增书房20个。", "2025年", 2025),
    ],
)
def test_deadlines(text, deadline, year):
    (target,) = find_targets(text)
    assert (target.deadline, target.deadline_year) == (deadline, year)


@pytest.mark.parametrize(
    "text",
    [
        "推进15分钟生活圈建设。",
        "为3岁以下婴幼儿提供服务。",
        "支持200床规模以上医院发展。",
        "在全市16个区开展试点。",
        "推进“一中心多站点”服务网络。",
        "打造一批网络新消费品牌。",
        "图书室有2间阅览室。",
        "建设工作于2022年完成。",
        "请在3个月内完成办理。",
    ],
)
def test_numbers_that_are_no_targets(text):
    assert find_targets(text) == ()


@pytest.mark.parametrize(
    ("text", "quantity", "unit", "qualifier"),
    [
        ("新增床位1,200张。", 1200, "张", ""),
        ("建成绿道1.2万公里以上。", 12000, "公里", "以上"),
        ("老人占比不超过20%。", 20, "%", "不超过"),
        ("各街镇至少建设两个书房。", 2, "个", "至少"),
    ],
)
def test_quantities(text, quantity, unit, qualifier):
    (target,) = find_targets(text)
    assert (target.quantity, target.unit, target.qualifier) == (quantity, unit, qualifier)
