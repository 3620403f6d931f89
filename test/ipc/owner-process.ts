/** Run by tests as a process of its own: owns a set of objects until stdin ends, or opens and closes sets until it is killed. */

import { DaqError } from '../../lib/errors.ts';
import { openIpcSet } from '../../lib/ipc/open.ts';
import type { IpcSetOptions } from '../../lib/ipc/types.ts';

interface Order {
  transport: 'sysv' | 'posix';
  options: IpcSetOptions;
  /** Open, recreate and close again and again. */
  churn?: boolean;
}

const order = JSON.parse(process.argv[2]!) as Order;
const open = () =>
  order.transport === 'sysv'
    ? openIpcSet({ ...order.options, transport: 'sysv' })
    : openIpcSet({ ...order.options, transport: 'posix' });
const tell = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`);

try {
  if (order.churn) {
    for (let cycle = 0; ; cycle++) {
      const set = open();
      set.recreate(0, { segments: 'fresh' });
      // Closing takes longer than opening; without a pause few kills would come while there are objects.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * Math.random());
      set.close();
      // Told only when everything is warm: from now on it spends its time among objects.
      if (cycle === 10) tell({ opened: true });
    }
  }
  const set = open();
  set.markForRemoval();
  tell({ opened: true, staleRemoved: set.staleRemoved, probe: set.probe });
  process.stdin.resume().on('end', () => set.close());
} catch (error) {
  if (!(error instanceof DaqError)) throw error;
  tell({ opened: false, code: error.code, message: error.message });
}
