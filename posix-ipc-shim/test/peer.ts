/** The other process of the tests: `node --import tsx peer.ts ROLE ARGUMENTS...`, told apart by exit status and output. */
import { FutexWord, PosixQueue, PosixSharedMemory, SysvQueue, SysvSharedMemory } from '../src/index.ts';

const [role, ...args] = process.argv.slice(2) as [string, ...string[]];

/** Sends back every message as it came; one of a single byte 0 ends it. */
function echo(from: PosixQueue | SysvQueue, to: PosixQueue | SysvQueue): void {
  const watch = from.watch((buffer, length, type) => {
    const end = length === 1 && buffer[0] === 0;
    const copy = Buffer.from(buffer.subarray(0, length));
    const sent = to instanceof PosixQueue ? to.sendSoon(copy, { priority: type }) : to.sendSoon(copy, { type });
    if (end) {
      watch.close();
      sent.then(() => process.exit(0));
    }
  });
}

/** Prints the code of the error, or `opened`. */
function tryOpen(open: () => void): void {
  try {
    open();
    console.log('opened');
  } catch (error) {
    console.log(error instanceof Error && 'code' in error ? error.code : String(error));
  }
}

/** Blocks in the wanted way while signals come in; prints the result and whether the limit was kept. */
function interrupted(kind: string): void {
  let signals = 0;
  process.on('SIGUSR2', () => signals++);
  const limit = 700;
  const into = Buffer.alloc(8192);
  let result: unknown;
  const wait: Record<string, () => unknown> = {
    posix: () => PosixQueue.open(args[1] as string).receive(into, limit),
    posixFull: () => PosixQueue.open(args[1] as string).send(Buffer.from('x'), limit),
    sysv: () => SysvQueue.fromId(Number(args[1])).receive(into, limit),
    sysvFull: () => SysvQueue.fromId(Number(args[1])).send(Buffer.alloc(4000), limit),
    futex: () => new FutexWord(PosixSharedMemory.open(args[1] as string), 0).wait(0, limit),
  };
  console.log('waiting');
  const start = performance.now();
  result = wait[kind]?.();
  const kept = performance.now() - start >= limit - 1;
  setImmediate(() =>
    setImmediate(() => {
      console.log(JSON.stringify({ result, kept, signals: signals > 0 }));
      process.exit(0);
    }),
  );
}

switch (role) {
  case 'echo-posix':
    echo(
      PosixQueue.open(args[0] as string, { access: 'read' }),
      PosixQueue.open(args[1] as string, { access: 'write' }),
    );
    break;
  case 'echo-sysv':
    echo(SysvQueue.fromId(Number(args[0])), SysvQueue.fromId(Number(args[1])));
    break;
  case 'open-posix-memory':
    tryOpen(() => PosixSharedMemory.open(args[0] as string));
    break;
  case 'open-posix-queue':
    tryOpen(() => PosixQueue.open(args[0] as string));
    break;
  case 'open-sysv':
    tryOpen(() => SysvSharedMemory.attach(Number(args[0])));
    break;
  case 'interrupted':
    interrupted(args[0] as string);
    break;
  default:
    throw new Error(`no such role: ${role}`);
}
