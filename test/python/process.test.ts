/** Python processes end, with everything that they started. */

import { once } from 'node:events';
import { isSameProcess, processStatus } from 'posix-ipc-shim';
import t from 'tap';
import { findInterpreter } from '../../lib/python/interpreter.ts';
import { PythonProcess } from '../../lib/python/process.ts';

/** Starts a helper that outlives its parent unless somebody ends it, and tells its pid on fd 4. */
const LEAVES_A_CHILD = `
import os, subprocess, sys, time
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
os.write(4, b"%d\\n" % helper.pid)
os.read(3, 1)
`;

for (const how of ['is killed', 'ends by itself']) {
  t.test(`what a script started does not outlive it when it ${how}`, async (t) => {
    const { command } = await findInterpreter();
    const python = new PythonProcess({ command, args: ['-c', LEAVES_A_CHILD], pipes: true });
    const [line] = (await once(python.fromProcess, 'data')) as [Buffer];
    const helper = Number(String(line));
    const { startTicks } = processStatus(helper)!;
    t.equal(isSameProcess(helper, startTicks), true, 'the helper runs');
    if (how === 'is killed') python.signal('SIGKILL');
    else python.toProcess.write('\n');
    const { signal } = await python.exited;
    t.equal(signal, how === 'is killed' ? 'SIGKILL' : null);
    for (let i = 0; i < 500 && isSameProcess(helper, startTicks); i++) await new Promise((go) => setTimeout(go, 10));
    t.equal(isSameProcess(helper, startTicks), false, 'the helper is gone');
  });
}
