"""What staff read: names of roles and actions, and why something can't be done."""

from __future__ import annotations

import json
from typing import Any

from assistant.errors import StaffError
from assistant.staff.values import Role

ROLES = {
    Role.EDITOR: "编辑",
    Role.REVIEWER: "审核",
    Role.PUBLISHER: "发布",
    Role.ADMINISTRATOR: "管理员",
}
ROLES_ABOUT = {
    Role.EDITOR: "起草内容，接听来电",
    Role.REVIEWER: "除了编辑的工作，还能审核别人的草稿",
    Role.PUBLISHER: "除了审核的工作，还能发布和退回版本",
    Role.ADMINISTRATOR: "什么都能做，还能管理账号、查看操作记录、备份",
}
ACTIONS = {
    "login": "登录",
    "login.failed": "登录失败",
    "login.locked": "多次失败后锁定",
    "login.provider": "用单位账号登录",
    "logout": "退出",
    "password.set": "设置密码",
    "password.change": "修改密码",
    "session.revoke": "让设备退出登录",
    "account.add": "新增账号",
    "account.edit": "修改账号",
    "account.reset": "重设密码",
    "account.unlock": "解除锁定",
    "account.roles": "按单位账号更新角色",
    "approval.given": "同意",
    "approval.refused": "没有同意：不能审核自己的修改",
    "audit.export": "导出操作记录",
}
# Fields and targets of the audit log; other modules add theirs to the frame.
FIELDS = {
    "display": "姓名",
    "roles": "角色",
    "disabled": "停用",
    "authors": "谁写的（账号编号）",
    "four_eyes": "要两个人",
    "who": "谁",
    "action": "操作",
    "target": "对象",
    "since": "从哪天",
    "until": "到哪天",
    "address": "地址",
    "account": "账号",
}
SYSTEMS = (("iPhone", "苹果手机"), ("iPad", "苹果平板"), ("Android", "安卓设备"), ("HarmonyOS", "鸿蒙设备"),
           ("Windows", "Windows 电脑"), ("Mac OS", "苹果电脑"), ("Linux", "Linux 电脑"))  # fmt: skip
BROWSERS = (("MicroMessenger", "微信"), ("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"),
            ("Safari", "Safari"))  # fmt: skip
STATUS = {
    "login": 401,
    "locked": 429,
    "code": 401,
    "four-eyes": 403,
    "stale": 409,
    "no-account": 404,
    "no-session": 401,
    "provider-away": 502,
    "provider": 403,
    "provider-groups": 403,
    "account-disabled": 403,
    "database": 500,
}
REASONS = {
    "database": ("账号数据打不开。", "请告诉管理员检查磁盘空间和文件权限。"),
    "password-short": ("密码太短了。", "至少要 {shortest} 个字。几个不相干的词连在一起，好记又安全。"),
    "password-long": ("密码太长了。", "最多 {longest} 个字。"),
    "password-common": ("这个密码容易被猜到。", "不要用常见密码、名字、日期、电话号码或重复的字，再加一两个词就好。"),
    "locked": ("试错的次数太多，暂时不能登录。", "请过 {minutes} 分钟再试，或者请管理员解除锁定。"),
    "login": ("名字或密码不对。", "请再试一次；忘了密码，请管理员重设。"),
    "code": ("名字或一次性代码不对，或者代码已经过期。", "请核对一遍，或者请管理员再给一个新的代码。"),
    "old-password": ("原来的密码不对。", "请再输入一次。"),
    "no-session": ("登录已经过期。", "请重新登录。"),
    "from-provider": ("这个账号用单位账号登录。", "密码请到单位的系统里修改。"),
    "no-account": ("没有这个账号。", "请回到账号列表看一看。"),
    "name": ("这个登录名不能用。", "请用 2 到 32 个字母、汉字或数字，中间不要有空格。"),
    "name-taken": ("已经有人用了这个登录名。", "请换一个。"),
    "display": ("姓名没有填，或者太长了。", "请填 1 到 {longest} 个字。"),
    "no-role": ("还没有选角色。", "请至少选一个角色。"),
    "disabled": ("这个账号已经停用。", "请先启用，再重设密码。"),
    "last-administrator": (
        "这是最后一位管理员，不能停用，也不能去掉管理员角色。",
        "请先让另一位同事当管理员，并设好密码。",
    ),
    "own-account": ("不能在这里停用自己，或给自己重设密码。", "密码请在“我的账号”里修改；其他请另一位管理员来做。"),
    "stale": ("别人刚刚改过这个账号。", "请看一看现在的内容，再改一次。"),
    "four-eyes": ("自己的修改要请别人来审核。", "请让另一位同事同意。"),
    "provider-away": ("单位账号系统现在连不上。", "请稍后再试，或者用这里的名字和密码登录。"),
    "provider": ("单位账号没有登录成功。", "请再试一次；还是不行，请管理员检查设置。"),
    "provider-groups": ("您的单位账号没有工作台的权限。", "请管理员把您加到相应的组里。"),
    "account-disabled": ("您的账号已经停用。", "请联系管理员。"),
}


def explained(error: StaffError) -> tuple[str, str]:
    """Message and hint in Chinese."""
    message, hint = REASONS[error.reason]
    return message.format(**error.details), hint.format(**error.details)


def device_name(agent: str) -> str:
    """A browser's description of itself in few words."""
    system = next((name for mark, name in SYSTEMS if mark in agent), "未知设备")
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    return f"{system} · {browser}" if browser else system


def value_text(value: Any) -> str:
    """A value of the audit log as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(map(value_text, value))
    if isinstance(value, str):
        return str(ROLES.get(Role(value), value)) if value in set(Role) else value
    return json.dumps(value, ensure_ascii=False)


def target_text(fields: dict[str, str], target: str) -> str:
    """``account:wang#1`` as 账号 wang#1."""
    kind, colon, name = target.partition(":")
    return f"{fields[kind]} {name}" if colon and kind in fields else target


def action_name(actions: dict[str, str], action: str) -> str:
    """An action in Chinese, or its own name."""
    return actions.get(action, action)
