# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What the page does beyond being read: the text of its script element. Without it all is there but the search."""

from __future__ import annotations

SCRIPT = """
"use strict";
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const rows = Array.from(document.getElementById("change-list").children, (item) => ({ item, text: null }));
  const count = form.querySelector("output");
  const number = new Intl.NumberFormat("en");

  // Read once, when the first search needs it.
  const textOf = (row) => (row.text ??= row.item.textContent.toLowerCase());

  function filter() {
    const words = form.elements.search.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const wanted = ["kind", "action", "state"].map((name) => [name, form.elements[name].value]).filter(([, v]) => v);
    let shown = 0;
    for (const row of rows) {
      const fits = wanted.every(([name, value]) => row.item.dataset[name] === value)
        && words.every((word) => textOf(row).includes(word));
      if (row.item.hidden === fits) row.item.hidden = !fits;
      if (fits) shown += 1;
    }
    count.textContent = `${number.format(shown)} of ${number.format(rows.length)} changes shown`;
  }

  function openOrClose() {
    const details = rows.filter((row) => !row.item.hidden).map((row) => row.item.firstElementChild);
    const open = details.some((one) => !one.open);
    for (const one of details) one.open = open;
  }

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  form.elements.toggle.addEventListener("click", openOrClose);
  form.hidden = false;
  filter();
})();
"""
