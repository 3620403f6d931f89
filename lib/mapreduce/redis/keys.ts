/** Names of everything that map-reduce keeps in Redis (spec mapreduce.md 5). */

const DEFAULT_PREFIX = 'dranspose';

export type Role = 'ingester' | 'worker' | 'reducer';

export class Keys {
  readonly prefix: string;

  constructor(prefix = DEFAULT_PREFIX) {
    this.prefix = prefix;
  }

  config(role: Role, name: string): string {
    return `${this.prefix}:${role}:${name}:config`;
  }

  get allConfigs(): string {
    return `${this.prefix}:*:*:config`;
  }

  get lock(): string {
    return `${this.prefix}:controller_lock`;
  }

  /** Counts the controllers that ever held the lock; whoever is not the last one must not write. */
  get epoch(): string {
    return `${this.prefix}:controller_epoch`;
  }

  get updates(): string {
    return `${this.prefix}:controller:updates`;
  }

  /** Channel on which services of ours say that their configuration has changed. */
  get wake(): string {
    return `${this.prefix}:wake`;
  }

  parameter(name: string, uuid: string): string {
    return `${this.prefix}:parameters:${name}:${uuid}`;
  }

  parameterDescription(name: string): string {
    return `${this.prefix}:parameter_description:${name}`;
  }

  get allParameterDescriptions(): string {
    return `${this.prefix}:parameter_description:*`;
  }

  /** Reports of services, and what the controller decides on its own: together the log of a map. */
  ready(map: string): string {
    return `${this.prefix}:ready:${map}`;
  }

  assigned(map: string): string {
    return `${this.prefix}:assigned:${map}`;
  }

  work(map: string, worker: string): string {
    return `${this.prefix}:work:${map}:${worker}`;
  }

  feed(map: string, ingester: string): string {
    return `${this.prefix}:feed:${map}:${ingester}`;
  }

  clock(map: string): string {
    return `${this.prefix}:clock:${map}`;
  }

  /** Snapshot of the assignment. */
  state(map: string): string {
    return `${this.prefix}:state:${map}`;
  }

  /** Id of the last entry of the log whose outcome has been written. */
  position(map: string): string {
    return `${this.prefix}:position:${map}`;
  }

  map(map: string): string {
    return `${this.prefix}:map:${map}`;
  }

  reduced(map: string): string {
    return `${this.prefix}:reduced:${map}`;
  }

  /** Which map runs, for a controller that takes over. */
  get current(): string {
    return `${this.prefix}:controller:current`;
  }

  /** Of the reference; it has a fixed name. */
  readonly logs = 'dranspose_logs';
}

const NAME = /^[\x21-\x39\x3b-\x7e]{1,128}$/;

/** Names of services, streams and parameters: 1 to 128 characters of printable ASCII without ":" and "/" (spec 14). */
export function isName(text: string): boolean {
  return NAME.test(text) && !text.includes('/');
}
