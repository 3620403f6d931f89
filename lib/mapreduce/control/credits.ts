/**
 * The controller's end of the credits (spec mapreduce.md 18): one ROUTER for workers, ingesters and reducer of ours. Reports go into the
 * log first and count when they are read back from there; what they bring about is pushed. So a controller that was killed has said
 * nothing that its successor does not find in the log, and whoever says hello is told everything that is open once more.
 */

import { Router } from 'zeromq';
import { KEEP_ALIVE } from '../../stream/zmq/binding.ts';
import { bindTo } from '../address/socket.ts';
import { BadRecord, type Fields, fieldsOf, number, parseFields, text } from '../redis/fields.ts';
import type { Role } from '../redis/keys.ts';
import { type Report, reportOf } from '../redis/reports.ts';
import { groupFeed, groupWork } from '../transport/groups.ts';
import type { Feed, Passed, Run, Work } from '../transport/types.ts';
import { reporterOf } from './reporters.ts';

export interface Hello {
  readonly role: Role;
  readonly name: string;
  readonly service: string;
  readonly map: string;
  readonly next: number;
  /** Counts the connections of the service. */
  readonly connection: number;
}

/** A `member` takes part in the map that runs; who is `elsewhere` has a configuration and another map, for example between maps. */
export type Standing = 'member' | 'elsewhere' | 'stranger';

export interface CreditsEvents {
  /** Reports of one turn of the event loop on one map; `hellos` are answered when these reports count. */
  received(map: string, reports: readonly Report[], hellos: readonly Hello[]): void;
  standing(hello: Hello): Standing;
  /** Looks at the configurations. */
  look(): Promise<void>;
  say(message: string): void;
}

/** A message with a hello. */
interface Greeting {
  readonly identity: Buffer;
  readonly hello: Hello;
  readonly reports: readonly Report[];
}

/** Reports that nobody has confirmed for long, in one message. Who sends more is hung up on. */
const LONGEST_MESSAGE = 16 << 20;
/** Greetings of strangers that wait for a look at the configurations; more are let go, who is meant says hello again. */
const MOST_STRANGERS = 1000;

interface Peer extends Hello {
  readonly identity: Buffer;
  /** It has been told everything that is open; before that news would overtake what it lacks. */
  answered: boolean;
  /** Messages since then; one that is lost leaves a gap. */
  sent: number;
}

