/** A model of kernel, memory and clients around the live core, that checks every rule after every step. */

import type { Order } from '../../lib/live/server/event-dealer.ts';
import type { ClientPort, LiveClient } from '../../lib/live/server/live-client.ts';
import { LiveCore } from '../../lib/live/server/live-core.ts';
import type { Reserve } from '../../lib/live/server/share.ts';
import { SERVICE } from '../../lib/xtc/service.ts';
import type { Random } from '../random.ts';

const NEXT: Readonly<Record<number, readonly number[]>> = {
  [-1]: [SERVICE.Configure],
  [SERVICE.Configure]: [SERVICE.BeginRun, SERVICE.Unconfigure],
  [SERVICE.BeginRun]: [SERVICE.BeginStep, SERVICE.EndRun],
  [SERVICE.BeginStep]: [SERVICE.Enable],
  [SERVICE.Enable]: [SERVICE.Disable],
  [SERVICE.Disable]: [SERVICE.EndStep, SERVICE.Enable],
  [SERVICE.EndStep]: [SERVICE.BeginStep, SERVICE.EndRun],
  [SERVICE.EndRun]: [SERVICE.BeginRun, SERVICE.Unconfigure],
  [SERVICE.Unconfigure]: [SERVICE.Configure],
};
const BEGINS = [SERVICE.Configure, SERVICE.BeginRun, SERVICE.BeginStep, SERVICE.Enable] as number[];
const ENDS = [SERVICE.Unconfigure, SERVICE.EndRun, SERVICE.EndStep, SERVICE.Disable] as number[];

/** A dgram of the model: its number, and the state transition before it. */
const encode = (id: number, before: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32LE(id, 0);
  bytes.writeInt32LE(before, 4);
  return bytes;
};

export class ModelClient implements ClientPort {
  readonly queue: number[] = [];
  readonly socket: number[] = [];
  /** Event buffers in hand, with what was in them when they were taken. */
  readonly hand = new Map<number, number>();
  readonly transitionsInHand: number[] = [];
  /** Numbers of the transitions that it has seen. */
  readonly seen: number[] = [];
  /** The state transition that it saw last. */
  state = -1;
  taken = 0;
  closed: string | undefined;
  readonly answers: boolean;
  self!: LiveClient;
  private readonly model: Model;

  constructor(model: Model, answers: boolean) {
    this.model = model;
    this.answers = answers;
  }

  offer(buffer: number): boolean {
    if (this.queue.length >= this.model.buffers) return false;
    this.queue.push(buffer);
    return true;
  }
  waiting = () => this.queue.length;
  takeBack = () => this.queue.shift() ?? -1;
  announce(buffer: number): void {
    this.socket.push(buffer);
  }
  close(reason: string): void {
    this.closed = reason;
    this.model.live.delete(this);
  }

  gone(): void {}

  /** As real clients do: the connection first. */
  readSocket(): void {
    for (const buffer of this.socket.splice(0)) {
      const content = this.model.memory[buffer]!;
      const id = content.readInt32LE(0);
      this.seen.push(id);
      if (this.model.services[id] !== SERVICE.SlowUpdate) this.state = id;
      this.transitionsInHand.push(buffer);
    }
  }

  takeEvent(): void {
    this.readSocket();
    const buffer = this.queue.shift();
    if (buffer === undefined) return;
    this.taken++;
    const content = this.model.memory[buffer]!;
    if (content.readInt32LE(4) !== this.state) {
      throw new Error(`client at transition ${this.state} gets an event of ${content.readInt32LE(4)}`);
    }
    if (this.hand.has(buffer)) throw new Error(`buffer ${buffer} is given twice`);
    this.hand.set(buffer, content.readInt32LE(0));
  }
}

export class Model {
  readonly buffers: number;
  readonly memory: Buffer[] = [];
  readonly live = new Set<ModelClient>();
  readonly core: LiveCore;
  /** Service by number of the transition. */
  readonly services: number[] = [];
  /** In force, by number. */
  stack: number[] = [];
  now = 0;
  private readonly random: Random;
  private readonly reserve: readonly Reserve[];
  private readonly clients: number;
  private readonly dealt: boolean;
  private lastState = -1;
  private events = 0;
  private readonly slow = new Set<number>();
  /** What each client must see. */
  readonly expected = new Map<ModelClient, number[]>();

  constructor(
    random: Random,
    options: { buffers: number; clients: number; order: Order; reserve: readonly Reserve[] },
  ) {
    this.random = random;
    this.buffers = options.buffers;
    this.clients = options.clients;
    this.dealt = options.order === 'distributed';
    this.reserve = options.reserve;
    this.core = new LiveCore({
      ...options,
      bufferBytes: 8,
      store: (buffer, dgram) => {
        for (const client of this.live) {
          if (client.hand.has(buffer)) throw new Error(`buffer ${buffer} is written while a client reads it`);
          if (client.transitionsInHand.includes(buffer)) throw new Error(`transition ${buffer} is written while read`);
        }
        this.memory[buffer] = Buffer.from(dgram);
      },
      harvest: () => {},
    });
  }

  /** Events of the group with a share are never kept out below it, and never give way to others. */
  event(groups = 1 << this.random.below(3)): void {
    if (this.services[this.lastState] !== SERVICE.Enable) return;
    const [share] = this.reserve;
    const slow = share !== undefined && (groups & share.mask) !== 0;
    const { counts } = this.core.events;
    const before = { slow: this.slowInside(), lost: counts.noBuffer + counts.stolen };
    const id = this.events++;
    if (slow) this.slow.add(id);
    this.core.take(encode(id, this.lastState), SERVICE.L1Accept, groups, this.now);
    if (share === undefined) return;
    const lost = counts.noBuffer + counts.stolen - before.lost;
    if (slow && this.dealt && before.slow < Math.ceil(share.buffers / this.clients) && lost > 0)
      throw new Error('a slow event found no place below its share');
    if (!slow && before.slow <= share.buffers && this.slowInside() < before.slow) {
      throw new Error('a slow event gave way to a fast one');
    }
  }

