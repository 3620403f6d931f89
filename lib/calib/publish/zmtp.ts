/**
 * ZMTP 3.0 as a publisher needs it (spec calib-pub.md, section 5): a greeting, READY, frames out, subscriptions in. Pure: bytes in, events out.
 */

const SIGNATURE_BYTES = 10;
const GREETING_BYTES = 64;
const VERSION_AT = 10;
const MECHANISM_AT = 12;
const MECHANISM_BYTES = 20;
const MAJOR = 3;

const FLAG = { more: 1, long: 2, command: 4 } as const;
const LONG_HEAD = 9;
const SHORT_HEAD = 2;
const MAX_SHORT = 255;
/** Nothing that a subscriber has to say is longer. */
export const MAX_FROM_SUBSCRIBER = 64 * 1024;

const SUBSCRIBE = 1;
const CANCEL = 0;

/** What we say first: version 3.0, mechanism NULL, no server of anything. */
export const GREETING: Buffer = (() => {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes[0] = 0xff;
  bytes[SIGNATURE_BYTES - 1] = 0x7f;
  bytes[VERSION_AT] = MAJOR;
  bytes.write('NULL', MECHANISM_AT);
  return bytes;
})();

/** What we say second: we are an XPUB. */
export const READY: Buffer = command('READY', Buffer.from(`\x0bSocket-Type\x00\x00\x00\x04XPUB`, 'latin1'));

/** A message on the wire: frames with their heads; contents are not copied, and pieces of one frame stay separate. */
export function wireMessage(frames: readonly (readonly Buffer[])[]): Buffer[] {
  return frames.flatMap((pieces, i) => [frameHead(pieces, i < frames.length - 1), ...pieces]);
}

function frameHead(pieces: readonly Buffer[], more: boolean): Buffer {
  const length = pieces.reduce((sum, { length }) => sum + length, 0);
  const flags = more ? FLAG.more : 0;
  if (length <= MAX_SHORT) return Buffer.from([flags, length]);
  const head = Buffer.alloc(LONG_HEAD);
  head[0] = flags | FLAG.long;
  head.writeBigUInt64BE(BigInt(length), 1);
  return head;
}

function command(name: string, body: Buffer): Buffer {
  const content = Buffer.concat([Buffer.from([name.length]), Buffer.from(name, 'latin1'), body]);
  if (content.length <= MAX_SHORT) return Buffer.concat([Buffer.from([FLAG.command, content.length]), content]);
  const head = Buffer.alloc(LONG_HEAD);
  head[0] = FLAG.command | FLAG.long;
  head.writeBigUInt64BE(BigInt(content.length), 1);
  return Buffer.concat([head, content]);
}

export interface SubscriberEvents {
  /** The handshake is done. */
  ready(): void;
  subscribe(topic: Buffer): void;
  cancel(topic: Buffer): void;
  /** It wants this as an answer. */
  reply(bytes: Buffer): void;
}

/** What a subscriber sends, piece by piece. */
export class SubscriberReader {
  private readonly events: SubscriberEvents;
  private rest: Buffer = Buffer.alloc(0);
  private stage: 'greeting' | 'ready' | 'open' = 'greeting';

  constructor(events: SubscriberEvents) {
    this.events = events;
  }

  /** @throws Error that says which rule was broken; the connection is of no use then */
  take(bytes: Buffer): void {
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    if (this.stage === 'greeting' && !this.greeting()) return;
    let at = 0;
    for (let used = this.frame(at); used > 0; used = this.frame(at)) at += used;
    // A copy: the rest of a large read must not be kept for a few bytes.
    this.rest = Buffer.from(this.rest.subarray(at));
  }

  private greeting(): boolean {
    const { rest } = this;
    if (rest.length > 0 && rest[0] !== 0xff) throw new Error('it does not speak ZMTP');
    if (rest.length >= SIGNATURE_BYTES && (rest[SIGNATURE_BYTES - 1]! & 1) !== 1)
      throw new Error('it does not speak ZMTP');
    if (rest.length > VERSION_AT && rest[VERSION_AT]! < MAJOR)
      throw new Error(`it speaks ZMTP ${rest[VERSION_AT]}, older than 3.0`);
    if (rest.length < GREETING_BYTES) return false;
    const mechanism = rest.toString('latin1', MECHANISM_AT, MECHANISM_AT + MECHANISM_BYTES).replace(/\0+$/, '');
    if (mechanism !== 'NULL') throw new Error(`it wants the security mechanism "${mechanism}"`);
    this.rest = rest.subarray(GREETING_BYTES);
    this.stage = 'ready';
    return true;
  }

  /** Takes one frame at a position of `rest`. @returns its bytes, 0 if it is not complete */
  private frame(at: number): number {
    const { rest } = this;
    const left = rest.length - at;
    if (left < SHORT_HEAD) return 0;
    const flags = rest[at]!;
    if ((flags & ~(FLAG.more | FLAG.long | FLAG.command)) !== 0) throw new Error('a frame has unknown flags');
    const long = (flags & FLAG.long) !== 0;
    if (long && left < LONG_HEAD) return 0;
    const length = long ? rest.readBigUInt64BE(at + 1) : BigInt(rest[at + 1]!);
    if (length > MAX_FROM_SUBSCRIBER) throw new Error(`it announces a frame of ${length} bytes`);
    const head = long ? LONG_HEAD : SHORT_HEAD;
    const end = at + head + Number(length);
    if (end > rest.length) return 0;
    const content = rest.subarray(at + head, end);
    if (flags & FLAG.command) this.command(content);
    else this.message(content, (flags & FLAG.more) !== 0);
    return end - at;
  }

  private command(content: Buffer): void {
    const length = content[0] ?? 0;
    const name = content.toString('latin1', 1, 1 + length);
    const body = content.subarray(1 + length);
    if (this.stage === 'ready') {
      if (name !== 'READY') throw new Error(`it says ${JSON.stringify(name)} instead of READY`);
      const type = property(body, 'socket-type');
      if (type !== 'SUB' && type !== 'XSUB')
        throw new Error(`its socket is of type ${JSON.stringify(type ?? '')}, not SUB`);
      this.stage = 'open';
      this.events.ready();
    } else if (name === 'SUBSCRIBE') this.events.subscribe(body);
    else if (name === 'CANCEL') this.events.cancel(body);
    // A ping is two bytes of time-to-live and a context, which the answer repeats.
    else if (name === 'PING') this.events.reply(command('PONG', body.subarray(2)));
    // Other commands are of later versions and say nothing to us.
  }

  /** Messages with another first byte go upstream through XPUB sockets; nobody listens for them here. */
  private message(content: Buffer, more: boolean): void {
    if (this.stage !== 'open') throw new Error('it sends a message before READY');
    if (more) throw new Error('a subscription has one frame');
    if (content[0] === SUBSCRIBE) this.events.subscribe(content.subarray(1));
    else if (content[0] === CANCEL) this.events.cancel(content.subarray(1));
  }
}

/** A property of READY, its name in any letter case. @throws Error if the properties do not fit */
function property(body: Buffer, wanted: string): string | undefined {
  for (let at = 0; at < body.length; ) {
    const nameEnd = at + 1 + body[at]!;
    if (nameEnd + 4 > body.length) throw new Error('READY is cut short');
    const end = nameEnd + 4 + body.readUInt32BE(nameEnd);
    if (end > body.length) throw new Error('READY is cut short');
    if (body.toString('latin1', at + 1, nameEnd).toLowerCase() === wanted)
      return body.toString('latin1', nameEnd + 4, end);
    at = end;
  }
  return undefined;
}
