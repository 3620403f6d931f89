/**
 * Round trips from this thread to a C responder, against the same ping-pong with C at both ends in the same minute.
 *   npm run bench [-- --ms 300 --rounds 5 --pin]
 * --pin keeps everything on one core (needs taskset): the scheduler's choice of cores changes the figures more than anything here.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EventFd, FutexWord, IPC_PRIVATE, PosixQueue, PosixSharedMemory, SysvQueue } from '../src/index.ts';

const { values } = parseArgs({
  options: {
    ms: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '5' },
    pin: { type: 'boolean', default: false },
  },
});
const milliseconds = Number(values.ms);
const rounds = Number(values.rounds);

if (values.pin && process.env.SHIM_BENCH_PINNED === undefined) {
  const args = ['-c', '0', process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const { status } = spawnSync('taskset', args, { stdio: 'inherit', env: { ...process.env, SHIM_BENCH_PINNED: '1' } });
  process.exit(status ?? 1);
}

// A reader that leaves (`| head`) must not keep the objects from being removed.
process.stdout.on('error', () => {});

const folder = mkdtempSync(join(tmpdir(), 'shim-bench-'));
const program = join(folder, 'pingpong');
execFileSync('cc', ['-O2', '-D_GNU_SOURCE', '-o', program, join(import.meta.dirname, 'pingpong.c'), '-lrt']);

type Kind = 'mq' | 'sysv' | 'futex' | 'eventfd';
interface Way {
  kind: Kind;
  name: string;
  /** Round trips per second. */
  run: () => Promise<number>;
}

const ping = Buffer.from('ping....');
const patience = 5000;

function responder(kind: Kind, a: string | number, b: string | number, stdio: number[] = []): ChildProcess {
  return spawn(program, ['respond', kind, String(a), String(b)], { stdio: ['ignore', 'inherit', 'inherit', ...stdio] });
}

/** Calls `trip` until the time is over. */
function blocking(trip: () => void): number {
  for (let i = 0; i < 1000; i++) trip();
  const start = performance.now();
  let trips = 0;
  do {
    for (let i = 0; i < 64; i++) trip();
    trips += 64;
  } while (performance.now() - start < milliseconds);
  return (trips / (performance.now() - start)) * 1000;
}

/** `send` starts a trip; the function given to `listen` must be called at its end. */
function looping(send: () => void, listen: (arrived: () => void) => void): Promise<number> {
  return new Promise((resolve) => {
    let trips = -1000;
    let start = 0;
    listen(() => {
      trips++;
      if (trips === 0) start = performance.now();
      if (trips > 0 && trips % 64 === 0 && performance.now() - start >= milliseconds) {
        resolve((trips / (performance.now() - start)) * 1000);
      } else {
        send();
      }
    });
    send();
  });
}

function must(done: boolean): void {
  if (!done) throw new Error('the responder did not answer in time');
}

async function withMq(
  play: (out: PosixQueue, back: PosixQueue, into: Buffer) => Promise<number> | number,
): Promise<number> {
  const names = [`/shim_bench_${process.pid}_a`, `/shim_bench_${process.pid}_b`] as const;
  const sizes = { maxMessages: 1, messageSize: 8 };
  const out = PosixQueue.create(names[0], { ...sizes, access: 'write' });
  const back = PosixQueue.create(names[1], { ...sizes, access: 'read' });
  const child = responder('mq', ...names);
  try {
    return await play(out, back, Buffer.alloc(8));
  } finally {
    child.kill('SIGKILL');
    for (const queue of [out, back]) queue.close();
    for (const name of names) PosixQueue.unlink(name);
  }
}

async function withSysv(
  play: (out: SysvQueue, back: SysvQueue, into: Buffer) => Promise<number> | number,
): Promise<number> {
  const out = SysvQueue.create(IPC_PRIVATE);
  const back = SysvQueue.create(IPC_PRIVATE);
  const child = responder('sysv', out.id, back.id);
  try {
    return await play(out, back, Buffer.alloc(64));
  } finally {
    child.kill('SIGKILL');
    for (const queue of [out, back]) queue.remove();
  }
}

