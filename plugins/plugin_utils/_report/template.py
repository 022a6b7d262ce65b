# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The page's markup, as Jinja2 templates that escape every value."""

from __future__ import annotations

PAGE = """
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{{ what }}: {{ title }}</title>
<style>{{ style | safe }}</style>
</head>
<body>
<header>
<p class="what">{{ what }}</p>
<h1>{{ title }}</h1>
{% if run %}
<p class="outcome"><strong class="{{ run.state }}">{{ run.state }}</strong> {{ run.headline }}</p>
{% if run.message %}
<p class="message">{{ run.message }}</p>
{% endif %}
{% else %}
<p class="outcome"><strong class="{{ status.status }}">{{ status.status | words }}</strong></p>
{% endif %}
{{ facts(head) }}
{% if sections | length > 1 %}
<nav aria-label="Sections">
<ul>
{% for id, name in sections %}
<li><a href="#{{ id }}">{{ name }}</a></li>
{% endfor %}
</ul>
</nav>
{% endif %}
</header>
<main>
{% if run %}
{% include "run" %}
{% endif %}
{% if conflicts %}
{% include "conflicts" %}
{% endif %}
{% if run and run.left %}
{% include "left" %}
{% endif %}
{% if run and run.recovered %}
{% include "recovered" %}
{% endif %}
{% if status %}
{% include "status" %}
{% endif %}
</main>
<footer>
<p>Made by pbxops.yeastar. The page holds all that it shows and loads nothing.</p>
</footer>
<script>{{ script | safe }}</script>
</body>
</html>
"""

RUN = """
{% if run.summary %}
<section aria-label="Counts">
<dl class="figures">
{% for name, number in run.summary.items() %}
{% set alarm = number and name in ("failed", "stopped", "conflicts") %}
<div{% if not number %} class="none"{% elif alarm %} class="alarm"{% endif %}>
<dt>{{ name | words }}</dt>
<dd>{{ number | thousands }}</dd>
</div>
{% endfor %}
</dl>
{% if run.summaries %}
<h2 id="kinds">By kind</h2>
<table>
<thead>
<tr>
<th scope="col">Count</th>
{% for kind in run.summaries %}
<th scope="col" class="count">{{ kind | words }}</th>
{% endfor %}
</tr>
</thead>
<tbody>
{% for name, number in run.summary.items() if number %}
<tr>
<th scope="row">{{ name | words }}</th>
{% for summary in run.summaries.values() %}
<td class="count">{{ summary.get(name, 0) | thousands }}</td>
{% endfor %}
</tr>
{% endfor %}
</tbody>
</table>
{% endif %}
</section>
{% endif %}
<section aria-labelledby="changes">
<h2 id="changes">Changes <small>{{ run.changes | length | thousands }}</small></h2>
{% if not run.lists_all %}
<p class="muted">Of a run that failed only what was not done is listed; the counts are of all.</p>
{% endif %}
{% if run.changes %}
<form id="filters" role="search" aria-label="Changes" hidden>
<label class="search">Search
<input type="search" name="search" autocomplete="off" spellcheck="false" aria-controls="change-list">
</label>
{% for name, choices in filters.items() %}
<label>{{ name | capitalize }}
<select name="{{ name }}" aria-controls="change-list">
<option value="">all</option>
{% for choice in choices %}
<option value="{{ choice }}">{{ choice if name == "action" else choice | words }}</option>
{% endfor %}
</select>
</label>
{% endfor %}
<button type="button" name="toggle">Open or close</button>
<button type="reset">Reset</button>
<output></output>
</form>
<ul class="changes" id="change-list">
{% for change in run.changes %}
<li data-kind="{{ change.kind }}" data-action="{{ change.action }}" data-state="{{ change.state }}">
<details{% if few or change.state in ("failed", "unknown") %} open{% endif %}>
<summary>
<span class="action {{ change.action }}">{{ change.action }}</span>
<span class="number">{{ change.number }}</span>
<span><b><bdi>{{ change.name }}</bdi></b> <span class="kind">{{ change.kind | words }}</span></span>
<span class="why">{{ change.explanation }}</span>
<span class="state {{ change.state }}">{{ change.state }}</span>
</summary>
{{ body(change) }}
</details>
</li>
{% endfor %}
</ul>
{% elif run.state == "failed" and not run.plan_id %}
<p>It ended before there was a plan; nothing was changed.</p>
{% else %}
<p>{{ "Nothing was left undone." if not run.lists_all else "Nothing is to change." if run.check_mode
      else "Nothing was changed." }}</p>
{% endif %}
</section>
"""

