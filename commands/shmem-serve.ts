import { formatBalance } from '../lib/cli/balance.ts';
import { DaqCommand, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { UsageError } from '../lib/errors.ts';
import { registerLive } from '../lib/live/scheme.ts';
import { readableLine, serveFlags, serveOptions } from '../lib/live/server/flags.ts';
import type { LiveCore } from '../lib/live/server/live-core.ts';
import { balanceOf, clientLines, metersOf } from '../lib/live/server/report.ts';
import { type ServeResult, serveLive } from '../lib/live/server/serve.ts';
import { findingLine } from '../lib/show/findings.ts';

registerLive();

export default class ShmemServe extends DaqCommand {
  static override summary = 'keep recent events in shared memory for whoever wants to look';
  static override usageLine = 'TAG [IN|-|URL] [options]';
  static override concern = 'live' as const;
  static override strict = false;
  static override baseFlags = { ...processManagerFlags, ...metricsFlag };
  static override flags = serveFlags;
  static override examples = [
    {
      description: 'a simulated run for viewers, again and again',
      command: 'shmem-serve tst run.xtc2 --loop 0 -r 120',
    },
    { description: 'what a viewer would get', command: 'dgram-cat shm:tst' },
    {
      description: 'between two stages, for whoever looks',
      command: 'shmem-serve tst zmq+tcp://:5555 -c 4 -s 16M --metrics 9100',
    },
    { description: 'events of group 5 keep two of eight buffers', command: 'shmem-serve tst --reserve 5:2 run.xtc2' },
    {
      description: 'as the existing server is started',
      command: 'shmem-serve -p tst -n 8 -s 0x100000 -c 2 -r 60 -f run.xtc2',
    },
  ];

  static override main(argv: string[], name: string): Promise<void> {
    return DaqCommand.main.call(ShmemServe, readableLine(argv), name);
  }

  override async run(): Promise<ExitStatus> {
    const { argv, flags } = await this.parse(ShmemServe);
    const say = (text: string) => this.say(text);
    const options = serveOptions(argv.map(String), flags, say);
    if (options.input === '-' && process.stdin.isTTY)
      throw new UsageError('no input: give a file or a URL, or pipe dgrams into it');
    let core: LiveCore | undefined;
    await this.observe({ balance: () => balanceOf(core), meters: metersOf(() => core) }, flags.metrics);
    const balanceLines = () => [formatBalance(balanceOf(core)), ...clientLines(core)];
    this.lifecycle.onBalance(() =>
      balanceLines()
        .map((line) => `shmem-serve: ${line}`)
        .join('\n'),
    );
    try {
      const result = await serveLive({
        options,
        lifecycle: this.lifecycle,
        say,
        onServer: (server) => {
          core = server.core;
        },
      });
      for (const line of clientLines(core)) say(line);
      return this.conclude(result, core);
    } catch (error) {
      if (core !== undefined) this.verdict('E', `FAILED ${formatBalance(balanceOf(core))}`);
      throw error;
    }
  }

  /** Recent events are promised, not all of them: what was stolen or dropped is no loss in the sense of the exit status. */
  private conclude({ findings, lost }: ServeResult, core: LiveCore | undefined): ExitStatus {
    for (const finding of findings) this.say(findingLine(finding));
    if (lost !== undefined) this.say(lost);
    const incomplete =
      lost !== undefined || findings.some(({ severity }) => severity === 'error') || core?.events.counts.oversize !== 0;
    this.verdict(incomplete ? 'W' : 'I', `${incomplete ? 'LOSS' : 'OK'} ${formatBalance(balanceOf(core))}`);
    return incomplete ? EXIT.loss : EXIT.ok;
  }
}
