"""Names of departments, as written and as asked."""

import pytest

from assistant.errors import KnowledgeError
from knowledge.departments import aliases, english_names, name_problems, parse_departments

from .conftest import CORPUS


@pytest.fixture(scope="module")
def names(loaded):
    return {name for p in loaded.corpus.passages for name in p.departments}


def test_lists_are_kept_as_written():
    assert parse_departments("市民政局、相关区政府, 各行业主管部门") == (
        "市民政局",
        "相关区政府",
        "各行业主管部门",
    )


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("民政局", "市民政局"),
        ("发改委", "市发展改革委"),
        ("卫健委", "市卫生健康委"),
        ("住建委", "市住房城乡建设管理委"),
        ("房管局", "市房屋管理局"),
        ("经信委", "市经济信息化委"),
        ("文旅局", "市文化旅游局"),
        ("人社局", "市人力资源社会保障局"),
        ("规资局", "市规划资源局"),
        ("市场监管局", "市市场监管局"),
        ("绿化市容局", "市绿化市容局"),
        ("医保局", "市医保局"),
        ("教委", "市教委"),
        ("体育局", "市体育局"),
        ("妇儿工委", "市妇儿工委办"),
        ("市民政局", "市民政局"),
        ("各区政府", "各区政府"),
    ],
)
def test_aliases(names, asked, name):
    assert aliases(names, CORPUS)[asked] == name


def test_every_department_of_the_plan_has_an_english_name(names):
    assert names - set(english_names(CORPUS)) == set()


def test_departments_that_no_document_names_have_no_alias():
    assert aliases({"市教委"}, CORPUS).keys() >= {"市教委", "教委", "教育局"}
    assert "发改委" not in aliases({"市教委"}, CORPUS)


def test_problems():
    assert name_problems({"甲局": ["乙"], "丙局": ["乙"]}) == ["gives the name 乙 to both 甲局 and 丙局."]
    assert name_problems({"甲局": "乙"}) == ["gives 甲局 something else than a list of names."]
    assert name_problems(["甲局"])


def test_a_broken_file_is_an_error(tmp_path):
    (tmp_path / "departments.yaml").write_text("甲: [", "utf-8")
    with pytest.raises(KnowledgeError, match=r"departments\.yaml"):
        aliases({"甲"}, tmp_path)
