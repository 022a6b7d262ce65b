# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the LDAP proxy that need no server: limits of values, faults, the text of filters."""

from __future__ import annotations

import ldap3
import pytest
from ldap3.operation.search import search_operation
from ldaptor.protocols import pureber, pureldap
from pyasn1.codec.ber import encoder

from lab.ldap_proxy.faults import Fault, bind_failure, from_json, referral, to_json
from lab.ldap_proxy.filter_text import filter_text
from lab.ldap_proxy.limits import Range, RangeBeyondEndError, limit_values, split_ranges

FIVE = [b"a", b"b", b"c", b"d", b"e"]


def test_ranges_are_parted_from_names() -> None:
    assert split_ranges([b"cn", b"Member;Range=5-*", b"member;range=0-4;x"]) == (
        [b"cn", b"Member", b"member;range=0-4;x"],
        {b"member": Range(5, None)},
    )


def test_an_attribute_over_the_limit_is_empty_beside_its_first_range() -> None:
    limited = limit_values([(b"cn", [b"x"]), (b"member", FIVE)], {}, 3)
    assert limited == [(b"cn", [b"x"]), (b"member", []), (b"member;range=0-2", FIVE[:3])]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, None, (b"member;range=0-2", FIVE[:3])),
        (3, None, (b"member;range=3-*", FIVE[3:])),
        (0, 1, (b"member;range=0-1", FIVE[:2])),
        (2, 4, (b"member;range=2-*", FIVE[2:])),
        (3, 99, (b"member;range=3-*", FIVE[3:])),
    ],
)
def test_an_asked_range(low: int, high: int | None, expected: tuple[bytes, list[bytes]]) -> None:
    assert limit_values([(b"member", FIVE)], {b"member": Range(low, high)}, 3) == [expected]


def test_a_range_behind_the_end() -> None:
    with pytest.raises(RangeBeyondEndError):
        limit_values([(b"member", FIVE)], {b"member": Range(5, None)}, 3)
    assert limit_values([(b"member", FIVE)], {b"member": Range(5, None)}, 3, error_beyond_end=False) == []


def test_faults_survive_the_control_channel() -> None:
    faults = [bind_failure("52e", nth=2), referral("ldap://a/", "ldap://b/", page=None), Fault("delay", seconds=1.5)]
    assert from_json(to_json(faults)) == faults


def test_an_unknown_setting_of_a_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="pages"):
        from_json([{"kind": "cut", "pages": 3}])


@pytest.mark.parametrize(
    "text",
    [
        "(objectClass=*)",
        "(&(a=b)(|(c>=d)(e<=f))(!(g~=h)))",
        "(cn=*a*)",
        "(cn=a*b*c)",
        "(cn=*c)",
        "(cn=Star\\2a \\28x\\29 \\5c)",
        "(cn=Jürgen)",
        "(userAccountControl:1.2.840.113556.1.4.803:=2)",
    ],
)
def test_a_filter_from_the_wire_as_text(text: str) -> None:
    request = search_operation(
        "", text, ldap3.BASE, ldap3.DEREF_NEVER, [], 0, 0, False, auto_escape=True, auto_encode=False
    )
    wire = encoder.encode(request["filter"])
    context = pureldap.LDAPBERDecoderContext_Filter(fallback=pureber.BERDecoderContext())
    decoded, _unused = pureber.berDecodeObject(context, wire)
    assert filter_text(decoded) == text


def test_bytes_that_are_not_utf8_are_escaped() -> None:
    part = pureldap.LDAPFilter_equalityMatch(
        attributeDesc=pureldap.LDAPAttributeDescription(b"objectGUID"),
        assertionValue=pureldap.LDAPAttributeValue(b"\xff\x00a"),
    )
    assert filter_text(part) == "(objectGUID=\\ff\\00\\61)"
