# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sign-on asks of a PBX, against the emulator's variants."""

from __future__ import annotations

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import PbxRefusedError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.sign_on import SignOnClient

from lab.pbx.linkus_log_in import LogInRefusedError, log_in
from lab.pbx.variants import Variants
from lab.tls import CertificateAuthority
from tests.integration.pbx_helpers import emulated_pbx, settings_for

PASSWORD = "Correct-Horse-77"


@pytest.mark.parametrize("needs_organizations", [False, True])
@pytest.mark.parametrize("shape", ["value", "id"])
def test_a_password_is_set_and_the_organizations_stay(
    lab_authority: CertificateAuthority, needs_organizations: bool, shape: str
) -> None:
    variants = Variants().changed(update_requires_organization_list=needs_organizations, organization_info=shape)
    with emulated_pbx(lab_authority, variants=variants) as emulator:
        sales = emulator.pbx.seed_organization("Sales")
        held = emulator.pbx.seed_extension("1000", organization_ids=[1, sales])
        client = SignOnClient(settings_for(emulator))

        client.set_password(held, PASSWORD)
        assert client.close() == ""

        assert getattr(log_in(emulator.pbx, "1000", PASSWORD), "number", "") == "1000"
        (extension,) = emulator.state.extensions.values()
        assert sorted(extension["organization_ids"]) == [1, sales]
        assert extension["first_name"] == "1000"


def test_a_password_that_the_pbx_refuses_is_not_sent_again(lab_authority: CertificateAuthority) -> None:
    with emulated_pbx(lab_authority) as emulator:
        held = emulator.pbx.seed_extension("1000")
        client = SignOnClient(settings_for(emulator))

        with pytest.raises(PbxRefusedError, match="user_password") as caught:
            client.set_password(held, "short")
        client.close()

        assert "short" not in str(caught.value)
        assert len([call for call in emulator.calls.all() if call.write]) == 1


def test_a_drawn_password_is_nobodys(lab_authority: CertificateAuthority) -> None:
    with emulated_pbx(lab_authority) as emulator:
        held = emulator.pbx.seed_extension("1000")
        client = SignOnClient(settings_for(emulator))
        client.set_password(held, PASSWORD)

        client.draw_password(held, ("1000", "Anna", "Adler"))
        client.close()

        with pytest.raises(LogInRefusedError):
            log_in(emulator.pbx, "1000", PASSWORD)
