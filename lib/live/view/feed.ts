import type { Offer } from './messages.ts';

/** Where values come from. It runs until its input ends, and gives what it reads to a board. */
export interface Feed {
  readonly name: string;
  readonly axis: Offer['axis'];
  /** Things read so far: dgrams or records. */
  readonly read: number;
  /** Of these not understood. */
  readonly bad: number;
  /** Events among them. */
  readonly events: number;
  /** When the latest data came, milliseconds of our clock; undefined before the first. */
  readonly arrived: number | undefined;
  /** Time of the latest event, for people. */
  readonly time: string;
  /** Fields that are wanted from now on. */
  select(fields: readonly string[]): void;
  /** Reads to the end. @throws InputError */
  run(): Promise<void>;
  /** At the end: what a person should know; empty if all was well. */
  words(): readonly string[];
  close(): void;
}