async function withWords(play: (out: FutexWord, back: FutexWord) => Promise<number> | number): Promise<number> {
  const name = `/shim_bench_${process.pid}`;
  const memory = PosixSharedMemory.create(name, { size: 4096 });
  const child = responder('futex', name, '-');
  try {
    return await play(new FutexWord(memory, 0), new FutexWord(memory, 64));
  } finally {
    child.kill('SIGKILL');
    memory.close();
    PosixSharedMemory.unlink(name);
  }
}

async function withEvents(play: (out: EventFd, back: EventFd) => Promise<number> | number): Promise<number> {
  const out = EventFd.create();
  const back = EventFd.create();
  const child = responder('eventfd', 3, 4, [out.fd, back.fd]);
  try {
    return await play(out, back);
  } finally {
    child.kill('SIGKILL');
    for (const event of [out, back]) event.close();
  }
}

function bump(word: FutexWord): void {
  word.add(1);
  word.wake();
}

const ways: Way[] = [
  {
    kind: 'mq',
    name: 'POSIX queue, event loop',
    run: () =>
      withMq((out, back) =>
        looping(
          () => must(out.trySend(ping)),
          (arrived) => back.watch(arrived),
        ),
      ),
  },
  {
    kind: 'mq',
    name: 'POSIX queue, blocking',
    run: () =>
      withMq((out, back, into) => blocking(() => must(out.send(ping, patience) && back.receive(into, patience) >= 0))),
  },
  ...[50, 0].map(
    (spinMicroseconds): Way => ({
      kind: 'sysv',
      name: `SysV queue, event loop, looking ${spinMicroseconds} us`,
      run: () =>
        withSysv((out, back) =>
          looping(
            () => must(out.trySend(ping)),
            (arrived) => back.watch(arrived, { spinMicroseconds }),
          ),
        ),
    }),
  ),
  {
    kind: 'sysv',
    name: 'SysV queue, blocking',
    run: () =>
      withSysv((out, back, into) =>
        blocking(() => must(out.send(ping, patience) && back.receive(into, patience) >= 0)),
      ),
  },
  ...[50, 0].map(
    (spinMicroseconds): Way => ({
      kind: 'futex',
      name: `futex word, event loop, looking ${spinMicroseconds} us`,
      run: () =>
        withWords((out, back) =>
          looping(
            () => bump(out),
            (arrived) => back.watch(arrived, { spinMicroseconds }),
          ),
        ),
    }),
  ),
  {
    kind: 'futex',
    name: 'futex word, blocking',
    run: () =>
      withWords((out, back) =>
        blocking(() => {
          const seen = back.load();
          bump(out);
          while (back.load() === seen) must(back.wait(seen, patience));
        }),
      ),
  },
  {
    kind: 'eventfd',
    name: 'eventfd, event loop',
    run: () =>
      withEvents((out, back) =>
        looping(
          () => must(out.signal()),
          (arrived) => back.watch(arrived),
        ),
      ),
  },
  {
    kind: 'eventfd',
    name: 'eventfd, blocking',
    run: () => withEvents((out, back) => blocking(() => must(out.signal() && back.take(patience) > 0))),
  },
];

const median = (list: number[]) => list.toSorted((a, b) => a - b)[list.length >> 1] as number;
const thousands = (rate: number) => (rate / 1000).toFixed(1).padStart(7);

try {
  const where = process.env.SHIM_BENCH_PINNED === undefined ? 'cores chosen by the scheduler' : 'all on one core';
  console.log(`thousand round trips per second, median of ${rounds} x ${milliseconds} ms, ${where}`);
  console.log(`${''.padEnd(40)}   Node       C   Node / C`);
  for (const { kind, name, run } of ways) {
    const ours: number[] = [];
    const reference: number[] = [];
    for (let round = 0; round < rounds; round++) {
      reference.push(Number(execFileSync(program, ['measure', kind, String(milliseconds)], { encoding: 'utf8' })));
      ours.push(await run());
    }
    const ratio = median(ours.map((rate, i) => rate / (reference[i] as number)));
    console.log(`${name.padEnd(40)}${thousands(median(ours))} ${thousands(median(reference))}   ${ratio.toFixed(2)}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
