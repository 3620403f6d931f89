/** Environments that end: nothing crashes, no thread or descriptor or mapping stays. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { IPC_PRIVATE, PosixQueue, PosixSharedMemory, SysvQueue, SysvSharedMemory } from '../src/index.ts';
import { descriptors, eventually, nameFor, threads } from './play.ts';

/** A worker does not inherit the loader for TypeScript. */
const start = `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then((tsx) => {
  tsx.register();
  return import(${JSON.stringify(new URL('./thread.ts', import.meta.url).href)});
});`;

t.test('a worker thread may end in any way with everything open', async (t) => {
  const [memory, queue] = [nameFor(t), nameFor(t)];
  const shared = PosixSharedMemory.create(memory, { size: 1 << 20 });
  const mainQueue = PosixQueue.create(queue);
  const sysv = SysvQueue.create(IPC_PRIVATE);
  const segment = SysvSharedMemory.create(IPC_PRIVATE, { size: 1 << 20 });
  t.teardown(() => {
    sysv.remove();
    segment.remove();
  });
  const run = async (ending: string) => {
    const workerData = { memory, queue, sysv: sysv.id, segment: segment.id, ending };
    const worker = new Worker(start, { workerData, eval: true });
    const ended = once(worker, 'exit');
    await once(worker, 'message');
    if (ending === 'forever') await worker.terminate();
    return (await ended)[0];
  };
  await run('close');
  const before = { threads: threads(), descriptors: descriptors() };
  for (let round = 0; round < 3; round++) {
    for (const ending of ['close', 'exit', 'exit in a callback']) t.equal(await run(ending), 0, ending);
    t.equal(await run('forever'), 1, 'terminated');
  }
  t.ok(await eventually(() => threads() <= before.threads), 'no thread stays');
  t.ok(await eventually(() => descriptors() <= before.descriptors), 'no descriptor stays');
  t.ok(await eventually(() => segment.stat().attached === 1), 'no mapping stays');
  t.equal(shared.bytes[0], shared.bytes[0] === 3 ? 3 : 1);
  shared.close();
  segment.close();
  mainQueue.close();
});
