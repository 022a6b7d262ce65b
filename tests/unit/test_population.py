# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's population: the same for the same seed, as dirty as announced, and valid LDIF."""

from __future__ import annotations

import base64
import itertools
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab import dirt, ldif
from lab.population import (
    CONTACT,
    DISABLED,
    GROUP,
    GROUP_SIZES,
    ORGANIZATIONAL_UNIT,
    SMALLEST_SIZE,
    Population,
    generate,
)

OWN_COMPONENT = re.compile(r"[A-Z]+=((?:\\.|[^,\\])+),")
LOGIN_NAME_FORBIDDEN = re.compile(r'["/\\\[\]:;|=,+*?<>@]')


@pytest.fixture(scope="module", params=[SMALLEST_SIZE, 1_000])
def population(request: pytest.FixtureRequest) -> Population:
    return generate(request.param, seed=7)


@pytest.fixture(scope="module")
def large_population() -> Population:
    return generate(5_500, seed=7)


def _records(text: str) -> list[list[tuple[str, str]]]:
    """LDIF read the plain way: records of (name, value)."""
    records = []
    for block in text.removesuffix("\n\n").split("\n\n"):
        record = []
        for line in block.split("\n"):
            if line == "-":
                continue
            name, encoded, value = re.fullmatch(r"([\w-]+):(:?) (.*)", line, re.ASCII).groups()  # type: ignore[union-attr]
            record.append((name, base64.b64decode(value).decode() if encoded else value))
        records.append(record)
    return records


def _values(population: Population, special: str, attribute: str) -> list[str | None]:
    return [population.entry(dn).attributes.get(attribute) for dn in population.specials[special]]


def test_same_size_and_seed_give_the_same_population() -> None:
    assert generate(300, seed=3) == generate(300, seed=3)


def test_another_seed_gives_another_population() -> None:
    assert generate(300, seed=3).additions_ldif() != generate(300, seed=4).additions_ldif()


def test_size_counts_the_people(population: Population) -> None:
    assert len(population.people) == population.size


def test_a_size_without_room_for_every_special_one_is_refused() -> None:
    with pytest.raises(ValueError, match="take 200 or more"):
        generate(SMALLEST_SIZE - 1, seed=1)


def test_another_base_is_the_end_of_every_dn() -> None:
    population = generate(200, seed=1, base_dn="DC=other,DC=test")
    assert all(entry.dn.endswith(",DC=other,DC=test") for entry in population.entries)


class TestDirectoryRules:
    def test_names_are_unique_without_regard_to_case(self, population: Population) -> None:
        for key in ("sAMAccountName", "userPrincipalName"):
            values = [e.attributes[key].casefold() for e in population.entries if key in e.attributes]
            assert len(values) == len(set(values))
        assert len({entry.dn.casefold() for entry in population.entries}) == len(population.entries)

    def test_names_hold_at_most_64_utf_16_units(self, population: Population) -> None:
        for entry in population.entries:
            name = OWN_COMPONENT.match(entry.dn)
            assert name
            unescaped = re.sub(r"\\(.)", r"\1", name[1])
            assert len(unescaped.encode("utf-16-le")) // 2 <= 64, unescaped

    @pytest.mark.parametrize(
        ("attribute", "longest"),
        [("givenName", 64), ("sn", 64), ("displayName", 256), ("mail", 256), ("telephoneNumber", 64), ("ipPhone", 64)],
    )
    def test_values_keep_to_the_schema(self, population: Population, attribute: str, longest: int) -> None:
        for entry in population.entries:
            value = entry.attributes.get(attribute, "-")
            assert value
            assert len(value.encode("utf-16-le")) // 2 <= longest

    def test_account_names_are_ones_that_windows_takes(self, population: Population) -> None:
        for person in population.people:
            name = person.attributes["sAMAccountName"]
            assert len(name) <= 20
            assert not LOGIN_NAME_FORBIDDEN.search(name)

    def test_a_parent_is_added_before_its_children(self, population: Population) -> None:
        there = {population.base_dn}
        there |= {f"CN={name},{population.base_dn}" for name in ("Users", "Computers", "Managed Service Accounts")}
        for entry in population.entries:
            own = OWN_COMPONENT.match(entry.dn)
            assert own
            assert entry.dn[own.end() :] in there, entry.dn
            there.add(entry.dn)

    def test_members_exist(self, population: Population) -> None:
        there = {entry.dn for entry in population.entries}
        for group, members in population.memberships.items():
            assert group in there
            assert set(members) <= there
            assert len(members) == len(set(members))
        for user, group in population.primary_groups.items():
            assert user in population.memberships[group]


