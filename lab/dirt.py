# SPDX-License-Identifier: GPL-3.0-or-later
"""The population's raw material: names, numbers and addresses as real directories have them.

Characters that a reader could mistake for plain ones are written as escapes.
"""

from __future__ import annotations

GIVEN_NAMES = (
    *("Anna", "Jürgen", "Søren", "Zoë", "François", "Łukasz", "Ana María", "Jean-Luc", "Fatma"),
    *("İbrahim", "Nguyễn", "Björn", "Siobhán", "Miloš", "Käthe", "Paul", "Maria", "Tom", "Ole"),
    *("Ivan", "Иван", "Ольга", "太郎", "花子", "伟", "민준", "Ελένη", "Yusuf", "Grace", "Noor"),
)
SURNAMES = (
    *("Müller", "Schmidt", "O'Brien", "Groß", "Ångström", "Žižek", "van der Berg", "García"),
    *("García Márquez", "Łuczak", "D'Angelo", "Öztürk", "Nielsen", "Smith-Jones", "Dvořák"),
    *("Петров", "山田", "王", "김", "Παπαδόπουλος", "Haddad", "Okafor", "Meyer", "Weiß", "Lund"),
)
DEPARTMENTS = (
    *("Sales", "Support", "R&D", "Einkauf & Logistik", "人事部", "Buchhaltung", "IT", "Marketing"),
    *("Qualität/Prüfung", "Recht"),
)
TITLES = ("Engineer", "Sachbearbeiter", "Head of Sales, EMEA", "Buyer", "主任", "Trainee", "CEO")

# Parent's index (None: the domain itself) and name. The first six are one inside the other.
ORGANIZATIONAL_UNITS: tuple[tuple[int | None, str], ...] = (
    (None, "Konzern, Holding"),
    (0, 'Region "Süd"'),
    (1, "営業部"),
    (2, "R&D + Labs"),
    (3, "🚀 Start; <neu>"),
    (4, "#6 = Größe\\Klein"),
    (None, "Berlin"),
    (6, "Vertrieb"),
    (6, "Support"),
    (None, "東京支社"),
    (9, "Support"),
    (9, "開発"),
    (None, "Zürich / Genève"),
    (12, "Büro 🏢 Ü"),
    (None, "An organizational unit whose name is as long as AD lets it be .."),
)

# (what is special about it, CN, givenName, sn, displayName); None: the attribute is missing.
SPECIAL_NAMES: tuple[tuple[str, str, str | None, str | None, str | None], ...] = (
    ("comma", "Mustermann, Erika", "Erika", "Mustermann", "Mustermann, Erika"),
    ("quotes", 'Erwin "Ernie" Groß', "Erwin", "Groß", 'Erwin "Ernie" Groß'),
    ("plus", "Anna + Bert Plus", "Anna + Bert", "Plus", "Anna + Bert Plus"),
    ("umlauts", "Jörg Übelmäßig", "Jörg", "Übelmäßig", "Jörg Übelmäßig"),
    ("cjk", "山田 太郎", "太郎", "山田", "山田 太郎"),
    ("emoji", "Zoë 🚀 Rakete", "Zoë 🚀", "Rakete", "Zoë 🚀 Rakete 👩\u200d💻"),
    ("decomposed", "Rene\u0301 Lefe\u0300vre", "Rene\u0301", "Lefe\u0300vre", None),
    ("right_to_left", "محمد حداد", "محمد", "حداد", "محمد حداد"),
    ("backslash", "LAB\\Back Slash", "Back\\", "Slash", "LAB\\Back Slash"),
    ("slash", "Ann/Bob Shared", "Ann/Bob", "Shared", "Ann/Bob Shared"),
    ("semicolon", "Semi; Colon", "Semi;", "Colon", "Semi; Colon"),
    ("angle_brackets", "Angela <extern>", "Angela", "<extern>", "Angela <b>extern</b>"),
    ("equals", "cn=Equal Sign", "cn=Equal", "Sign", "cn=Equal Sign"),
    ("leading_hash", "#1 Hotline", "#1", "Hotline", "#1 Hotline"),
    ("filter_characters", "Star* (Paren)", "Star*", "(Paren)", "Star* (Paren)"),
    ("apostrophe", "Siobhán O'Neill", "Siobhán", "O'Neill", "Siobhán O'Neill"),
    ("surrounding_space", "Padded Paul", "  Paul ", " Padded\t", "  Padded   Paul "),
    (
        "over_63_characters",
        "Maximiliane Wilhelmine Friederike Albertine von und zu Hohenlohe",
        "Maximiliane Wilhelmine Friederike Albertine Karoline Sophie Anne",
        "von und zu Hohenlohe-Waldenburg-Schillingsfürst-Langenburg-Öhrin",
        "Maximiliane Wilhelmine Friederike Albertine Karoline Sophie Anne"
        " von und zu Hohenlohe-Waldenburg-Schillingsfürst-Langenburg-Öhrin",
    ),
    ("surname_only", "Nurnachname", None, "Nurnachname", "Nurnachname"),
    ("given_name_only", "Nurvorname", "Nurvorname", None, "Nurvorname"),
    ("no_names", "Namenlos", None, None, None),
)

# ipPhone as people fill it in; none is digits only.
MALFORMED_IP_PHONES = (
    *("12 34", "+49 30 901820", "ext. 2001", "20a1", "sip:2001@lab.test", " 2001", "2001;ext=5"),
    *("-", "\uff12\uff10\uff10\uff11", "2001,2002"),
)
# Digits only, yet doubtful as extension numbers: too long, leading zeros, a single digit.
DOUBTFUL_IP_PHONES = ("12345678", "0042", "7")

# telephoneNumber's spellings; {n} is the extension's number.
TELEPHONE_SPELLINGS: tuple[tuple[str, str], ...] = (
    ("international", "+49 30 901820 {n}"),
    ("no_break_spaces", "+49\u00a030\u00a0901820\u00a0{n}"),
    ("narrow_no_break_spaces", "+33\u202f1\u202f44\u202f55\u202f{n}"),
    ("slash", "030/901820-{n}"),
    ("parentheses", "+49 (0)30 901820-{n}"),
    ("area_in_parentheses", "(030) 901820 {n}"),
    ("uri", "tel:+4930901820{n}"),
    ("uri_with_extension", "tel:+49-30-901820;ext={n}"),
    ("extension_suffix", "+49 30 901820 ext. {n}"),
    ("short_extension_suffix", "+1 202-555-0100 x{n}"),
    ("dots", "+1.202.555.{n}"),
    ("double_zero", "0049 30 901820 {n}"),
    ("digits_only", "4930901820{n}"),
    ("short", "{n}"),
    ("full_width_digits", "\uff0b\uff14\uff19 \uff13\uff10 {n}"),
    ("arabic_indic_digits", "\u0664\u0669 \u0663\u0660 {n}"),
    ("non_breaking_hyphen", "+49 30 901820\u2011{n}"),
    ("letters", "0800-CALL-{n}"),
    ("two_numbers", "+49 30 {n} / +49 30 901821"),
    ("remark", "siehe Zentrale ({n})"),
    ("surrounding_space", "  +49 30 901820 {n} "),
)

MALFORMED_MAILS = (
    *("not an address", "two@at@lab.test", "mailto:person@lab.test", "n.n.@lab.test; x@lab.test"),
    *("trailing@lab.test ", "ümlaut@müller.test"),
)