# What a macro needs is given to it: an included template does not see those of the page.
MACROS = """
{% macro facts(rows) %}
<dl class="facts">
{% for name, value in rows %}
<dt>{{ name }}</dt>
<dd>{{ value }}</dd>
{% endfor %}
</dl>
{% endmacro %}

{% macro body(change) %}
<div class="body">
{% if change.detail %}
<p class="{{ change.state }}">{{ change.detail }}</p>
{% endif %}
{% if change.action == "release" %}
<p>The {{ change.kind | words }} stays as it is and is the PBX administrator's again.</p>
{% endif %}
{% if change.steps %}
{% set was = change.steps | map(attribute="before") | reject("none") | list %}
{% set becomes = change.steps | map(attribute="after") | reject("none") | list %}
<table>
<thead><tr><th scope="col">Field</th>
{%- if was %} <th scope="col">Before</th>{% endif %}
{%- if becomes %} <th scope="col">After</th>{% endif %}</tr></thead>
<tbody>
{% for step in change.steps %}
<tr><th scope="row">{{ step.name | words }}{% if step.drift %} <span class="mark">drift</span>{% endif %}</th>
{%- if was %} <td class="before">{{ step.before or "\N{EM DASH}" }}</td>{% endif %}
{%- if becomes %} <td>{{ step.after or "\N{EM DASH}" }}</td>{% endif %}</tr>
{% endfor %}
</tbody>
</table>
{% endif %}
{% if change.members_added or change.members_removed %}
<dl class="members">
{% for name, members in (("Members in", change.members_added), ("Members out", change.members_removed)) if members %}
<dt>{{ name }} ({{ members | length }})</dt>
<dd>{% for member in members %}<bdi>{{ member }}</bdi>{{ ", " if not loop.last }}{% endfor %}</dd>
{% endfor %}
</dl>
{% endif %}
<p class="origin muted">{{ change.dn }}
{%- if change.guid %}; objectGUID {{ change.guid }}{% endif %}
{%- if change.object_id %}; PBX id {{ change.object_id }}{% endif %}</p>
</div>
{% endmacro %}
"""

CONFLICTS = """
<section aria-labelledby="conflicts">
<h2 id="conflicts">Conflicts <small>{{ conflicts | length | thousands }}</small></h2>
<ul class="conflicts">
{% for conflict in conflicts %}
{% set problem, remedy = conflict.message | sentences %}
<li>
<p><b><bdi>{{ conflict.name }}</bdi></b> <code class="muted">{{ conflict.code }}</code></p>
{% if problem %}
<p>{{ problem }}</p>
{% endif %}
<p class="remedy">{{ remedy }}</p>
</li>
{% endfor %}
</ul>
</section>
"""

LEFT = """
<section aria-labelledby="left">
<h2 id="left">Left as set by hand <small>{{ run.left | length | thousands }}</small></h2>
<p>Somebody changed these on the PBX by hand since they were last written.</p>
<div class="wide" role="region" aria-label="Table of what is left" tabindex="0">
<table>
<thead><tr><th scope="col">Object</th><th scope="col">Field</th><th scope="col">Written</th>
<th scope="col">Directory</th><th scope="col">On the PBX</th></tr></thead>
<tbody>
{% for one in run.left %}
<tr><th scope="row">{{ one.kind | words }} {{ one.number }} <bdi>{{ one.name }}</bdi></th>
<td>{{ one.field | words }}</td> <td>{{ one.written or "\N{EM DASH}" }}</td>
<td>{{ one.wanted or "\N{EM DASH}" }}</td> <td>{{ one.actual or "\N{EM DASH}" }}</td></tr>
{% endfor %}
</tbody>
</table>
</div>
</section>
"""

RECOVERED = """
<section aria-labelledby="recovered">
<h2 id="recovered">Recovered <small>{{ run.recovered | length | thousands }}</small></h2>
<p>An earlier run had begun these and did not finish. The PBX was asked what became of them.</p>
<ul>
{% for change in run.recovered %}
<li><span class="action {{ change.action }}">{{ change.action }}</span> {{ change.kind | words }}
<span class="number">{{ change.number }}</span> <b><bdi>{{ change.name }}</bdi></b>:
<span class="{{ change.state }}">{{ change.state }}</span>{{ ". " ~ change.detail if change.detail }}</li>
{% endfor %}
</ul>
</section>
"""

