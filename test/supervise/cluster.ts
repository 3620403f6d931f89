/** A real Slurm of one node on the loopback, in a folder of its own: munged, slurmctld, slurmd from the distribution's packages. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { until } from './runs.ts';

const PROGRAMS = ['munged', 'slurmctld', 'slurmd', 'sbatch', 'srun', 'squeue', 'scancel'];
const PATH = [process.env.PATH, '/usr/sbin', '/sbin'].join(delimiter);

/** Options for a test that needs Slurm: skipped, with the reason, where it cannot be had. */
export function needsSlurm(): { skip?: string } {
  const missing = PROGRAMS.filter((name) => !PATH.split(delimiter).some((folder) => existsSync(join(folder, name))));
  if (missing.length > 0) return { skip: `Slurm is not installed: no ${missing.join(', ')}` };
  return process.getuid?.() === 0 ? {} : { skip: 'a Slurm of our own needs root' };
}

export class SlurmCluster {
  readonly folder = mkdtempSync(join(tmpdir(), 'slurm-test-'));
  readonly env: Readonly<Record<string, string>>;
  readonly #daemons: ChildProcess[] = [];
  #words = '';

  private constructor() {
    this.env = { SLURM_CONF: join(this.folder, 'slurm.conf'), PATH };
  }

  static async start(t: { teardown(undo: () => unknown): void }): Promise<SlurmCluster> {
    const cluster = new SlurmCluster();
    t.teardown(() => cluster.stop());
    await cluster.#start();
    return cluster;
  }

  async #start(): Promise<void> {
    const { folder } = this;
    const [controller, daemon] = await freePorts(2);
    const host = hostname().split('.')[0];
    for (const name of ['munge', 'state', 'spool']) mkdirSync(join(folder, name), { mode: 0o755 });
    writeFileSync(join(folder, 'munge/key'), randomBytes(64), { mode: 0o600 });
    const settings = {
      ...{ ClusterName: 'test', SlurmctldHost: `${host}(127.0.0.1)`, SlurmctldPort: controller, SlurmdPort: daemon },
      ...{ AuthType: 'auth/munge', CredType: 'cred/munge', AuthInfo: `socket=${folder}/munge/socket` },
      ...{ SlurmUser: 'root', SlurmdUser: 'root', ReturnToService: 2, KillWait: 2, MpiDefault: 'none' },
      SchedulerParameters: 'sched_interval=1,batch_sched_delay=0,sched_min_interval=0,bf_interval=1',
      ...{ StateSaveLocation: `${folder}/state`, SlurmdSpoolDir: `${folder}/spool` },
      ...{ SlurmctldPidFile: `${folder}/slurmctld.pid`, SlurmdPidFile: `${folder}/slurmd.pid` },
      ...{ ProctrackType: 'proctrack/linuxproc', TaskPlugin: 'task/none', SwitchType: 'switch/none' },
      ...{ SelectType: 'select/cons_tres', SelectTypeParameters: 'CR_CPU', SlurmdParameters: 'config_overrides' },
      ...{ NodeName: `${host} NodeAddr=127.0.0.1 CPUs=64`, PartitionName: `drpq Nodes=${host} Default=YES State=UP` },
    };
    const text = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(folder, 'slurm.conf'), text.join(''));
    const munge = ['key-file=key', 'socket=socket', 'pid-file=pid', 'log-file=log', 'seed-file=seed'];
    this.#daemon('munged', [
      '--foreground',
      '--force',
      ...munge.map((one) => `--${one.replace('=', `=${folder}/munge/`)}`),
    ]);
    await until(() => existsSync(join(folder, 'munge/socket')), `munged: ${this.#words}`);
    this.#daemon('slurmctld', ['-D']);
    this.#daemon('slurmd', ['-D']);
    await until(() => this.#isIdle(), `a node that is idle: ${this.#words}`);
  }

  #daemon(program: string, args: readonly string[]): void {
    const child = spawn(program, args, { env: { ...process.env, ...this.env }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#words += text;
      });
    this.#daemons.push(child);
  }

  #isIdle(): boolean {
    return this.command('sinfo', '--noheader', '--format=%t').trim() === 'idle';
  }

  command(program: string, ...args: readonly string[]): string {
    return spawnSync(program, args, { env: { ...process.env, ...this.env }, encoding: 'utf8' }).stdout ?? '';
  }

  /** Jobs are ended first: their shepherds are no children of ours. */
  async stop(): Promise<void> {
    this.command('scancel', '--signal=KILL', '--full', '--user=root');
    this.command('scancel', '--user=root');
    await until(() => this.command('squeue', '--noheader') === '', 'an empty queue').catch(() => {});
    for (const child of this.#daemons.reverse()) {
      const ended = new Promise((resolve) => child.once('close', resolve));
      if (child.kill('SIGTERM')) await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
