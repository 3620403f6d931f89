/** What a live server tells: balance, lines per client, metrics. */

import type { Balance } from '../../cli/balance.ts';
import type { Meter } from '../../cli/metrics.ts';
import type { LiveClient } from './live-client.ts';
import type { LiveCore } from './live-core.ts';

/** events in = delivered + each kind of loss + inside (spec live.md, "Counters"). */
export function balanceOf(core: LiveCore | undefined): Balance {
  if (core === undefined) return { in: 0, out: 0, losses: {} };
  const { in: all, delivered, noBuffer, noClient, ...others } = core.events.counts;
  const { badReturns, sent, late } = core.totals;
  return {
    in: all,
    out: delivered,
    losses: { ...others, 'no-buffer': noBuffer, 'no-client': noClient, inside: core.events.inside },
    info: {
      transitions: core.transitions.in,
      'transitions sent': sent,
      'of those late': late,
      'early transitions': core.transitions.early,
      clients: core.joined,
      rejected: core.rejected,
      'bad-return': badReturns,
      ...core.evicted,
    },
  };
}

/** One line per client: those that are there, and the last ones that were. */
export function clientLines(core: LiveCore | undefined): string[] {
  if (core === undefined) return [];
  return [...core.former.map((client) => lineOf(client, true)), ...core.clients.map((client) => lineOf(client, false))];
}

const MS = 1000;

function lineOf(client: LiveClient, over: boolean): string {
  const { number, offered, returned, stolen, recalled, left, sent, late, pending, unreturned, badReturns, age } =
    client;
  const waiting = client.waiting();
  const taken = client.taken();
  const bad = badReturns > 0 ? `, bad-return ${badReturns}` : '';
  return (
    `client ${number}${over ? ' (left)' : ''}: events offered ${offered} = taken ${taken} + stolen ${stolen} + recalled ${recalled} + left ${left} + queued ${waiting}` +
    `; returned ${returned}, held ${over ? 0 : taken - returned}${bad}; transitions sent ${sent} (late ${late}), unreturned ${unreturned.size}, waiting ${pending.length}` +
    `; age ${(age * MS).toFixed(1)} ms`
  );
}

/** Per client, by number. */
const each = (core: LiveCore | undefined, value: (client: LiveClient) => number): Record<string, number> =>
  Object.fromEntries((core?.clients ?? []).map((client) => [String(client.number), value(client)]));

/** @param core asked when somebody looks */
export function metersOf(core: () => LiveCore | undefined): Meter[] {
  const perClient = (
    name: string,
    help: string,
    kind: Meter['kind'],
    value: (client: LiveClient) => number,
  ): Meter => ({
    name,
    help,
    kind,
    label: 'client',
    value: () => each(core(), value),
  });
  return [
    { name: 'live_clients', help: 'Clients there are', kind: 'gauge', value: () => core()?.clients.length ?? 0 },
    {
      name: 'event_age_seconds',
      help: 'From the arrival of an event to its return, of the last 1024, by quantile',
      kind: 'gauge',
      label: 'quantile',
      value: () => ({ '0.5': core()?.ages.quantile(0.5) ?? 0, '0.99': core()?.ages.quantile(0.99) ?? 0 }),
    },
    perClient('client_offered_total', 'Events given to a client', 'counter', ({ offered }) => offered),
    perClient('client_taken_total', 'Events that a client has taken', 'counter', (client) => client.taken()),
    perClient('client_stolen_total', 'Events that made room for newer ones', 'counter', ({ stolen }) => stolen),
    perClient('client_recalled_total', 'Events taken back at a transition', 'counter', ({ recalled }) => recalled),
    perClient('client_held', 'Events that a client has in hand', 'gauge', (client) => client.taken() - client.returned),
    perClient('client_transitions_total', 'Transitions sent to a client', 'counter', ({ sent }) => sent),
    perClient('client_waiting', 'Transitions that wait for a client', 'gauge', ({ pending }) => pending.length),
    perClient('client_age_seconds', 'Age of the last event that a client returned', 'gauge', ({ age }) => age),
  ];
}
