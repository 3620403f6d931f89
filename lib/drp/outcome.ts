/** `overrun`: the script gave more trigger data than `--trigger-size`, and it was left out. */
export interface WithTrigger {
  trigger: Buffer | undefined;
  overrun?: boolean;
}

/** What became of one dgram on its way through a worker. */
export type Outcome =
  /** The script changed nothing: emit the input. */
  | ({ kind: 'same' } & WithTrigger)
  /** `bytes` is a view of worker memory, valid until its slot is released. */
  | ({ kind: 'changed'; bytes: Buffer } & WithTrigger)
  | { kind: 'dropped' }
  /** The result was too large by the rules; `bytes` is what fitted, for `cut`. */
  | ({ kind: 'oversize'; needed: number; bytes: Buffer | undefined } & WithTrigger)
  /** The result belonged to another dgram (posix transport only). */
  | { kind: 'stale' }
  /** It was tried twice and failed twice. */
  | { kind: 'failed'; why: string };

/** An answer of a worker, whatever transport it came through. */
export type Answer =
  | { kind: 'hello' | 'ready' | 'stopped' }
  | { kind: 'results'; sequence: number; outcomes: Outcome[]; micros: number }
  /** The script failed at the question with this sequence number. */
  | { kind: 'error'; text: string; sequence: number }
  | { kind: 'garbage'; why: string }
  /** An answer of a process that has been replaced, or to a question that nobody waits for. */
  | { kind: 'late' };

/** The same with copies of what lies in worker memory. */
export function keepOutcome(outcome: Outcome): Outcome {
  if (outcome.kind !== 'changed' && outcome.kind !== 'oversize' && outcome.kind !== 'same') return outcome;
  const copy = { ...outcome, trigger: outcome.trigger && Buffer.from(outcome.trigger) };
  if (copy.kind === 'changed') copy.bytes = Buffer.from(copy.bytes);
  if (copy.kind === 'oversize' && copy.bytes) copy.bytes = Buffer.from(copy.bytes);
  return copy;
}
