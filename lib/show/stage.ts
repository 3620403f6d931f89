/** What `dgram-cat` shows of itself while it runs: its balance and its meters, over all inputs so far. */

import type { Stage } from '../cli/metrics.ts';
import type { Pass } from './pass.ts';

/** @param passes grows while the stage is looked at */
export function stageOf(passes: readonly Pass[]): Stage {
  const sum = (count: (pass: Pass) => number) => passes.reduce((total, pass) => total + count(pass), 0);
  return {
    balance: () => ({
      in: sum((pass) => pass.taken),
      out: sum((pass) => pass.shown),
      losses: { 'not-selected': sum((pass) => pass.notSelected) },
    }),
    meters: [
      {
        name: 'bytes_total',
        help: 'Bytes of the dgrams that came in',
        kind: 'counter',
        value: () => sum((p) => p.bytes),
      },
      {
        name: 'findings_total',
        help: 'What the checker found, by severity',
        kind: 'counter',
        label: 'severity',
        value: () => ({ error: sum((p) => p.log.errors), warning: sum((p) => p.log.warnings) }),
      },
      { name: 'inputs_total', help: 'Inputs begun', kind: 'counter', value: () => passes.length },
    ],
  };
}
