/** What `--metrics` shows of `meb-route build`; names of the existing system where the meaning is the same (spec teb.md, section 10). */

import type { Meter } from '../../cli/metrics.ts';
import type { RouteState } from './counts.ts';

export function routeMeters(state: () => RouteState): Meter[] {
  const meter =
    (kind: Meter['kind']) =>
    (name: string, help: string, value: (state: RouteState) => number): Meter => ({
      name,
      help,
      kind,
      exact: true,
      value: () => value(state()),
    });
  const counter = meter('counter');
  const gauge = meter('gauge');
  const total = ({ buffers }: RouteState, of: 'all' | 'idle' | 'announced' | 'held') =>
    buffers.reduce((sum, one) => sum + one[of], 0);
  return [
    counter('MEB_EvtCt', 'monitored events that were built', ({ counts }) => counts.events),
    counter('MEB_TrCt', 'transitions that were built', ({ counts }) => counts.transitions),
    counter('MEB_ReqCt', 'free buffers announced', ({ announced }) => announced),
    ...Array.from({ length: 8 }, (_, group) =>
      counter(`MEB_RogCt${group}`, `monitored events of readout group ${group}`, ({ counts }) => counts.groups[group]!),
    ),
    gauge('MRQ_BufCt', 'buffers that are free or announced', (now) => total(now, 'idle') + total(now, 'announced')),
    gauge('MRQ_BufCtMax', 'buffers in all', (now) => total(now, 'all')),
    counter('meb_too_big', 'events that were too big for their client', ({ counts }) => counts.tooBig),
    counter('meb_no_client', 'events for which nobody was there', ({ counts }) => counts.noClient),
    counter('meb_client_left', 'events that a client had not taken when it left', ({ clients }) => clients.lost),
    gauge('meb_clients', 'clients that are there', ({ connected }) => connected),
    {
      name: 'meb_held',
      help: 'buffers that a client holds',
      kind: 'gauge',
      exact: true,
      label: 'client',
      value: () => state().held,
    },
  ];
}
