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

export interface Hello {
  readonly role: Role;
  readonly name: string;
  readonly service: string;
  readonly map: string;
  readonly next: number;
  /** Counts the connections of the service. */
  readonly connection: number;
}

export interface CreditsEvents {
  /** Reports of one turn of the event loop on one map; `hellos` are answered when these reports count. */
  received(map: string, reports: readonly Report[], hellos: readonly Hello[]): void;
  say(message: string): void;
}

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
  });
  readonly #events: CreditsEvents;
  readonly #peers = new Map<string, Peer>();
  readonly #byIdentity = new Map<string, Peer>();
  #collected = new Map<string, { reports: Report[]; hellos: Hello[] }>();
  #sending: Promise<void> = Promise.resolve();
  /** Messages that nobody understands. */
  unreadable = 0;

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
      for await (const [identity, frame] of this.#socket) {
        try {
          if (identity && frame) this.#take(identity, parseFields(String(frame), 'a message'));
        } catch (error) {
          if (!(error instanceof BadRecord)) throw error;
          this.unreadable++;
          this.#events.say(`control socket: ${error.message}`);
        }
      }
    } catch (error) {
      if (!this.#socket.closed) this.#events.say(`control socket: ${(error as Error).message}`);
    }
  }

  #take(identity: Buffer, message: Fields): void {
    const reports = message.reports ?? [];
    if (!Array.isArray(reports)) throw new BadRecord('reports is no list');
    const read = reports.map((report) => reportOf(fieldsOf(report, 'report')));
    const who = identity.toString('latin1');
    const hello = message.hello === undefined ? undefined : helloOf(fieldsOf(message.hello, 'hello'));
    if (hello && this.#isNewer(hello)) {
      const peer = { ...hello, identity, answered: false, sent: 0 };
      this.#peers.set(peerKey(hello.role, hello.name), peer);
      this.#byIdentity.set(who, peer);
    }
    const map = this.#byIdentity.get(who)?.map;
    if (map === undefined) throw new BadRecord('reports of somebody who has not said hello');
    this.#collect(map, read, hello);
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
    collected.reports.push(...reports);
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
