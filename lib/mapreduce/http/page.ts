/** The page of the controller: progress, services, log. Everything shown is put in as text, never as HTML. */

import type { Reply } from './server.ts';

const HTML = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>map-control</title><style>
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; max-width: 70em }
table { border-collapse: collapse } td, th { text-align: left; padding: .1em 1em .1em 0; font-variant-numeric: tabular-nums }
progress { width: 100% } pre { background: #f4f4f4; padding: 1em; overflow: auto; max-height: 20em }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd } pre { background: #222 } }
</style></head><body>
<h1>map-control</h1><p id="line">...</p><progress id="bar" max="1" value="0"></progress>
<h2>Services</h2><table id="services"></table><h2>Log</h2><pre id="log"></pre>
<script>
const get = async (path) => (await fetch('/api/v1/' + path)).json();
const row = (...cells) => { const tr = document.createElement('tr');
  for (const cell of cells) tr.appendChild(document.createElement('td')).textContent = cell; return tr };
async function show() {
  try {
    const [p, c, logs] = await Promise.all([get('progress'), get('config'), get('logs?level=INFO')]);
    document.getElementById('line').textContent = p.phase + ': ' + p.completed_events + ' of ' + p.total_events +
      ' events complete, ' + p.damaged + ' damaged, ' + p.incomplete + ' incomplete' + (p.open ? ', open' : '');
    document.getElementById('bar').value = p.total_events ? p.completed_events / p.total_events : 0;
    const services = [...c.ingesters.map((s) => ['ingester', s, s.streams.join(' ')]),
      ...c.workers.map((s) => ['worker', s, s.tags.join(' ')]), ...(c.reducer ? [['reducer', c.reducer, '']] : [])];
    document.getElementById('services').replaceChildren(row('role', 'name', 'events', 'per second', ''),
      ...services.map(([role, s, more]) => row(role, s.name, s.processed_events, s.event_rate.toFixed(1), more)));
    document.getElementById('log').textContent = logs.slice(-50).map((l) => l.levelname + ' ' + l.name + ': ' + l.msg).join('\\n');
  } catch (error) { document.getElementById('line').textContent = String(error) }
  setTimeout(show, 1000);
}
show();
</script></body></html>
`;

export const CONTROL_PAGE: Reply = {
  type: 'text/html; charset=utf-8',
  body: HTML,
  headers: { 'content-security-policy': "default-src 'self' 'unsafe-inline'", 'x-content-type-options': 'nosniff' },
};
