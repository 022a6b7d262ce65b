# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Attributes whose values are an object's own: they change only by a change that is counted at the object itself.

Others change by what happens elsewhere: back links such as memberOf, names of other objects such as manager, what the
server works out when it is asked (constructed attributes), and what each domain controller keeps for itself, such as
lastLogon. What is not listed here is taken for one of those.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.filters import normalize_filter

# Bits of a number, all or one of them (MS-ADTS 3.1.1.3.4.4.1, 3.1.1.3.4.4.2). Other rules follow links.
_BIT_RULES = frozenset({"1.2.840.113556.1.4.803", "1.2.840.113556.1.4.804"})
_ITEM = re.compile(r"\((?P<name>[^()&|!:=~<>]*)(?P<more>(?::[^()=]*)?)[~<>]?=")
_BEGINNING = re.compile(r"\((?![&|!])")
_RULE = re.compile(r":(?P<rule>[0-9.]+):?")

_NAMES = """
    accountExpires adminCount adminDescription adminDisplayName businessCategory c carLicense cn co comment company
    countryCode department departmentNumber description displayName displayNamePrintable division employeeID
    employeeNumber employeeType extensionName facsimileTelephoneNumber gecos generationQualifier gidNumber givenName
    groupType homeDirectory homeDrive homePhone homePostalAddress houseIdentifier info initials
    internationalISDNNumber ipPhone isCriticalSystemObject l labeledURI loginShell mail mailNickname middleName
    mobile msExchHideFromAddressLists msExchRecipientTypeDetails msExchRemoteRecipientType name o objectCategory
    objectClass objectGUID objectSid otherFacsimileTelephoneNumber otherHomePhone otherIpPhone otherMailbox
    otherMobile otherPager otherTelephone ou pager personalTitle physicalDeliveryOfficeName postalAddress postalCode
    postOfficeBox preferredLanguage primaryGroupID primaryInternationalISDNNumber profilePath proxyAddresses
    roomNumber sAMAccountName sAMAccountType scriptPath serialNumber showInAdvancedViewOnly sn st street
    streetAddress targetAddress telephoneAssistant telephoneNumber title uid uidNumber unixHomeDirectory url
    userAccountControl userPrincipalName userWorkstations uSNChanged whenCreated wWWHomePage
"""
_OWN = frozenset(_NAMES.lower().split())
_NUMBERED = re.compile(r"(?:extensionattribute|msexchextensionattribute|msds-cloudextensionattribute)\d{1,2}")


def is_own_value(attribute: str) -> bool:
    """Tell whether an attribute's values change only with the object that has them."""
    name = attribute.lower()
    return name in _OWN or _NUMBERED.fullmatch(name) is not None


def foreign_values(attributes: Collection[str]) -> list[str]:
    """Return those of some attributes whose values may change without a change of the object that shows them."""
    return [name for name in attributes if not is_own_value(name)]


def goes_by_own_values(text: str) -> bool:
    """Tell whether it hangs on an object's own values alone if an LDAP filter takes it in.

    :param text: a filter (RFC 4515), "" for none.
    :raises FilterError: if the text is no filter.
    """
    if not text:
        return True
    normal = normalize_filter(text)
    items = list(_ITEM.finditer(normal))
    # A condition in a form that is not known here would not be among them.
    return len(items) == len(_BEGINNING.findall(normal)) and all(_is_own_item(*found.groups()) for found in items)


def _is_own_item(name: str, more: str) -> bool:
    if not is_own_value(name.strip()):
        return False
    found = _RULE.fullmatch(more.strip())
    return not more or (found is not None and found["rule"] in _BIT_RULES)