export class Credits {
  readonly #socket = new Router({
    ...KEEP_ALIVE,
    mandatory: true,
    // Without it a message for somebody who has gone waits, if nobody else is connected either, and holds up all that follow.
    sendTimeout: 0,
    linger: 0,
    // Credits bound what waits for one peer.
    sendHighWaterMark: 0,
    receiveHighWaterMark: 0,
    maxMessageSize: LONGEST_MESSAGE,
  });
  readonly #events: CreditsEvents;
  readonly #peers = new Map<string, Peer>();
  readonly #byIdentity = new Map<string, Peer>();
  #collected = new Map<string, { reports: Report[]; hellos: Hello[] }>();
  #sending: Promise<void> = Promise.resolve();
  /** Map of the peers: those of earlier ones are forgotten. */
  #map = '';
  #strangers: Greeting[] = [];
  #looking = false;
  /** Messages that nobody understands. */
  unreadable = 0;
  /** Messages of those who have no configuration. */
  strange = 0;

  constructor(events: CreditsEvents) {
    this.#events = events;
  }

  /** @param endpoint `tcp://host:*`. @returns it with its port. @throws DaqError `output-failed`, `already-served` */
  async listen(endpoint: string): Promise<string> {
    const bound = await bindTo(this.#socket, endpoint);
    void this.#receive();
    return bound;
  }

  async #receive(): Promise<void> {
    try {
      for await (const [identity, frame] of this.#socket) if (identity && frame) this.#read(identity, frame);
    } catch (error) {
      if (!this.#socket.closed) this.#events.say(`control socket: ${(error as Error).message}`);
    }
  }

  #read(identity: Buffer, frame: Buffer): void {
    try {
      this.#take(identity, parseFields(String(frame), 'a message'));
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      // Said once: whoever sends such things may send very many.
      if (this.unreadable++ === 0) this.#events.say(`control socket: ${error.message}`);
    }
  }

  #take(identity: Buffer, message: Fields): void {
    const list = message.reports ?? [];
    if (!Array.isArray(list)) throw new BadRecord('reports is no list');
    const reports = list.map((report) => reportOf(fieldsOf(report, 'report')));
    if (message.hello !== undefined) {
      const hello = helloOf(fieldsOf(message.hello, 'hello'));
      checkOwn(reports, hello);
      const greeting = { identity, hello, reports };
      if (this.#events.standing(hello) === 'member') this.#greet(greeting);
      else this.#ask(greeting);
      return;
    }
    const peer = this.#byIdentity.get(identity.toString('latin1'));
    if (!peer) throw new BadRecord('reports of somebody who has not said hello');
    checkOwn(reports, peer);
    this.#collect(peer.map, reports, undefined);
  }

  #greet({ identity, hello, reports }: Greeting): void {
    if (hello.map !== this.#map) {
      this.#map = hello.map;
      this.#peers.clear();
      this.#byIdentity.clear();
    }
    if (this.#isNewer(hello)) {
      const key = peerKey(hello.role, hello.name);
      const before = this.#peers.get(key);
      if (before) this.#byIdentity.delete(before.identity.toString('latin1'));
      const peer = { ...hello, identity, answered: false, sent: 0 };
      this.#peers.set(key, peer);
      this.#byIdentity.set(identity.toString('latin1'), peer);
    }
    this.#collect(hello.map, reports, hello);
  }

  /** Its configuration may have come this moment. A stranger is told nothing, and nothing that it says counts. */
  #ask(greeting: Greeting): void {
    if (this.#strangers.length >= MOST_STRANGERS) {
      this.strange++;
      return;
    }
    this.#strangers.push(greeting);
    if (!this.#looking) void this.#look();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    while (this.#strangers.length > 0 && !this.#socket.closed) {
      const asked = this.#strangers;
      this.#strangers = [];
      await this.#events.look();
      for (const greeting of asked) {
        const standing = this.#events.standing(greeting.hello);
        if (standing === 'member') this.#greet(greeting);
        else if (standing === 'stranger') this.strange++;
      }
    }
    this.#looking = false;
  }

  /** What an earlier connection still says is too late. */
  #isNewer({ role, name, service, connection }: Hello): boolean {
    const before = this.#peers.get(peerKey(role, name));
    return before?.service !== service || before.connection <= connection;
  }

  #collect(map: string, reports: readonly Report[], hello: Hello | undefined): void {
    if (this.#collected.size === 0) setImmediate(() => this.#deliver());
    const collected = this.#collected.get(map) ?? { reports: [], hellos: [] };
    this.#collected.set(map, collected);
    for (const report of reports) collected.reports.push(report);
    if (hello) collected.hellos.push(hello);
  }

  #deliver(): void {
    const collected = this.#collected;
    this.#collected = new Map();
    for (const [map, { reports, hellos }] of collected) this.#events.received(map, reports, hellos);
  }

  /** Whether the service has said hello in this map. */
  service(role: Role, name: string, map: string): string | undefined {
    const peer = this.#peers.get(peerKey(role, name));
    return peer?.map === map ? peer.service : undefined;
  }

  send(role: Role, name: string, map: string, message: Message): void {
    const peer = this.#peers.get(peerKey(role, name));
    if (peer?.map !== map) return;
    if (message.again) Object.assign(peer, { answered: true, sent: 0 });
    else if (!peer.answered) return;
    else peer.sent++;
    const { work, feed, ...rest } = message;
    const groups = { ...(work ? { work: groupWork(work) } : {}), ...(feed ? { feed: groupFeed(feed) } : {}) };
    const json = JSON.stringify({ map, number: peer.sent, ...groups, ...rest });
    // A peer that is back says hello again, or sees the gap, and is told everything then.
    this.#sending = this.#sending.then(() => this.#socket.send([peer.identity, json])).catch(() => {});
  }

  async close(): Promise<void> {
    await this.#sending;
    this.#socket.close();
  }
}

export interface Message {
  readonly work?: readonly Work[];
  readonly feed?: readonly Feed[];
  /** Events whose frames an ingester can let go. */
  readonly over?: readonly Run[];
  readonly spare?: readonly Run[];
  readonly passed?: Passed | undefined;
  /** Number of the last report that counts. */
  readonly reports: number;
  readonly again?: true;
}

function peerKey(role: Role, name: string): string {
  return `${role} ${name}`;
}

/** Nobody reports in the name of another. @throws BadRecord */
function checkOwn(reports: readonly Report[], { role, name, service }: Pick<Hello, 'role' | 'name' | 'service'>): void {
  const own = role === 'reducer' ? role : peerKey(role, name);
  for (const report of reports)
    if (report.service_uuid !== service || reporterOf(report) !== own)
      throw new BadRecord('a report in the name of somebody else');
}

function helloOf(fields: Fields): Hello {
  const role = text(fields, 'role');
  if (role !== 'worker' && role !== 'ingester' && role !== 'reducer') throw new BadRecord(`there is no role "${role}"`);
  return {
    role,
    name: text(fields, 'name'),
    service: text(fields, 'service_uuid'),
    map: text(fields, 'map'),
    next: number(fields, 'next', 0),
    connection: number(fields, 'connection', 0),
  };
}
