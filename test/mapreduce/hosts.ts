/**
 * Several hosts on this machine: network namespaces whose only way to each other is a switch. Each has a loopback and a name space of ports of its
 * own; processes of a host can have a /dev/shm of their own too.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { executable, type Outcome } from '../executable.ts';
import { endAll, Service } from './ensemble.ts';

const PREFIX = 'daqpipe-';

function ip(...words: readonly string[]): { readonly ok: boolean; readonly words: string } {
  const { status, stdout, stderr, error } = spawnSync('ip', words, { encoding: 'utf8' });
  return { ok: status === 0, words: error?.message ?? `${stdout}${stderr}`.trim() };
}

/** @throws Error with what `ip` says */
function must(...words: readonly string[]): void {
  const done = ip(...words);
  if (!done.ok) throw new Error(`ip ${words.join(' ')}: ${done.words}`);
}

/** Options for a test that needs several hosts: skipped, with the reason, where there can be none. */
export function needsHosts(): { skip?: string } {
  const name = `${PREFIX}${process.pid}-probe`;
  const probes = [
    ['netns', 'add', name],
    ['-n', name, 'link', 'add', 'name', 'switch', 'type', 'bridge'],
    ['-n', name, 'link', 'add', 'name', 'one', 'type', 'veth', 'peer', 'name', 'other'],
  ];
  const failed = probes.map((words) => ip(...words)).find(({ ok }) => !ok);
  ip('netns', 'del', name);
  return failed ? { skip: `network namespaces cannot be made here: ${failed.words}` } : {};
}

/** With whatever runs there, and shared memory that has its name. */
function remove(space: string): void {
  for (const pid of ip('netns', 'pids', space).words.matchAll(/^\d+$/gm)) process.kill(Number(pid[0]), 'SIGKILL');
  ip('netns', 'del', space);
  for (const file of readdirSync('/dev/shm')) if (file.includes(`${space}-`)) rmSync(join('/dev/shm', file));
}

/** What tests that were killed have left. */
function sweep(): void {
  for (const [name, pid] of ip('netns', 'list').words.matchAll(new RegExp(`^${PREFIX}(\\d+)-\\S+`, 'gm')))
    if (!existsSync(`/proc/${pid}`)) remove(name);
}

export interface HostProcess {
  readonly env?: Readonly<Record<string, string>>;
  /** Shared memory of other processes is not to be seen, as on another machine. */
  readonly ownMemory?: boolean;
}

export class Host {
  readonly name: string;
  readonly address: string;
  readonly address6: string;
  readonly #network: Network;

  constructor(network: Network, name: string, number: number) {
    this.#network = network;
    this.name = name;
    this.address = `10.99.0.${number}`;
    this.address6 = `fd00:99::${number}`;
    const space = this.#space;
    must('netns', 'add', space);
    must(
      '-n',
      network.space,
      'link',
      'add',
      'name',
      `p${number}`,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      space,
    );
    must('-n', network.space, 'link', 'set', `p${number}`, 'master', 'switch', 'up');
    must('-n', space, 'link', 'set', 'lo', 'up');
    must('-n', space, 'link', 'set', 'eth0', 'up');
  }

  get #space(): string {
    return this.#network.spaceOf(this.name);
  }

  /** Gives it an address for IPv4, or for IPv6 and none else. @returns false if this kernel has no IPv6 */
  join(family: 4 | 6): boolean {
    if (family === 6) return ip('-n', this.#space, 'addr', 'add', `${this.address6}/64`, 'dev', 'eth0', 'nodad').ok;
    must('-n', this.#space, 'addr', 'add', `${this.address}/24`, 'dev', 'eth0');
    return true;
  }

  /** The cable. */
  link(state: 'up' | 'down'): void {
    must('-n', this.#space, 'link', 'set', 'eth0', state);
  }

  #words(command: readonly string[], ownMemory = false): string[] {
    const [name, ...args] = command;
    const program = name!.startsWith('map-') ? executable(name!) : name!;
    // `ip netns exec` makes a name space of mounts for each process.
    const memory = ownMemory ? ['sh', '-c', 'mount -t tmpfs tmpfs /dev/shm && exec "$0" "$@"'] : [];
    return ['ip', 'netns', 'exec', this.#space, ...memory, program, ...args];
  }

  /** Starts a process; it ends with the test. */
  start(command: readonly string[], { env = {}, ownMemory }: HostProcess = {}): Service {
    const service = new Service(this.#words(command, ownMemory), env, this.#network.folder);
    this.#network.services.push(service);
    return service;
  }

  /** Runs a command to its end. */
  run(...command: readonly string[]): Outcome {
    const [program, ...args] = this.#words(command);
    const { stdout, stderr, status } = spawnSync(program!, args, { cwd: this.#network.folder });
    return { stdout, stderr: stderr.toString(), status: status ?? -1 };
  }
}

export class Network {
  readonly folder: string;
  readonly services: Service[] = [];
  readonly hosts: Host[] = [];
  readonly #id: string;
  readonly #names: string[] = ['net'];

  private constructor(folder: string) {
    this.folder = folder;
    this.#id = `${PREFIX}${process.pid}-${Network.#made++}`;
  }
  static #made = 0;

  /** @param folder in which processes run. Everything is gone after the test, or with this process */
  static make(t: Test, folder: string): Network {
    sweep();
    const network = new Network(folder);
    const remove = () => network.#remove();
    process.once('exit', remove);
    t.teardown(async () => {
      await endAll(network.services);
      remove();
      process.off('exit', remove);
    });
    must('netns', 'add', network.space);
    must('-n', network.space, 'link', 'add', 'name', 'switch', 'type', 'bridge');
    must('-n', network.space, 'link', 'set', 'switch', 'up');
    return network;
  }

  /** The switch is in a name space of its own, so that this machine's network stays as it is. */
  get space(): string {
    return this.spaceOf('net');
  }

  spaceOf(host: string): string {
    return `${this.#id}-${host}`;
  }

  add(name: string): Host {
    this.#names.push(name);
    const host = new Host(this, name, this.#names.length);
    this.hosts.push(host);
    return host;
  }

  #remove(): void {
    for (const name of this.#names) remove(this.spaceOf(name));
  }
}
