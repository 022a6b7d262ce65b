# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fuzzers share: how many examples they try, and JSON values that nobody expects."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

#: Many more than in everyday tests: ``FUZZ_EXAMPLES=20000 pytest tests/property/test_fuzz_directory.py``
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "150"))

#: The same examples in every run unless more are asked for, so that a failure is a change's own.
fuzzed = settings(
    max_examples=EXAMPLES,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)

texts = st.text(st.characters(), max_size=20) | st.sampled_from(
    [*("", " ", "0", "-1", "1e3", "٣", "\0", "\ud800", "x\udfff", "\u202eabc", "true", "null"), "1" * 30, "9" * 5000]
)
numbers = st.integers(-5, 60) | st.sampled_from([10**18, 10**30, -(10**30), 10**400, 2**63, -(2**63) - 1])
scalars: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | numbers | texts | st.sampled_from([0.0, 1.5, -0.0, 1e308, float("nan"), float("inf")])
)
json_values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
