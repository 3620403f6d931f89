import type { Lifecycle } from '../cli/lifecycle.ts';
import type { Output } from '../cli/output.ts';

/** What whoever opens a stream brings along. */
export interface StreamOptions {
  /** Signals end waiting, and hard ends clean up. */
  lifecycle?: Pick<Lifecycle, 'stop' | 'onEmergency'>;
  /** For what a person should know, for example which port was taken. */
  say?: (message: string) => void;
  /** What `-` writes to. Default: a new Output on stdout. */
  stdout?: Output;
  /** Which message of a preview is repeated for readers who come late. Default: a Configure dgram. */
  greeting?: (message: Buffer) => boolean;
}
