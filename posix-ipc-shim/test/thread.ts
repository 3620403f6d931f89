/** A worker_thread of threads.test.ts: opens everything, then ends in the way that it is told. */
import { parentPort, workerData } from 'node:worker_threads';
import { EventFd, FutexWord, PosixQueue, PosixSharedMemory, SysvQueue, SysvSharedMemory } from '../src/index.ts';

const { memory, queue, sysv, segment, ending } = workerData as {
  memory: string;
  queue: string;
  sysv: number;
  segment: number;
  ending: 'close' | 'exit' | 'exit in a callback' | 'forever';
};

const mapped = PosixSharedMemory.open(memory);
const attached = SysvSharedMemory.attach(segment);
mapped.bytes[0] = 1;
attached.bytes[0] = 1;
const posixQueue = PosixQueue.open(queue);
const sysvQueue = SysvQueue.fromId(sysv);
const event = EventFd.create();
const watches = [
  posixQueue.watch(() => {}),
  sysvQueue.watch(() => {}),
  new FutexWord(mapped, 64).watch(() => ending === 'exit in a callback' && process.exit(0)),
  event.watch(() => {}),
];
parentPort?.postMessage('ready');

if (ending === 'close') {
  for (const resource of [...watches, mapped, attached, posixQueue, sysvQueue, event]) resource.close();
} else if (ending === 'exit') {
  process.exit(0);
} else if (ending === 'exit in a callback') {
  const word = new FutexWord(mapped, 64);
  word.add(1);
  word.wake();
} else {
  // Busy on purpose: it is terminated in the middle of callbacks.
  const spin = () => {
    event.signal();
    mapped.bytes.fill(3);
    setImmediate(spin);
  };
  spin();
}
