import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import { formatBalance } from '../lib/cli/balance.ts';
import { DaqCommand, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { InputError, UsageError } from '../lib/errors.ts';
import { readGraph } from '../lib/graph/compile/graph-file.ts';
import { Refused } from '../lib/graph/compile/refused.ts';
import { openFeed } from '../lib/graph/net/feed.ts';
import { endpointOf, loadOptions, manageFlags, manageSettings } from '../lib/graph/net/flags.ts';
import { loadGraph } from '../lib/graph/net/load-graph.ts';
import type { ManagerProcess } from '../lib/graph/net/manager-process.ts';
import { managerBalance, managerMeters } from '../lib/graph/net/meters.ts';
import { problemText } from '../lib/graph/output/print.ts';
import { registerLive } from '../lib/live/scheme.ts';
import { wholeText } from '../lib/stream/read-all.ts';

export default class GraphManage extends DaqCommand {
  static override summary =
    'deal events to graph workers, and say when records are due; or replace the graph of a running cluster';
  static override usageLine = 'GRAPH [INPUT] [options] | replace GRAPH [--at ENDPOINT]';
  static override concern = 'graphs' as const;
  static override exitMeanings = {
    '1': 'the graph is refused',
    '3': 'the run ended, but dealt events are in no record, nodes failed, or the input is damaged',
  };
  static override baseFlags = { ...processManagerFlags, ...metricsFlag };
  static override flags = manageFlags;
  static override args = {
    graph: Args.string({ required: true, description: 'graph file; or the word replace, and then the graph file' }),
    input: Args.string({ description: 'dgrams: a file, -, a URL; random:FILE or static:FILE', default: '-' }),
  };
  static override examples = [
    { description: 'four workers, two local collectors', command: 'graph-manage scalars.yaml run.xtc2 -W 4 -L 2' },
    { description: 'live', command: 'graph-manage scalars.yaml shm:psana -W 4 --heartbeat 500ms' },
    { description: 'another graph, without a stop', command: 'graph-manage replace better.yaml' },
  ];

  override async run(): Promise<ExitStatus> {
    const { args, flags } = await this.parse(GraphManage);
    const at = endpointOf(flags.at, flags.partition);
    if (args.graph === 'replace') return this.replace(at, args.input);
    registerLive();
    const settings = manageSettings(flags);
    const text = wholeText(args.graph);
    const file = resolve(args.graph);
    readGraph(text, args.graph);
    const say = (message: string) => this.say(message);
    const load = loadOptions(flags, say);
    this.lifecycle.onEmergency(() => load.loader.close());
    const first = { version: 1, text, file, hashes: new Map<string, string>() };
    const { compiled, hashes } = await loadGraph(first, settings.terms, load);
    if ('problems' in compiled) return this.refuse(new Refused(compiled.problems));
    for (const warning of compiled.graph.warnings) this.say(`warning: ${warning}`);
    if (args.input === '-' && process.stdin.isTTY) throw new UsageError('no input: name one, or pipe dgrams into it');
    const { seed, paced } = flags;
    const feed = await openFeed(args.input, compiled.graph.sources, { lifecycle: this.lifecycle, say, seed, paced });
    const { ManagerProcess } = await import('../lib/graph/net/manager-process.ts');
    const running = new ManagerProcess({ ...settings, graph: { ...first, hashes }, at, feed, load, say });
    const onHangUp = () => void this.reread(running, file);
    process.on('SIGHUP', onHangUp);
    try {
      await this.observe({ balance: () => managerBalance(running), meters: managerMeters(running) }, flags.metrics);
      await running.run(this.lifecycle.stop);
    } finally {
      process.removeListener('SIGHUP', onHangUp);
      feed.close();
    }
    for (const word of feed.words()) this.say(word);
    return this.report(running, feed.faults);
  }

  private async reread(running: ManagerProcess, file: string): Promise<void> {
    try {
      await running.replace(wholeText(file), file);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.say(`${file}: ${error.message}; the graph stays as it is`);
    }
  }

  private async replace(at: string, file: string): Promise<ExitStatus> {
    if (file === '-') throw new UsageError('replace: which graph? Give a graph file');
    const text = wholeText(file);
    readGraph(text, file);
    const { replaceGraph } = await import('../lib/graph/net/replace-client.ts');
    const answer = await replaceGraph(at, { text, file: resolve(file) }, (message) => this.say(message));
    if (answer.problems.length > 0) return this.refuse(new Refused(answer.problems));
    this.out.line(`version ${answer.version} from heartbeat ${answer.from} on`);
    return EXIT.ok;
  }

  private refuse({ problems }: Refused): ExitStatus {
    for (const problem of problems) this.say(problemText(problem));
    return EXIT.no;
  }

  private report(running: ManagerProcess, faults: number): ExitStatus {
    const { ledger } = running.manager;
    const balance = managerBalance(running);
    for (const line of ledger?.unanswered() ?? []) this.say(line);
    const { p50, p99 } = ledger?.latency() ?? { p50: 0, p99: 0 };
    const lossy = balance.in !== balance.out || (ledger?.failures ?? 0) > 0 || faults > 0;
    const latency = `issue to record ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
    this.verdict(lossy ? 'W' : 'I', `${lossy ? 'LOSS' : 'OK'} ${formatBalance(balance)}; ${latency}`);
    return lossy ? EXIT.loss : EXIT.ok;
  }
}
