"""Files in any encoding that spreadsheets write."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.delivery.lists.encodings import decode_text
from broadsheet.delivery.lists.reading import (
    open_list,
)
from broadsheet.errors import ConsentError, UsageError
from newsroom import Newsroom
from subscriber_lists import entries, import_file

NAMES = {
    "gb18030": ("邮箱,姓名,状态", ["张伟", "王芳", "李娜", "刘强", "陈静", "杨洋"], "已退订"),
    "gbk": ("邮箱,姓名,状态", ["赵敏", "黄磊", "周杰", "吴秀英", "徐丽", "孙涛"], "已退订"),
    "big5": ("電子郵件,姓名,狀態", ["陳美玲", "林志豪", "黃淑芬", "張家豪", "李雅婷"], "已退訂"),
    "cp932": ("メール,名前,status", ["佐藤", "鈴木", "高橋", "さくら", "タナカ"], "配信停止"),
    "cp949": ("이메일,이름,상태", ["김민수", "이영희", "박지훈", "최수진", "정우성"], "수신거부"),
    "cp1252": ("E-Mail,Name,Status", ["José", "Zoé", "Müller", "Noël", "Jürgen"], "gekündigt"),
    "utf-8": ("邮箱,姓名,状态", ["张伟", "José", "さくら"], "已退订"),
    "utf-8-sig": ("邮箱,姓名,状态", ["张伟", "José", "さくら"], "已退订"),
    "utf-16": ("邮箱,姓名,状态", ["张伟", "José", "さくら"], "已退订"),
    "utf-16-le": ("邮箱,姓名,状态", ["张伟", "José", "さくら"], "已退订"),
    "utf-16-be": ("邮箱,姓名,状态", ["张伟", "José", "さくら"], "已退订"),
}


@pytest.mark.parametrize("encoding", NAMES)
@pytest.mark.parametrize("delimiter", ",;\t")
@pytest.mark.parametrize("many", [1, 3, 60])
def test_a_file_in_any_encoding_of_a_spreadsheet_is_read(
    encoding: str, delimiter: str, many: int
) -> None:
    """Names, headings and states are decoded correctly."""
    headings, names, out = NAMES[encoding]
    lines = [headings, f"out@x.org,{names[0]},{out}"]
    lines += [f"r{i}@x.org,{names[i % len(names)]},active" for i in range(many)]
    text = "\r\n".join(lines).replace(",", delimiter)
    found = entries(open_list(text.encode(encoding), "x"))
    assert [line.preferences["name"] for line in found][:2] == [names[0], names[0]]
    assert [line.status for line in found][:2] == ["unsubscribed", "active"]
    assert len(found) == many + 1


def test_the_encoding_can_be_named(desk: Newsroom) -> None:
    """For the few that cannot be distinguished; a guess is reported."""
    data = "email,name\na@x.org,Łukasz\n".encode("cp1250")
    assert import_file(desk, data, "--encoding", "cp1250").code == 0
    assert json.loads(desk.run("subscribers", "list", "--json").out)[0]["name"] == "Łukasz"
    ran = import_file(desk, "邮箱,姓名\nb@x.org,张伟\n".encode("gbk"))
    assert "read as gb18030; if names look wrong, add --encoding" in ran.out


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    """No file, however broken, causes a traceback."""
    decode_text(data, "x")
    with suppress(ConsentError, UsageError):
        list(open_list(data, "x").subscribers())
