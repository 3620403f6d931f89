import { connect, createServer, type Server, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { Fence } from '../../../lib/mapreduce/control/fence.ts';
import { redisAddress } from '../../../lib/mapreduce/redis/connect.ts';
import { Registry } from '../../../lib/mapreduce/redis/registry.ts';
import { until } from '../../until.ts';
import { RedisServer } from '../redis-server.ts';

/** Writes of a controller count once and in order, whatever becomes of Redis and of the connection (spec mapreduce.md 3.5). */

async function entries({ redis }: Registry): Promise<number[]> {
  return (await redis.xrange('stream', '-', '+')).map(([, fields]) => Number(fields[1]));
}

/** Hands on what a client says, and can keep the answers back. */
class Between {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #client: Socket | undefined;
  /** Answers that are kept back. */
  #kept: Buffer | undefined;

  private constructor(port: number) {
    this.#server = createServer((client) => {
      this.#client = client;
      const redis = connect(port, '127.0.0.1');
      for (const socket of [client, redis]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => this.#sockets.delete(socket));
      }
      client.pipe(redis);
      redis.on('data', (data) => {
        if (this.#kept) this.#kept = Buffer.concat([this.#kept, data]);
        else client.write(data);
      });
    });
  }

  static async open(port: number): Promise<Between> {
    const between = new Between(port);
    await new Promise<void>((done) => between.#server.listen(0, '127.0.0.1', done));
    return between;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  keepBack(): void {
    this.#kept = Buffer.alloc(0);
  }

  get keptLines(): number {
    return String(this.#kept).split('\r\n').length - 1;
  }

  /** Hands on the first line that was kept back. */
  letLine(): void {
    const kept = this.#kept!;
    const end = kept.indexOf('\r\n') + 2;
    this.#client?.write(kept.subarray(0, end));
    this.#kept = kept.subarray(end);
  }

  letAll(): void {
    this.#client?.write(this.#kept!);
    this.#kept = undefined;
  }

  /** Cuts the connections; those that come hear everything. */
  cut(): void {
    this.#kept = undefined;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

interface Case {
  readonly between: Between;
  /** A connection beside the controller's. */
  readonly plain: Registry;
  write(number: number, id: string): Promise<unknown>;
}

async function begin(t: Test): Promise<Case> {
  const server = await RedisServer.start();
  t.teardown(() => server.close());
  const plain = await server.registry();
  t.teardown(() => plain.close());
  const url = new URL(server.url);
  const between = await Between.open(Number(url.port));
  t.teardown(() => between.close());
  url.port = String(between.port);
  const own = await Registry.open({ address: redisAddress(url.href), say: () => {} });
  t.teardown(() => own.close());
  const fence = (await Fence.take(own.redis, own.keys))!;
  const write = (number: number, id: string) =>
    fence.write([['XADD', 'stream', '*', 'data', number]], { key: 'position', id });
  return { between, plain, write };
}

t.test('writes to a Redis that knows no scripts, as after a restart, come in order', async (t) => {
  const { between, plain, write } = await begin(t);
  await plain.redis.script('FLUSH');
  between.keepBack();
  const first = [write(1, '5-1'), write(2, '5-2')];
  await until('both are answered', () => between.keptLines >= 2);
  // Whoever is refused now, and tries again, is one write ahead of those who are refused later.
  between.letLine();
  await until('the first one is done', async () => (await entries(plain)).length >= 1);
  const last = write(3, '5-3');
  await until('another one is done', async () => (await entries(plain)).length >= 2);
  between.letAll();
  await Promise.all([...first, last]);
  t.same(await entries(plain), [1, 2, 3]);
  t.equal(await plain.redis.get('position'), '5-3');
});

t.test('several writes whose answers were lost count once', async (t) => {
  const { between, plain, write } = await begin(t);
  t.ok(await write(0, '5-9'));
  between.keepBack();
  const writes = ['5-10', '10-0', '10-1'].map((id, i) => write(i + 1, id));
  await until('Redis has taken them', async () => (await entries(plain)).length === 4);
  between.cut();
  t.same(await Promise.all(writes), [undefined, undefined, undefined], 'they had been done');
  t.same(await entries(plain), [0, 1, 2, 3]);
  t.equal(await plain.redis.get('position'), '10-1');
  t.ok(await write(4, '10-2'), 'and it goes on');
});