  /** Buffers that hold events of the group with a share. */
  private slowInside(): number {
    if (this.reserve.length === 0) return 0;
    const buffers = [...this.live].flatMap(({ queue, hand }) => [...queue, ...hand.keys()]);
    return buffers.filter((buffer) => this.slow.has(this.memory[buffer]!.readInt32LE(0))).length;
  }

  /** Events of the group with a share that a client has not taken. */
  slowQueued({ queue }: ModelClient): number {
    return queue.filter((buffer) => this.slow.has(this.memory[buffer]!.readInt32LE(0))).length;
  }

  /** The next transition, whatever may follow the last one. */
  transition(slowUpdate: boolean): void {
    const choice = NEXT[this.lastState < 0 ? -1 : this.services[this.lastState]!]!;
    if (!slowUpdate) this.pass(choice[this.random.below(choice.length)]!);
    else if (this.stack.length > 0) this.pass(SERVICE.SlowUpdate);
  }

  pass(service: number): void {
    const id = this.services.push(service) - 1;
    if (service !== SERVICE.SlowUpdate) this.lastState = id;
    if (BEGINS.includes(service)) this.stack.push(id);
    if (ENDS.includes(service)) this.stack.pop();
    for (const client of this.live) this.expected.get(client)!.push(id);
    this.core.take(encode(id, this.lastState), service, 0, this.now);
  }

  join(answers: boolean): void {
    const number = this.core.freeNumber();
    if (number === undefined) return;
    const client = new ModelClient(this, answers);
    this.live.add(client);
    this.expected.set(client, [...this.stack]);
    client.self = this.core.join(number, client, this.now);
  }

  leave(client: ModelClient): void {
    this.live.delete(client);
    this.core.leave(client.self, this.now);
  }

  returnEvent(client: ModelClient): void {
    const held = [...client.hand];
    if (held.length === 0) return;
    const [buffer, id] = held[this.random.below(held.length)]!;
    if (this.memory[buffer]!.readInt32LE(0) !== id) throw new Error(`buffer ${buffer} has changed in a client's hand`);
    client.hand.delete(buffer);
    const before = client.self.badReturns;
    this.core.eventReturned(client.self, buffer, this.now);
    if (client.self.badReturns > before) throw new Error('a good return was refused');
  }

  /** Something that is not the client's to return: out of range, another's, still queued, or twice. */
  bogusReturn(client: ModelClient): void {
    const buffer = this.random.below(this.buffers + 20) - 5;
    if (client.hand.has(buffer)) return;
    const before = client.self.badReturns;
    this.core.eventReturned(client.self, buffer, this.now);
    if (client.self.badReturns !== before + 1) throw new Error(`a bad return of ${buffer} was believed`);
  }

  returnTransition(client: ModelClient): void {
    client.readSocket();
    const buffer = client.transitionsInHand.shift();
    if (buffer !== undefined) this.core.transitionReturned(client.self, buffer, this.now);
  }

  check(): void {
    const places = new Set<number>();
    let inside = 0;
    for (const client of this.live) {
      const { self, queue, hand } = client;
      for (const buffer of [...queue, ...hand.keys()]) {
        if (places.has(buffer)) throw new Error(`buffer ${buffer} is in two hands`);
        places.add(buffer);
        inside++;
      }
      if (self.given.length !== queue.length + hand.size) throw new Error('given is not what is queued or in hand');
      if (self.taken() !== client.taken) throw new Error(`taken ${self.taken()}, in truth ${client.taken}`);
      if (self.pending.length > 32) throw new Error('more than 32 transitions wait');
    }
    const { counts } = this.core.events;
    if (inside !== this.core.events.inside) throw new Error(`inside ${this.core.events.inside}, in truth ${inside}`);
    const { in: all, ...fates } = counts;
    const sum = Object.values(fates).reduce((a, b) => a + b, inside);
    if (sum !== all) throw new Error(`in ${all}, but ${sum} accounted for`);
  }

  /** Lets everybody who answers finish, and compares what they saw with what there was. */
  finish(): void {
    for (let round = 0; round < 300; round++) {
      this.now += 0.1;
      this.core.tick(this.now);
      for (const client of [...this.live]) {
        if (!client.answers) continue;
        client.takeEvent();
        this.returnEvent(client);
        this.returnTransition(client);
        this.check();
      }
    }
    for (const client of this.live) {
      if (!client.answers) continue;
      const expected = this.expected.get(client)!;
      if (client.seen.join() !== expected.join()) {
        throw new Error(`transitions ${client.seen.join()} seen, ${expected.join()} expected`);
      }
      if (client.queue.length + client.hand.size + client.transitionsInHand.length > 0) throw new Error('not finished');
    }
    // Nobody answers who was not there: the others are gone by patience or hold their share only.
    for (const client of [...this.live]) this.leave(client);
    this.check();
    if (this.core.events.inside !== 0) throw new Error('buffers are lost');
    if (this.core.transitions.room !== 18 - this.stack.filter((id) => this.placed(id)).length) {
      throw new Error('transition buffers are lost');
    }
  }

  private placed(id: number): boolean {
    return this.core.transitions.stack.inForce.some((t) => t.dgram.readInt32LE(0) === id && t.buffer >= 0);
  }
}
