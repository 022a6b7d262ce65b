# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets an e-mail address when several want it."""

from __future__ import annotations

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.addresses import (
    Claim,
    Refusal,
    refuse_shared_addresses,
)


@pytest.mark.parametrize(
    ("claims", "fixed", "refused"),
    [
        pytest.param({"ada": Claim("a@x")}, {}, {}, id="a free address"),
        pytest.param({"ada": Claim(""), "ben": Claim("")}, {}, {}, id="no address is nobody's rival"),
        pytest.param({"ada": Claim("a@x", "a@x")}, {}, {}, id="an address already held"),
        pytest.param(
            {"ada": Claim("A@x")}, {"a@x": 7}, {"ada": Refusal(extension_id=7)}, id="an address of somebody else's"
        ),
        pytest.param(
            {"ada": Claim("a@x"), "ben": Claim("A@X")},
            {},
            {"ada": Refusal(("ben",)), "ben": Refusal(("ada",))},
            id="two want it and nobody has it",
        ),
        pytest.param(
            {"ada": Claim("a@x"), "ben": Claim("a@x", "A@x"), "cid": Claim("a@x", "c@x")},
            {},
            {"ada": Refusal(("ben", "cid")), "cid": Refusal(("ada", "ben"))},
            id="who has it keeps it",
        ),
        pytest.param({"ada": Claim("b@x", "a@x"), "ben": Claim("a@x", "b@x")}, {}, {}, id="two who exchange theirs"),
        pytest.param({"ada": Claim("b@x", "a@x"), "ben": Claim("c@x", "b@x")}, {}, {}, id="a chain"),
        pytest.param(
            {"ada": Claim("b@x", "a@x"), "ben": Claim("f@x", "b@x"), "cid": Claim("a@x", "c@x")},
            {"f@x": 9},
            {"ben": Refusal(extension_id=9), "ada": Refusal(("ben",)), "cid": Refusal(("ada",))},
            id="a refusal goes back along the chain",
        ),
        pytest.param(
            {"ada": Claim("f@x", "A@X"), "ben": Claim("a@x")},
            {"f@x": 9},
            {"ada": Refusal(extension_id=9), "ben": Refusal(("ada",))},
            id="what is kept is kept in every spelling",
        ),
        pytest.param(
            {"ada": Claim("f@x"), "ben": Claim("", "b@x")},
            {"f@x": 9},
            {"ada": Refusal(extension_id=9)},
            id="who is refused and holds nothing stands in nobody's way",
        ),
    ],
)
def test_refusals(claims: dict[str, Claim], fixed: dict[str, int], refused: dict[str, Refusal]) -> None:
    assert refuse_shared_addresses(claims, fixed) == refused
    backwards = dict(reversed(claims.items()))
    assert refuse_shared_addresses(backwards, fixed) == refused
