/** What a run of map-up has for itself: a private folder, free ports, and a Redis with a password that stands nowhere else. */

import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAME = 'daqpipe-map-up-';

export class UpFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** A folder of mode 0700. What was left by runs that were killed is removed. */
  static make(): UpFolder {
    sweep();
    return new UpFolder(mkdtempSync(join(tmpdir(), `${NAME}${process.pid}-`)));
  }

  /**
   * Settings of a Redis on the loopback, in a file because command lines are seen by everybody.
   * `appendfsync no`: every answer comes after its write() to the append-only file, so the death of the process loses nothing. With `everysec` that
   * write is put off while an fsync runs, up to 2 s; `always` waits for the disk with every command, which only helps if the machine itself
   * dies, and then this folder is of no use to anybody.
   */
  redisSettings(port: number): { readonly file: string; readonly url: string } {
    const password = randomBytes(16).toString('hex');
    const data = join(this.path, 'redis');
    mkdirSync(data, { mode: 0o700 });
    const file = join(this.path, 'redis.conf');
    const settings = [
      ...['bind 127.0.0.1', `port ${port}`, `requirepass ${password}`, `dir "${data}"`],
      ...['save ""', 'appendonly yes', 'appendfsync no', 'daemonize no', 'protected-mode yes'],
    ];
    writeFileSync(file, `${settings.join('\n')}\n`, { mode: 0o600 });
    return { file, url: `redis://:${password}@127.0.0.1:${port}/0` };
  }

  get logs(): string {
    return join(this.path, 'logs');
  }

  /** Takes the logs out of the folder before it goes. @returns where they are now; undefined if there are none */
  keepLogs(): string | undefined {
    if (!existsSync(this.logs)) return undefined;
    const kept = mkdtempSync(join(tmpdir(), `${NAME}logs-`));
    renameSync(this.logs, kept);
    return kept;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Folders whose process is gone. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(NAME) ? Number(name.slice(NAME.length).split('-')[0]) : 0;
    if (!(pid > 0) || isAlive(pid)) continue;
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // Somebody else's.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const PORTS = { first: 20_000, count: 12_000 } as const;

/**
 * Ports of the loopback that nobody uses now, all different. They lie below those that the kernel gives to whoever asks for any port, so nobody gets
 * them by chance while they are free for a moment.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  while (servers.length < count) {
    const server = await listening(PORTS.first + randomInt(PORTS.count));
    if (server) servers.push(server);
  }
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** undefined if the port is in use. */
function listening(port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' || error.code === 'EACCES' ? resolve(undefined) : reject(error),
    );
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
