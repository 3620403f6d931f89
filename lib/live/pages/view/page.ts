/** The page of daq-view: which plots there are, what the server says, and how old everything is. */

import { KINDS, type Offer, type OfferedField, type PlotFrame, type Status } from '../../view/messages.ts';
import { COLOUR_MAPS } from './image.ts';
import { ageText, Panel } from './panel.ts';

const STALE_MS = 3000;
const AGE_MS = 250;

function find<E extends Element>(id: string, kind: new () => E): E {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`the page has no ${id}`);
  return element;
}

const state = find('state', HTMLOutputElement);
const field = find('field', HTMLSelectElement);
const kind = find('kind', HTMLSelectElement);
const colours = find('colours', HTMLSelectElement);
const place = find('plots', HTMLElement);
const text = (id: string, words: string) => {
  find(id, HTMLElement).textContent = words;
};

const panels = new Map<string, Panel>();
let offer: Offer | undefined;
let status: Status | undefined;
let events: EventSource | undefined;
let connected = false;
/** Our clock less the server's, at the least: what is more is delay. */
let offset = Number.POSITIVE_INFINITY;

/** Plots of the address bar; undefined if it names none: then the server chooses. */
function asked(): string[] | undefined {
  const query = new URLSearchParams(location.search);
  return query.has('plot') ? query.getAll('plot').filter(Boolean) : undefined;
}

/** The address bar keeps the choice, so that it can be kept and passed on. */
function choose(keys: readonly string[]): void {
  const query = new URLSearchParams(keys.length === 0 ? [['plot', '']] : keys.map((key) => ['plot', key]));
  history.replaceState(null, '', `?${query}`);
  connect();
}

function connect(): void {
  events?.close();
  const keys = asked();
  if (keys !== undefined) lay(keys);
  events = new EventSource(`events${location.search}`);
  events.addEventListener('open', () => {
    connected = true;
    offset = Number.POSITIVE_INFINITY;
  });
  // It tries again by itself.
  events.addEventListener('error', () => {
    connected = false;
    showAges();
  });
  events.addEventListener('offer', ({ data }) => takeOffer(JSON.parse(data)));
  events.addEventListener('status', ({ data }) => takeStatus(JSON.parse(data)));
  events.addEventListener('plot', ({ data }) => {
    const frame: PlotFrame = JSON.parse(data);
    panels.get(frame.key)?.show(frame);
  });
}

/** One panel per plot, in this order. */
function lay(keys: readonly string[]): void {
  for (const [key, panel] of panels) {
    if (keys.includes(key)) continue;
    panel.close();
    panels.delete(key);
  }
  for (const key of keys) {
    let panel = panels.get(key);
    if (panel === undefined) {
      panel = new Panel({
        key,
        time: () => offer?.axis !== 'heartbeat',
        colours: () => colours.value,
        onRemove: () => choose([...panels.keys()].filter((other) => other !== key)),
      });
      panels.set(key, panel);
    }
    place.append(panel.element);
  }
}

function takeOffer(next: Offer): void {
  offer = next;
  text('source', next.source);
  document.title = `${next.source} - daq-view`;
  if (asked() === undefined) lay(next.usual);
  const chosen = field.value;
  field.replaceChildren(...next.fields.map(({ name, type }) => new Option(`${name} ${type}`, name)));
  if (next.fields.some(({ name }) => name === chosen)) field.value = chosen;
  offerKinds();
}

function offerKinds(): void {
  const found: OfferedField | undefined = offer?.fields.find(({ name }) => name === field.value);
  kind.replaceChildren(...(found?.kinds ?? KINDS).map((name) => new Option(name, name)));
}

function takeStatus(next: Status): void {
  status = next;
  connected = true;
  offset = Math.min(offset, Date.now() - next.now);
  text('time', next.time);
  text('counts', `${next.events} events; ${next.sent} messages, ${next.replaced} passed over`);
  showAges();
}

function showAges(): void {
  const now = Date.now() - (Number.isFinite(offset) ? offset : 0);
  const age = status?.arrived === undefined ? undefined : Math.max(0, now - status.arrived);
  const over = !connected || status?.state === 'ended';
  const shown = !connected
    ? status === undefined
      ? 'connecting'
      : 'lost'
    : status?.state === 'ended'
      ? 'ended'
      : age === undefined
        ? 'waiting'
        : age > STALE_MS
          ? 'stale'
          : 'live';
  document.body.dataset.state = shown;
  document.body.dataset.stale = String(over || shown === 'stale');
  state.textContent = WORDS[shown];
  text('age', `${age === undefined ? '' : `data ${ageText(age)}`}${status?.words ? ` (${status.words})` : ''}`);
  for (const panel of panels.values()) panel.showAge(now, STALE_MS, over);
}

const WORDS = {
  connecting: 'connecting',
  waiting: 'waiting for data',
  live: 'live',
  stale: 'stale',
  ended: 'the input has ended',
  lost: 'daq-view does not answer',
} as const;

colours.replaceChildren(...COLOUR_MAPS.map((name) => new Option(name, name)));
colours.addEventListener('change', () => {
  for (const panel of panels.values()) panel.redraw();
});
field.addEventListener('change', offerKinds);
find('add', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  if (field.value === '') return;
  // The usual kind needs no name.
  const usual = kind.selectedIndex <= 0;
  choose([...new Set([...panels.keys(), usual ? field.value : `${field.value}=${kind.value}`])]);
});
setInterval(showAges, AGE_MS);
connect();
