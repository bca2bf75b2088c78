from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.engine.errors import RecordRejected, SettingsError
from include.pipelines.xml.document.encoding import Utf8
from include.pipelines.xml.document.parser import DocumentParser, ParseLimits

PLAIN = DocumentParser(ParseLimits())

BOMB = """<!DOCTYPE b [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">
<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]><b>&d;</b>"""


def nested(levels: int) -> str:
    return "<a>" * levels + "</a>" * levels


HOSTILE: list[tuple[str, str | bytes | None, str]] = [
    ("null", None, "xml.empty"),
    ("empty text", "", "xml.empty"),
    ("empty bytes", b"", "xml.empty"),
    ("white space", " \n\t", "xml.empty"),
    ("a byte order mark alone", b"\xef\xbb\xbf", "xml.empty"),
    ("internal DOCTYPE", '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', "xml.doctype"),
    ("external DOCTYPE", '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "xml.doctype"),
    ("public DOCTYPE", '<!DOCTYPE a PUBLIC "-//X" "http://127.0.0.1:9/x.dtd"><a/>', "xml.doctype"),
    ("DOCTYPE alone", "<!DOCTYPE a><a/>", "xml.doctype"),
    ("DOCTYPE after comments", '<?xml version="1.0"?><!-- <a> --> <?pi x?>\n<!DOCTYPE a><a/>', "xml.doctype"),
    ("DOCTYPE in UTF-16", '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><a/>'.encode("utf-16"), "xml.doctype"),
    ("DOCTYPE in UTF-16 without a mark", "<!DOCTYPE a><a/>".encode("utf-16-be"), "xml.doctype"),
    ("DOCTYPE in UTF-32", "<!DOCTYPE a><a/>".encode("utf-32"), "xml.doctype"),
    ("entity bomb", BOMB, "xml.doctype"),
    ("parameter entity", '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/">%p;]><a/>', "xml.doctype"),
    ("DOCTYPE in UTF-7", b'<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-DOCTYPE a><a/>', "xml.encoding"),
    ("a codec that is no character set", b'<?xml version="1.0" encoding="rot13"?><n/>', "xml.encoding"),
    ("an unknown encoding", b'<?xml version="1.0" encoding="klingon"?><a/>', "xml.encoding"),
    ("cp1252 under utf-8", '<?xml version="1.0" encoding="utf-8"?><a>\u00e9</a>'.encode("cp1252"), "xml.encoding"),
    ("cp1252 under nothing", "<a>\u00e9</a>".encode("cp1252"), "xml.encoding"),
    ("half a surrogate pair", "<a>\ud800</a>", "xml.encoding"),
    ("odd UTF-16", "<a/>".encode("utf-16") + b"x", "xml.encoding"),
    ("undeclared entity", "<a>&nbsp;</a>", "xml.not_well_formed"),
    ("truncated", "<a><b>x</b>", "xml.not_well_formed"),
    ("truncated in a tag", "<a><b att", "xml.not_well_formed"),
    ("not XML", '{"a": 1}', "xml.not_well_formed"),
    ("two roots", "<a/><b/>", "xml.not_well_formed"),
    ("mismatched tags", "<a><b></a></b>", "xml.not_well_formed"),
    ("NUL", "<a>x\0y</a>", "xml.not_well_formed"),
    ("NUL bytes", b"<a>x\0y</a>", "xml.not_well_formed"),
    ("NUL by reference", "<a>&#0;</a>", "xml.not_well_formed"),
    ("control character", "<a>\x01</a>", "xml.not_well_formed"),
    ("attribute twice", '<a b="1" b="2"/>', "xml.not_well_formed"),
    ("undeclared prefix", "<a><p:b/></a>", "xml.not_well_formed"),
    ("deep", nested(257), "xml.too_deep"),
    ("very deep", nested(500_000), "xml.too_deep"),
    ("more elements than bytes let expect", f"<a>{'<b/>' * 4_000_000}</a>", "xml.too_large"),
    ("huge name", f"<{'x' * 60_000}/>", "xml.too_large"),
]


@pytest.mark.parametrize(("document", "code"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_a_hostile_document_is_a_reject_with_its_class(document: str | bytes | None, code: str) -> None:
    with pytest.raises(RecordRejected) as raised:
        PLAIN.parse(document)
    assert raised.value.code == code
    # The thread's parser is clean for the next document.
    assert PLAIN.parse("<a>next</a>").text == "next"


XML_DECLARED = '<?xml version="1.0" encoding="{}"?>'


@pytest.mark.parametrize(
    "document",
    [
        "<a>\u00e9</a>",
        "\ufeff<a>\u00e9</a>",
        " \n<?xml version='1.0'?><a>\u00e9</a>",
        XML_DECLARED.format("utf-16") + "<a>\u00e9</a>",
        XML_DECLARED.format("klingon") + "<a>\u00e9</a>",
        "<a>\u00e9</a>".encode(),
        b"\xef\xbb\xbf" + (XML_DECLARED.format("iso-8859-1") + "<a>\u00e9</a>").encode(),
        (XML_DECLARED.format("utf-16") + "<a>\u00e9</a>").encode(),
        (XML_DECLARED.format("utf-8") + "<a>\u00e9</a>").encode("utf-16"),
        (XML_DECLARED.format("utf-8") + "<a>\u00e9</a>").encode("utf-16-le"),
        (XML_DECLARED.format("utf-16") + "<a>\u00e9</a>").encode("utf-32"),
        (XML_DECLARED.format("ISO-8859-1") + "<a>\u00e9</a>").encode("latin-1"),
        (XML_DECLARED.format("Windows-1252") + "<a>\u00e9</a>").encode("cp1252"),
        "<!-- <!DOCTYPE x> --><a>\u00e9</a>",
        "<?xml version='1.1'?><a>\u00e9</a>",
        "<a>\u00e9</a>\n<!-- end -->\n",
    ],
)
def test_what_the_bytes_are_decides_whatever_is_declared(document: str | bytes) -> None:
    assert PLAIN.parse(document).text == "\u00e9"


@pytest.mark.parametrize("mark", ["", "\ufeff", " \n"])
@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "ascii", "no-such-encoding"])
def test_of_text_that_a_driver_has_decoded_the_declaration_is_history(mark: str, encoding: str) -> None:
    text = f"{mark}{XML_DECLARED.format(encoding)}<a>\u00e9</a>\n"
    assert PLAIN.parse(text).text == "\u00e9"
    assert PLAIN.parse(Utf8.of(text)).text == "\u00e9"


def test_text_with_half_of_a_surrogate_pair_is_a_reject() -> None:
    with pytest.raises(RecordRejected, match=r"xml\.encoding"):
        PLAIN.parse(Utf8.of("<a>\ud800</a>"))


NOT_UTF8 = [
    b"\xff", b"\x80", b"\xc3", b"\xc3(", b"\xe2\x82", b"\xf0\x9f\x98",
    b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x8f\xbf\xbf",  # longer than need be
    b"\xed\xa0\x80", b"\xed\xbf\xbf",  # halves of surrogate pairs
    b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80",  # beyond Unicode
]  # fmt: skip


@pytest.mark.parametrize("bad", NOT_UTF8)
@pytest.mark.parametrize(
    "place",
    ["<a>{}</a>", "<a>\u00e9{}</a>", "<a b='{}'/>", "<a{}/>", "<a><![CDATA[{}]]></a>", "<a><!--{}--></a>", "<a/>{}"],
)
@pytest.mark.parametrize("padding", ["", "x" * 5_000])
def test_a_databases_text_that_is_not_utf_8_is_a_reject_wherever_that_stands(
    place: str, bad: bytes, padding: str
) -> None:
    before, after = place.split("{}")
    document = f"{before}{padding}".encode() + bad + f"{padding}{after}".encode()
    with pytest.raises(UnicodeDecodeError):
        document.decode()
    with pytest.raises(RecordRejected) as raised:
        PLAIN.parse(Utf8(document))
    assert raised.value.code in ("xml.encoding", "xml.not_well_formed")
    assert PLAIN.parse("<a>next</a>").text == "next"


def test_the_word_doctype_in_the_text_of_a_document_is_no_declaration() -> None:
    assert PLAIN.parse("<a><![CDATA[<!DOCTYPE b>]]></a>").text == "<!DOCTYPE b>"


def test_the_fallback_encoding_is_used_only_where_the_bytes_contradict_the_declaration() -> None:
    parser = DocumentParser(ParseLimits(fallback_encoding="cp1252"))
    assert parser.parse("<a>\u20ac</a>".encode("cp1252")).text == "\u20ac"
    assert parser.parse("<a>\u20ac</a>".encode()).text == "\u20ac"
    with pytest.raises(RecordRejected, match=r"xml\.encoding"):
        parser.parse(b"<a>\x81</a>")


@pytest.mark.parametrize(
    "limits", [{"fallback_encoding": "rot13"}, {"fallback_encoding": "nope"}, {"max_depth": 0}, {"max_depth": 1001}]
)
def test_limits_that_cannot_hold_are_refused(limits: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=next(iter(limits))):
        ParseLimits(**limits)  # type: ignore[arg-type]


def test_size_and_depth_are_bounded_exactly() -> None:
    parser = DocumentParser(ParseLimits(max_document_bytes=100, max_depth=3))
    parser.parse("<a>" + "x" * 93 + "</a>")
    parser.parse(nested(3))
    for document, code in (
        ("<a>" + "x" * 94 + "</a>", "xml.too_large"),
        ("<a>" + "\u00e9" * 60 + "</a>", "xml.too_large"),
        (("<a>" + "x" * 94 + "</a>").encode("utf-16"), "xml.too_large"),
        (nested(4), "xml.too_deep"),
    ):
        with pytest.raises(RecordRejected) as raised:
            parser.parse(document)
        assert raised.value.code == code


def test_a_text_beyond_libxml2s_own_limit_is_read_within_the_size_that_the_settings_allow() -> None:
    text = "x" * 11_000_000
    assert PLAIN.parse(f"<a>{text}</a>").text == text
    assert PLAIN.parse(f'<a b="{text}"/>').get("b") == text
    with pytest.raises(RecordRejected, match=r"xml\.too_deep"):
        PLAIN.parse(f"<r><t>{text}</t>{nested(256)}</r>")


def test_many_attributes_and_children_are_no_danger() -> None:
    wide = "<a " + " ".join(f'b{number}="1"' for number in range(20_000)) + "/>"
    assert PLAIN.parse(wide).get("b19999") == "1"
    assert len(PLAIN.parse("<a>" + "<b/>" * 200_000 + "</a>")) == 200_000


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_no_message_quotes_the_document(cut: int) -> None:
    secret = "PLANTED9231"
    document = f'<a><{secret}>{secret}</x{secret}><b {secret}="{secret}" {secret}="1"/>&{secret};</a>'
    with pytest.raises(RecordRejected) as raised:
        PLAIN.parse(document[: -cut or None])
    seen: BaseException | None = raised.value
    while seen is not None:
        assert secret not in f"{seen!s}{seen.args!r}"
        seen = seen.__context__


def test_a_broken_document_is_named_by_line_and_column() -> None:
    with pytest.raises(RecordRejected) as raised:
        PLAIN.parse("<a>\n<b></c>\n</a>")
    assert raised.value.message == "TAG_NAME_MISMATCH at line 2, column 8"


def test_threads_that_share_a_parser_object_get_their_own_documents() -> None:
    started = threading.Barrier(4)

    def work(worker: int) -> int:
        started.wait(10)
        found = 0
        for number in range(300):
            text = f"{worker}-{number}"
            if number % 7 == 0:
                with pytest.raises(RecordRejected):
                    PLAIN.parse(f"<a>{text}")
            found += PLAIN.parse(f"<a><b>{text}</b></a>")[0].text == text  # type: ignore[index]
        return found

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(work, range(4))) == [300] * 4
    finally:
        sys.setswitchinterval(interval)
