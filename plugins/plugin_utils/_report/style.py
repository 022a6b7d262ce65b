# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""How the page looks: the text of its style element."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --paper: light-dark(#fcfcfa, #17181a);
  --raised: light-dark(#f3f3ef, #202225);
  --ink: light-dark(#1d1e20, #e8e6e1);
  --muted: light-dark(#5a5b5e, #a9a8a3);
  --rule: light-dark(#dedcd5, #36383c);
  --edge: light-dark(#85857f, #85878c);
  --link: light-dark(#1d55a5, #8fbcff);
  --create: light-dark(#17683a, #7fd19f);
  --associate: light-dark(#6a3d9e, #c9a8f0);
  --update: light-dark(#1d55a5, #8fbcff);
  --release: light-dark(#7d4e00, #e3b562);
  --delete: light-dark(#ab241c, #ff9d94);
  --bad: var(--delete);
  --good: var(--create);
  --mark: light-dark(#fdf0c8, #463a17);
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body {
  margin: 0 auto; padding: 2rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 76rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: break-word;
}
h1 { margin: .1rem 0 .4rem; font-size: clamp(1.6rem, 1.2rem + 2vw, 2.3rem); line-height: 1.15;
  letter-spacing: -.015em; text-wrap: balance; }
h2 { margin: 3rem 0 .8rem; padding-bottom: .35rem; border-bottom: 1px solid var(--rule);
  font-size: 1.2rem; line-height: 1.3; }
h2 small, h3 small { font-size: 1rem; font-weight: 400; color: var(--muted); }
h3 { margin: 1.6rem 0 .4rem; font-size: 1rem; }
p { margin: .4rem 0; max-width: 75ch; }
a { color: var(--link); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
[hidden] { display: none !important; }
code { font: .9em ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.muted { color: var(--muted); }
.mark { padding: 0 .35em; border-radius: 3px; background: var(--mark); font-size: .85em; }
.number, td.count, dd.count { font-variant-numeric: tabular-nums; }

.what { margin: 0; color: var(--muted); font-size: .85rem; font-weight: 600; letter-spacing: .08em;
  text-transform: uppercase; }
.outcome { margin: .4rem 0 1.2rem; font-size: 1.1rem; }
.outcome strong { padding: .1em .55em .15em; border: 1.5px solid; border-radius: 1em; font-size: .9rem; }
.failed, .unknown, .stopped { color: var(--bad); font-weight: 600; }
.succeeded, .connected { color: var(--good); }
.message { max-width: none; margin: 0 0 1.2rem; padding: .7rem 1rem; border-left: 4px solid var(--bad);
  background: var(--raised); }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: 1.4rem 0 0; padding: 0; list-style: none; }
nav a { display: inline-block; padding: .15rem 0; }

dl { margin: 0; }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem 1.2rem; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; }
.figures { display: flex; flex-wrap: wrap; gap: 1rem 1.3rem; margin: 1.6rem 0 0; }
.figures div { display: flex; flex-direction: column-reverse; padding-left: .6rem; border-left: 2px solid var(--rule); }
.figures dt { color: var(--muted); font-size: .85rem; }
.figures dd { margin: 0; font-size: 1.6rem; line-height: 1.2; font-weight: 600; font-variant-numeric: tabular-nums; }
.figures .none dd { color: var(--muted); font-weight: 400; }
.figures .alarm { border-color: var(--bad); }
.figures .alarm dd { color: var(--bad); }

table { border-collapse: collapse; font-size: .95rem; }
th, td { padding: .3rem 1.2rem .3rem 0; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
td, dd, .changes, .conflicts, .message { overflow-wrap: anywhere; }
th, .action, .state { overflow-wrap: break-word; }
.wide th, .wide td { padding-right: .8rem; overflow-wrap: break-word; }
th.number, td.count { white-space: nowrap; overflow-wrap: normal; }
thead th { color: var(--muted); font-weight: 600; }
tbody th { font-weight: 500; }
th.count, td.count { text-align: right; }
.wide { overflow-x: auto; }
.wide table { min-width: 40rem; }
caption { text-align: left; color: var(--muted); padding: .2rem 0 .4rem; }

form { display: flex; flex-wrap: wrap; gap: .6rem .8rem; align-items: end; margin: 0 0 .8rem; }
form label { display: grid; gap: .15rem; color: var(--muted); font-size: .85rem; }
form .search { flex: 1 1 16rem; }
input, select, button { min-height: 2.5rem; padding: .3rem .7rem; border: 1px solid var(--edge); border-radius: 6px;
  background: var(--paper); color: var(--ink); font: inherit; font-size: 1rem; max-width: 100%; }
button { cursor: pointer; background: var(--raised); }
output { flex-basis: 100%; color: var(--muted); font-variant-numeric: tabular-nums; }

.changes { margin: 0; padding: 0; list-style: none; border-top: 1px solid var(--rule); }
/* As list items thousands would be numbered anew for each that a search hides. */
.changes > li { display: block; border-bottom: 1px solid var(--rule); content-visibility: auto;
  contain-intrinsic-size: auto 2.6rem; }
.changes summary { display: grid; grid-template-columns: 1rem 5.6rem 3.6rem minmax(7rem, 15rem) minmax(0, 1fr) auto;
  gap: 0 .8rem; align-items: baseline; padding: .5rem .2rem; cursor: pointer; list-style: none; }
.changes summary::-webkit-details-marker { display: none; }
.changes summary::before { content: "\\25B8"; color: var(--muted); }
.changes details[open] > summary::before { content: "\\25BE"; }
.changes summary:hover { background: var(--raised); }
.changes summary b { font-weight: 600; }
.changes .kind { display: block; color: var(--muted); font-size: .85rem; line-height: 1.2; }
.changes .why, .changes .state { font-size: .95rem; }
.changes .why, .changes .planned, .changes .done { color: var(--muted); }
.action { font-weight: 600; }
.create { color: var(--create); }
.associate { color: var(--associate); }
.update { color: var(--update); }
.release { color: var(--release); }
.delete { color: var(--delete); }
.body { padding: 0 .2rem 1rem 2rem; }
.members { margin-top: .5rem; }
.members dt { color: var(--muted); font-size: .9rem; }
.members dd { margin: 0 0 .3rem; }
.origin { font-size: .85rem; max-width: none; }

.conflicts { margin: 0; padding: 0; list-style: none; }
.conflicts li { padding: .55rem 0; border-bottom: 1px solid var(--rule); content-visibility: auto;
  contain-intrinsic-size: auto 5rem; }
.remedy { padding-left: .8rem; border-left: 2px solid var(--edge); }

.capacity { display: grid; gap: .8rem; max-width: 40rem; }
.capacity label { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; }
meter { width: 100%; height: .7rem; border: 0; appearance: none; background: var(--rule); border-radius: .35rem; }
meter::-webkit-meter-bar { height: .7rem; border: 0; border-radius: .35rem; background: var(--rule); }
meter::-webkit-meter-optimum-value { border-radius: .35rem; background: var(--update); }
meter::-webkit-meter-suboptimum-value { border-radius: .35rem; background: var(--release); }
meter::-moz-meter-bar { border-radius: .35rem; background: var(--update); }
meter:-moz-meter-sub-optimum::-moz-meter-bar { background: var(--release); }

.tree, .tree ul { margin: 0; padding-left: 1.2rem; }
.tree { padding-left: 1rem; }
.tree ul { border-left: 1px solid var(--rule); }
.tree li { padding: .1rem 0; }
.tree li::marker { color: var(--edge); }

.chart { display: grid; grid-template-columns: max-content minmax(0, max-content) max-content; gap: .5rem .8rem;
  align-items: end; margin: 0 0 .6rem; }
.chart svg { display: block; height: 2.2rem; max-width: 100%; border-bottom: 1px solid var(--edge); }
.chart rect { fill: var(--muted); }
.chart .create rect { fill: var(--create); }
.chart .update rect { fill: var(--update); }
.chart .delete rect, .chart .failed rect { fill: var(--delete); }
.chart span { color: var(--ink); font-weight: 400; }
footer { margin-top: 4rem; color: var(--muted); font-size: .9rem; }

@media (min-width: 56rem) {
  header .facts { grid-template-columns: max-content minmax(0, 1fr) max-content minmax(0, 1fr); }
}
@media (max-width: 40rem) {
  .changes summary { display: flex; flex-wrap: wrap; gap: 0 .6rem; }
  .changes summary .kind { display: inline; }
  .changes .state { margin-left: auto; }
  .changes .why { order: 1; flex-basis: 100%; padding-left: 1.6rem; }
  .body { padding-left: 1.8rem; }
  .facts { gap: .1rem .8rem; }
  .figures div { min-width: 6rem; }
  table { font-size: .9rem; }
  th, td { padding-right: .5rem; }
  form label:not(.search) { flex: 1 1 28%; min-width: 0; }
  select { width: 100%; }
  .number:empty { display: none; }
  th.number { white-space: normal; }
  form button { flex: 1 1 8rem; }
}
@media print {
  :root { color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 9.5pt; }
  nav, form { display: none !important; }
  h2 { break-after: avoid; }
  .wide { overflow: visible; }
  .wide table { min-width: 0; }
  .changes > li, .conflicts li { content-visibility: visible; break-inside: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
  meter, .chart rect, .mark { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
