import * as Flags from '@oclif/core/flags';
import { formatBalance } from '../lib/cli/balance.ts';
import { DaqCommand, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { UsageError } from '../lib/errors.ts';
import { collectorEndpoint } from '../lib/graph/net/endpoints.ts';
import { endpointOf, loadOptions, memberFlags } from '../lib/graph/net/flags.ts';
import type { LoadOptions } from '../lib/graph/net/load-graph.ts';
import { globalBalance, globalMeters, localBalance, localMeters } from '../lib/graph/net/meters.ts';
import { FailureLog } from '../lib/graph/output/failure-log.ts';
import { type ResultValues, resultFlags } from '../lib/graph/output/flags.ts';
import { Show } from '../lib/graph/output/show.ts';

export default class GraphCollect extends DaqCommand {
  static override summary = 'merge what graph workers have accumulated: for one node, or for all of them into records';
  static override usageLine = '--local N|--global [--manager ENDPOINT] [options]';
  static override concern = 'graphs' as const;
  static override endsBySignal = true;
  static override exitMeanings = {
    '0': 'the stream ended, or a signal came; everything dealt is in a record',
    '1': 'the manager refused it, or the graph cannot be used here',
    '3': 'events are in no record, or nodes failed',
  };
  static override baseFlags = { ...processManagerFlags, ...metricsFlag };
  static override flags = {
    ...memberFlags,
    local: Flags.integer({ summary: 'collect for the workers of node N', helpValue: 'N', min: 0 }),
    global: Flags.boolean({ summary: 'collect from all nodes, and print the records' }),
    bind: Flags.string({
      summary: 'where to take answers',
      description: "The default is a socket beside the manager's, or a free port of this machine.",
      helpValue: 'zmq+ipc://PATH|zmq+tcp://HOST:PORT',
      helpGroup: 'CLUSTER',
    }),
    state: Flags.string({
      summary: 'keep the state of --global in FILE, and go on with it after a restart',
      helpValue: 'FILE',
      helpGroup: 'OUTPUT',
    }),
    ...resultFlags,
  };
  static override examples = [
    {
      description: 'the two local collectors and the global one',
      command: 'graph-collect --local 0 & graph-collect --local 1 & graph-collect --global',
    },
    {
      description: 'nothing that was closed is lost by a restart',
      command: 'graph-collect --global --state run.state',
    },
  ];

  override async run(): Promise<ExitStatus> {
    const { flags } = await this.parse(GraphCollect);
    const { local } = flags;
    if ((local === undefined) === !flags.global) throw new UsageError('give either --local N or --global');
    if (!flags.global && (flags.state ?? flags.snapshot) !== undefined)
      throw new UsageError('--state and --snapshot belong to --global');
    const say = (message: string) => this.say(message);
    const manager = endpointOf(flags.manager, flags.partition);
    const name = local === undefined ? 'global' : `local${local}`;
    const bind = flags.bind ?? collectorEndpoint(manager, name);
    const onFailure = new FailureLog(say, Date.now).add;
    const load = loadOptions(flags, say);
    const common = { id: local ?? 0, manager, bind, load, say, onFailure };
    try {
      return await (local === undefined ? this.collectAll(common, flags) : this.collectNode(common, flags.metrics));
    } finally {
      load.loader.close();
    }
  }

  private async collectNode(common: Common, metrics: string | undefined): Promise<ExitStatus> {
    const { LocalProcess } = await import('../lib/graph/net/local-process.ts');
    const running = new LocalProcess({ ...common, role: 'local' }, common.onFailure);
    await this.observe({ balance: () => localBalance(running), meters: localMeters(running) }, metrics);
    await running.run(this.lifecycle.stop);
    if (running.refused !== undefined) return this.refused(running.refused);
    this.verdict('I', `OK ${formatBalance(localBalance(running))}`);
    return EXIT.ok;
  }

  private async collectAll(
    common: Common,
    flags: ResultValues & { state?: string | undefined; metrics?: string | undefined },
  ): Promise<ExitStatus> {
    const { GlobalProcess } = await import('../lib/graph/net/global-process.ts');
    const { say } = common;
    const show = await Show.open(flags, { out: this.out, lifecycle: this.lifecycle, say });
    const running = new GlobalProcess({
      ...common,
      role: 'global',
      state: flags.state,
      onRecord: show.add,
      drain: show.drain,
    });
    await this.observe({ balance: () => globalBalance(running), meters: globalMeters(running) }, flags.metrics);
    try {
      await show.start();
      await running.run(this.lifecycle.stop);
      await show.finish();
    } finally {
      show.close();
    }
    if (running.refused !== undefined) return this.refused(running.refused);
    const balance = globalBalance(running);
    const lossy = balance.in !== balance.out || running.counts.failures > 0 || show.failed > 0;
    for (const line of running.nodeLines()) this.say(line);
    this.verdict(lossy ? 'W' : 'I', `${lossy ? 'LOSS' : 'OK'} ${formatBalance(balance)}`);
    return lossy ? EXIT.loss : EXIT.ok;
  }

  private refused(why: string): ExitStatus {
    this.say(`refused: ${why}`);
    return EXIT.no;
  }
}

interface Common {
  readonly id: number;
  readonly manager: string;
  readonly bind: string;
  readonly load: LoadOptions;
  readonly say: (message: string) => void;
  readonly onFailure: FailureLog['add'];
}
