/**
 * Results as a worker sends them (spec mapreduce.md 6.2). To a reducer of ours small ones travel together: the header has what they have in
 * common and a row per result, the body is their bodies one behind the other. Pure.
 *
 *     {"worker", "parameters_hash", "map", "encoding", "results": [[event_number, origin, attempt, bytes of the body], ...]}
 */

export interface Result {
  readonly event_number: number;
  readonly origin: string;
  readonly attempt: number;
  readonly parametersHash: string;
  readonly body: Buffer;
}

/** What all results of a worker in a map have in common. */
export interface ResultSender {
  readonly worker: string;
  /** uuid of the map. */
  readonly map: string;
  readonly encoding: string;
}

/** Header and body of one result, as every reducer takes it. */
export function singleMessage(
  { event_number, origin, attempt, parametersHash: parameters_hash, body }: Result,
  { worker, map, encoding }: ResultSender,
): [string, Buffer] {
  return [JSON.stringify({ event_number, worker, parameters_hash, map, origin, attempt, encoding }), body];
}

/** @param results of the same parameters */
export function jointMessage(results: readonly Result[], { worker, map, encoding }: ResultSender): [string, Buffer] {
  const rows = results.map(({ event_number, origin, attempt, body }) => [event_number, origin, attempt, body.length]);
  const { parametersHash: parameters_hash } = results[0]!;
  const bodies = results.map(({ body }) => body);
  const header = { worker, parameters_hash, map, encoding, results: rows };
  return [JSON.stringify(header), bodies.length === 1 ? bodies[0]! : Buffer.concat(bodies)];
}

/** Results and bytes of one message: a big one goes alone, without being copied. */
const MOST = { results: 256, bytes: 64 << 10 } as const;

/** How many results at the front of the queue go together. */
export function jointCount(queue: readonly Result[]): number {
  let count = 1;
  let bytes = queue[0]!.body.length;
  for (; count < queue.length && count < MOST.results; count++) {
    const { body, parametersHash } = queue[count]!;
    bytes += body.length;
    if (bytes > MOST.bytes || parametersHash !== queue[0]!.parametersHash) break;
  }
  return count;
}
