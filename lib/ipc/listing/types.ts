/** One kernel object as `ipc-ls` shows it and `ipc-rm` judges it. */

/** Where an object comes from, that is, what is known of it. */
export type Origin =
  /** A registry or a lease of this toolkit lists it. */
  | 'daqpipe'
  /** It has a name of the existing system (or of ours, without lease). */
  | 'named'
  /** It stands under a key of this toolkit, but no registry lists it. */
  | 'unlisted'
  | 'foreign';

/** `unknown`: nothing says whether somebody needs it. */
export type State = 'alive' | 'orphaned' | 'unknown';

export interface ListedObject {
  family: 'sysv' | 'posix';
  type: 'queue' | 'segment';
  origin: Origin;
  state: State;
  /** `input`, `result`, `queue to worker`, `registry`, ... */
  kind: string;
  owner: { pid: number; command: string | undefined } | undefined;
  uid: number;
  /** Permission bits. */
  mode: number;
  /** Bytes of a segment; bytes that wait in a queue. NaN if the kernel does not say. */
  size: number;
  /** Messages that wait; undefined for segments and where the kernel does not say. */
  messages: number | undefined;
  /** Attaches (System V), processes that have it open (POSIX); undefined for System V queues. */
  attached: number | undefined;
  ageSeconds: number;
  partition: number | undefined;
  /** Detector, or the tag of monitor objects. */
  detector: string | undefined;
  segment: number | undefined;
  instance: string | undefined;
  worker: number | undefined;
  /** System V; 0 for private ones and for segments that are marked for removal. */
  key: number | undefined;
  id: number | undefined;
  /** POSIX, with the leading "/". */
  name: string | undefined;
}

/** A list, and what it could not see. */
export interface Listing {
  objects: ListedObject[];
  /** Sentences for a person. */
  notes: string[];
}