STATUS = """
{% if status.rules %}
<section aria-labelledby="rules">
<h2 id="rules">Rules</h2>
{% for rule in status.rules %}
<h3>{{ rule.kind | words | capitalize }} <small>{{ "enabled" if rule.enabled else "paused" }},
{{ "synchronized" if rule.synchronized else "not synchronized yet" }}
{%- if rule.saved_at %}, saved {{ rule.saved_at | moment }}{% endif %}</small></h3>
{% if rule.settings %}
<details>
<summary>Options</summary>
{{ facts(rule.settings.items()) }}
</details>
{% endif %}
{% endfor %}
</section>
{% endif %}
{% if status.schedule %}
<section aria-labelledby="schedule">
<h2 id="schedule">Schedule</h2>
{{ facts(schedule) }}
</section>
{% endif %}
{% if status.capacity %}
<section aria-labelledby="capacity">
<h2 id="capacity">Capacity</h2>
<div class="capacity">
{% for one in status.capacity %}
<label><b>{{ (one.kind | words ~ "s") | capitalize }}</b>
<span>{{ one.used | thousands }} of {{ one.limit | thousands }} used, {{ one.left | thousands }} left</span>
<meter min="0" max="{{ [one.limit, 1] | max }}" value="{{ one.used }}" low="0" optimum="0"
 high="{{ one.limit * 0.9 }}"></meter>
</label>
{% endfor %}
</div>
</section>
{% endif %}
{% if status.associations %}
<section aria-labelledby="associations">
<h2 id="associations">Associated objects</h2>
<table>
<thead><tr><th scope="col">Kind</th><th scope="col" class="count">Number</th></tr></thead>
<tbody>
{% for kind, number in status.associations.items() %}
<tr><th scope="row">{{ kind | words }}</th> <td class="count">{{ number | thousands }}</td></tr>
{% endfor %}
</tbody>
</table>
</section>
{% endif %}
{% if status.drift %}
<section aria-labelledby="drift">
<h2 id="drift">Drift <small>{{ status.drift | length | thousands }}</small></h2>
<p>Somebody changed these on the PBX by hand. The next run puts it back or leaves it, as the rule says.</p>
<div class="wide" role="region" aria-label="Table of drift" tabindex="0">
<table>
<thead><tr><th scope="col">Object</th><th scope="col">Field</th><th scope="col">Written</th>
<th scope="col">On the PBX</th></tr></thead>
<tbody>
{% for one in status.drift %}
<tr><th scope="row">{{ one.kind | words }} {{ one.number }} <bdi>{{ one.name }}</bdi></th>
<td>{{ one.field | words }}</td> <td>{{ one.written or "\N{EM DASH}" }}</td>
<td>{{ one.actual or "\N{EM DASH}" }}</td></tr>
{% endfor %}
</tbody>
</table>
</div>
</section>
{% endif %}
{% if status.organizations %}
<section aria-labelledby="organizations">
<h2 id="organizations">Organizations</h2>
<p class="muted">With the number of extensions in each; synchronized ones are marked.</p>
<ul class="tree">
{% for one in status.organizations recursive %}
<li><bdi>{{ one.name }}</bdi> <span class="muted number">{{ one.extensions | thousands }}</span>
{%- if one.synchronized %} <span class="mark">synchronized</span>{% endif %}
{% if one.children %}
<ul>
{{ loop(one.children) }}</ul>
{% endif %}
</li>
{% endfor %}
</ul>
</section>
{% endif %}
{% if status.runs %}
<section aria-labelledby="runs">
<h2 id="runs">Runs</h2>
<div class="chart" aria-hidden="true">
{% for row in chart.rows %}
<span>{{ row.name }}</span>
<svg class="{{ row.action }}" width="{{ chart.width }}" height="{{ chart.height }}"
 viewBox="0 0 {{ chart.width }} {{ chart.height }}" preserveAspectRatio="none">
{% for bar in row.bars %}
<rect x="{{ bar.x }}" y="{{ chart.height - bar.height }}" width="{{ chart.bar_width }}" height="{{ bar.height }}"/>
{% endfor %}
</svg>
<span class="muted">{{ row.most }}</span>
{% endfor %}
</div>
<p class="muted">From the oldest on the left to the newest on the right; beside each row its highest value.
The table has the same figures, the newest first.</p>
<div class="wide" role="region" aria-label="Table of runs" tabindex="0">
<table>
<thead><tr><th scope="col">Started</th><th scope="col">Of</th><th scope="col">State</th>
<th scope="col" class="count">Created</th><th scope="col" class="count">Updated</th>
<th scope="col" class="count">Removed</th><th scope="col" class="count">Duration</th></tr></thead>
<tbody>
{% for one in runs %}
<tr><th scope="row" class="number">{{ one.started_at | moment }}</th>
<td>{{ one.kinds | map("words") | join(", ") }}</td>
<td><span class="{{ one.state }}">{{ one.state }}</span>{% if one.error %}<br> {{ one.error }}{% endif %}</td>
<td class="count">{{ one.created | thousands }}</td>
<td class="count">{{ one.updated | thousands }}</td>
<td class="count">{{ one.removed | thousands }}</td> <td class="count">{{ one.duration | duration }}</td></tr>
{% endfor %}
</tbody>
</table>
</div>
{% if status.runs | length > runs | length %}
<p class="muted">And {{ status.runs | length - runs | length }} older ones.</p>
{% endif %}
</section>
{% endif %}
"""

TEMPLATES = {
    "page": '{% from "macros" import facts, body %}' + PAGE,
    "macros": MACROS,
    "run": '{% from "macros" import body %}' + RUN,
    "conflicts": CONFLICTS,
    "left": LEFT,
    "recovered": RECOVERED,
    "status": '{% from "macros" import facts %}' + STATUS,
}
