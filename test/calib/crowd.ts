/**
 * Many subscribers who join at random times around every BeginRun of a real calib-pub, some through the zeromq library, some by hand, some of
 * npy-frames, some of pickles. Every one must get every run that it was there for exactly once.
 */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Subscriber } from 'zeromq';
import { Random } from '../random.ts';
import { constantsFolder, DETECTOR, PubProcess, privateFolder, serveConstants } from './pub-process.ts';
import { RawSubscriber } from './raw-subscriber.ts';

export interface CrowdResult {
  /** Copies that somebody got twice or of another run. */
  wrong: number;
  copies: number;
  late: number;
  /** Requests at the service. */
  lists: number;
  contents: number;
  /** Last line of calib-pub. */
  verdict: string;
  status: number | null;
}

interface Member {
  /** Runs that it should have got. */
  due: number;
  count(): number;
  /** Numbers of runs as far as the format says them. */
  runs(): (number | undefined)[];
  received(count: number): Promise<unknown>;
  leave(): void;
}

/** Milliseconds in which BeginRun comes, and in which newcomers join. */
const BEGIN_WITHIN = 8;
const JOIN_WITHIN = 24;
const LEAVES = 0.3;
const BY_LIBRARY = 0.2;

/** @param test for its clean-up */
export async function crowd(
  test: { teardown(end: () => unknown): void },
  { runs, subscribers, seed }: { runs: number; subscribers: number; seed: number },
): Promise<CrowdResult> {
  const random = new Random(seed);
  const folder = privateFolder(test);
  const { url, requests } = await serveConstants(test, constantsFolder(folder));
  const paths = [join(folder, 'frames.sock'), join(folder, 'pickles.sock')];
  const binds = [`ipc://${paths[0]}=npy-frames`, `ipc://${paths[1]}=pickle`];
  const pub = new PubProcess(test, [
    ...['-d', 'epix:0', '--det', DETECTOR, '--control', '--source', url],
    ...binds.flatMap((bind) => ['--bind', bind]),
  ]);
  await pub.says(/pickle at/);
  const members: (Member | undefined)[] = Array.from({ length: subscribers });
  const join_ = (): Member => {
    const path = paths[random.below(2)]!;
    return random.chance(BY_LIBRARY) ? byLibrary(path) : byHand(path);
  };
  const result: CrowdResult = { wrong: 0, copies: 0, late: 0, lists: 0, contents: 0, verdict: '', status: null };
  for (let run = 1; run <= runs; run++) {
    const joining = members.map(async (member, i) => {
      if (member !== undefined) return;
      await sleep(random.below(JOIN_WITHIN));
      members[i] = join_();
    });
    await sleep(random.below(BEGIN_WITHIN));
    await pub.begin(run);
    await Promise.all(joining);
    await Promise.all(members.map((member) => member!.received(++member!.due)));
    await pub.tell({ cmd: 'end' });
    for (const [i, member] of members.entries()) {
      if (!member || (run < runs && !random.chance(LEAVES))) continue;
      result.copies += member.count();
      result.wrong += wrongOnes(member, run);
      member.leave();
      members[i] = undefined;
    }
  }
  pub.child.stdin!.end();
  result.status = (await pub.ended).status;
  result.verdict = pub.stderr.trim().split('\n').at(-1)!;
  result.late = Number(/late (\d+)/.exec(result.verdict)?.[1] ?? 0);
  result.contents = requests.filter(({ path }) => path.includes('gridfs')).length;
  result.lists = requests.length - result.contents;
  return result;
}

/** Copies too many, and copies of other runs than the last ones. */
function wrongOnes({ due, count, runs }: Member, last: number): number {
  const foreign = runs().filter((run, i) => run !== undefined && run !== last - due + 1 + i).length;
  return Math.abs(count() - due) + foreign;
}

function byHand(path: string): Member {
  const subscriber = new RawSubscriber({ path });
  return {
    due: 0,
    count: () => subscriber.messages.length,
    runs: () => subscriber.messages.map(runOf),
    received: (count) => subscriber.received(count),
    leave: () => subscriber.leave(),
  };
}

function byLibrary(path: string): Member {
  const socket = new Subscriber({ linger: 0 });
  socket.subscribe();
  socket.connect(`ipc://${path}`);
  const messages: Buffer[][] = [];
  return {
    due: 0,
    count: () => messages.length,
    runs: () => messages.map(runOf),
    received: async (count) => {
      while (messages.length < count) messages.push(await socket.receive());
      // What came too much is counted too.
      while (socket.readable) messages.push(await socket.receive());
    },
    leave: () => socket.close(),
  };
}

function runOf(frames: readonly Buffer[]): number | undefined {
  return frames.length > 1 ? (JSON.parse(frames[1]!.toString()) as { run: number }).run : undefined;
}