class TestDirt:
    def test_every_special_name_exists(self, population: Population) -> None:
        there = {entry.dn for entry in population.entries}
        assert all(dns and set(dns) <= there for dns in population.specials.values())

    @pytest.mark.parametrize(
        ("special", "character"),
        [
            ("name_comma", ","),
            ("name_quotes", '"'),
            ("name_plus", "+"),
            ("name_umlauts", "ß"),
            ("name_cjk", "太"),
            ("name_emoji", "🚀"),
            ("name_decomposed", "\u0301"),
            ("name_right_to_left", "م"),
            ("name_backslash", "\\"),
            ("name_filter_characters", "*"),
        ],
    )
    def test_names_hold_awkward_characters(self, population: Population, special: str, character: str) -> None:
        assert character in population.special(special)
        written = [_values(population, special, name)[0] or "" for name in ("givenName", "sn", "displayName")]
        assert character in "".join(written)

    def test_missing_and_long_names(self, population: Population) -> None:
        assert _values(population, "name_surname_only", "givenName") == [None]
        assert _values(population, "name_given_name_only", "sn") == [None]
        long_one = population.entry(population.special("name_over_63_characters")).attributes
        assert all(len(long_one[name]) > 63 for name in ("givenName", "sn", "displayName"))

    def test_units_are_six_deep_with_awkward_names(self, population: Population) -> None:
        deepest = population.special("ou_six_deep")
        assert re.findall(r"(?:^|(?<!\\),)([A-Z]+)=", deepest) == ["OU"] * 6 + ["DC"] * 2
        assert all(character in deepest for character in ("\\,", '\\"', "営", "\\+", "🚀", "\\;", "\\="))
        assert all(dn.endswith(population.special("ou_six_deep")) for dn in population.specials["in_ou_six_deep"])

    def test_some_people_are_in_the_users_container(self, population: Population) -> None:
        for dn in population.specials["in_users_container"]:
            assert dn.endswith(f",CN=Users,{population.base_dn}")

    def test_units_without_people(self, population: Population) -> None:
        everyone = [person.dn for person in population.people]
        for special in ("ou_empty", "ou_computers_only"):
            assert not any(dn.endswith("," + population.special(special)) for dn in everyone)

    def test_mail_is_missing_duplicate_and_in_upper_case(self, population: Population) -> None:
        assert set(_values(population, "mail_missing", "mail")) == {None}
        first, second = _values(population, "mail_duplicate", "mail")
        assert first == second
        lower, upper = map(str, _values(population, "mail_duplicate_by_case", "mail"))
        assert lower != upper
        assert lower.casefold() == upper.casefold()
        assert str(_values(population, "mail_upper_case", "mail")[0]).isupper()
        assert _values(population, "mail_malformed", "mail") == list(dirt.MALFORMED_MAILS)

    def test_account_states(self, population: Population) -> None:
        assert _values(population, "disabled", "userAccountControl") == [str(DISABLED)]
        assert _values(population, "expires_zero", "accountExpires") == ["0"]
        assert _values(population, "expires_never", "accountExpires") == [str(0x7FFFFFFFFFFFFFFF)]
        expired, future = (
            int(str(_values(population, name, "accountExpires")[0])) for name in ("expired", "expires_in_future")
        )
        assert 0 < expired < 133_000_000_000_000_000 < future < 0x7FFFFFFFFFFFFFFF
        assert _values(population, "disabled_and_expired", "userAccountControl") == [str(DISABLED)]

    def test_ip_phone_valid_malformed_duplicate_and_missing(self, population: Population) -> None:
        (valid,) = _values(population, "ip_phone_valid", "ipPhone")
        assert re.fullmatch(r"[0-9]{4,5}", str(valid))
        assert _values(population, "ip_phone_malformed", "ipPhone") == list(dirt.MALFORMED_IP_PHONES)
        assert not any(re.fullmatch(r"[0-9]+", value) for value in dirt.MALFORMED_IP_PHONES)
        assert _values(population, "ip_phone_missing", "ipPhone") == [None]
        assert len(set(_values(population, "ip_phone_duplicate", "ipPhone"))) == 1
        counted = Counter(person.attributes.get("ipPhone") for person in population.people)
        assert counted[valid] == 1 or population.size > SMALLEST_SIZE

    def test_telephone_numbers_in_every_spelling(self, population: Population) -> None:
        for special, spelling in dirt.TELEPHONE_SPELLINGS:
            person = population.entry(population.special(f"telephone_{special}")).attributes
            assert person["telephoneNumber"] == spelling.format(n=person["ipPhone"])
        spelled = "".join(spelling for _special, spelling in dirt.TELEPHONE_SPELLINGS)
        assert all(mark in spelled for mark in ("\u00a0", "/", "(", "tel:", "ext.", "\uff14", "CALL", "\u2011"))

    @pytest.mark.parametrize(
        ("special", "object_classes"),
        [
            ("computer", {"computer"}),
            ("managed_service_account", {"msDS-ManagedServiceAccount", "msDS-GroupManagedServiceAccount"}),
            ("contact", {"contact"}),
            ("inet_org_person", {"inetOrgPerson"}),
        ],
    )
    def test_other_classes_are_there(self, population: Population, special: str, object_classes: set[str]) -> None:
        assert {population.entry(dn).object_class for dn in population.specials[special]} == object_classes

    def test_groups_nest_in_a_cycle(self, population: Population) -> None:
        cycle = population.specials["nested_cycle_group"]
        for index, group in enumerate(cycle):
            assert cycle[(index + 1) % len(cycle)] in population.memberships[group]
        people = {dn for group in cycle for dn in population.memberships[group]} - set(cycle)
        assert people == set(population.specials["nested_cycle_member"])

    def test_groups_nest_in_a_chain(self, population: Population) -> None:
        chain = population.specials["nested_chain_group"]
        for outer, inner in itertools.pairwise(chain):
            assert inner in population.memberships[outer]

    def test_some_are_members_by_primary_group_alone(self, population: Population) -> None:
        group = population.special("group_primary_only")
        expected = set(population.specials["group_primary_only_member"])
        assert {user for user, primary in population.primary_groups.items() if primary == group} == expected

    def test_a_group_mixes_all_kinds(self, population: Population) -> None:
        members = population.memberships[population.special("group_mixed")]
        kinds = {population.entry(dn).object_class for dn in members}
        assert {"computer", CONTACT, "user", "inetOrgPerson", "msDS-GroupManagedServiceAccount"} <= kinds

    def test_groups_of_exact_sizes_when_there_are_people_enough(self, large_population: Population) -> None:
        for size in GROUP_SIZES:
            group = large_population.special(f"group_of_{size}")
            assert len(large_population.memberships[group]) == size
        assert "group_of_1499" not in generate(1_498, seed=1).specials


