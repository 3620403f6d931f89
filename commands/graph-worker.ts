import * as Flags from '@oclif/core/flags';
import { formatBalance } from '../lib/cli/balance.ts';
import { DaqCommand, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { endpointOf, loadOptions, memberFlags } from '../lib/graph/net/flags.ts';
import { workerBalance, workerMeters } from '../lib/graph/net/meters.ts';
import { FailureLog } from '../lib/graph/output/failure-log.ts';

export default class GraphWorker extends DaqCommand {
  static override summary = 'run the per-event part of a graph on the events that graph-manage deals';
  static override usageLine = '--id N [--manager ENDPOINT] [options]';
  static override concern = 'graphs' as const;
  static override endsBySignal = true;
  static override exitMeanings = {
    '0': 'the stream ended, or a signal came',
    '1': 'the manager refused it, or the graph cannot be used here',
    '3': 'events of a manager that went away were never asked for',
  };
  static override baseFlags = { ...processManagerFlags, ...metricsFlag };
  static override flags = {
    ...memberFlags,
    id: Flags.integer({ summary: 'number of this worker, from 0', helpValue: 'N', required: true, min: 0 }),
  };
  static override examples = [
    { description: 'the second of the workers of partition 3', command: 'graph-worker --id 1 -p 3' },
    { description: 'on another node', command: 'graph-worker --id 5 --manager zmq+tcp://daq-mon01:5600' },
  ];

  override async run(): Promise<ExitStatus> {
    const { flags } = await this.parse(GraphWorker);
    const say = (message: string) => this.say(message);
    const { WorkerProcess } = await import('../lib/graph/net/worker-process.ts');
    const load = loadOptions(flags, say);
    const running = new WorkerProcess({
      id: flags.id,
      manager: endpointOf(flags.manager, flags.partition),
      load,
      say,
      onFailure: new FailureLog(say, Date.now).add,
    });
    await this.observe({ balance: () => workerBalance(running), meters: workerMeters(running) }, flags.metrics);
    try {
      await running.run(this.lifecycle.stop);
    } finally {
      load.loader.close();
    }
    if (running.refused !== undefined) {
      this.say(`refused: ${running.refused}`);
      return EXIT.no;
    }
    const balance = workerBalance(running);
    const lossy = balance.in !== balance.out;
    this.verdict(lossy ? 'W' : 'I', `${lossy ? 'LOSS' : 'OK'} ${formatBalance(balance)}`);
    return lossy ? EXIT.loss : EXIT.ok;
  }
}