class TestLdif:
    def test_additions_are_read_back_whole(self, population: Population) -> None:
        records = _records(population.additions_ldif())
        assert len(records) == len(population.entries)
        for entry, record in zip(population.entries, records, strict=True):
            assert record[:2] == [("dn", entry.dn), ("objectClass", entry.object_class)]
            assert dict(record[2:]) == entry.attributes

    def test_memberships_are_read_back_whole(self, population: Population) -> None:
        read = {}
        for record in _records(population.memberships_ldif()):
            assert record[1:3] == [("changetype", "modify"), ("add", "member")]
            read[record[0][1]] = tuple(value for _name, value in record[3:])
        assert read == {group: members for group, members in population.memberships.items() if members}

    @pytest.mark.parametrize("value", [" a", "a ", ":a", "<a", "a\nb", "a\rb", "a\0b", "ä"])
    def test_what_is_not_safe_is_in_base64(self, value: str) -> None:
        assert "\nsn:: " in ldif.addition("CN=a", {"sn": [value]})

    @given(value=st.text(min_size=1))
    @settings(max_examples=300)
    def test_any_value_is_read_back(self, value: str) -> None:
        assert _records(ldif.addition("CN=a", {"sn": [value]})) == [[("dn", "CN=a"), ("sn", value)]]

    def test_specials_are_documented(self, large_population: Population) -> None:
        readme = (Path(dirt.__file__).parent / "README.md").read_text(encoding="utf-8")
        families = ("name_", "telephone_", "group_of_")
        for special in large_population.specials:
            family = next((family for family in families if special.startswith(family)), special)
            assert f"`{family}" in readme, special


def test_units_and_groups_are_found_by_class(population: Population) -> None:
    assert population.of_class(GROUP)
    assert len(population.of_class(GROUP)) == len(population.memberships)
    assert population.of_class(ORGANIZATIONAL_UNIT)[0].dn.startswith("OU=Konzern")
