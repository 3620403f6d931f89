import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { formatBalance } from '../lib/cli/balance.ts';
import { DaqCommand, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { UsageError } from '../lib/errors.ts';
import type { GraphCase } from '../lib/graph/case/case-file.ts';
import { playCalls, playSteps } from '../lib/graph/case/play.ts';
import { compile } from '../lib/graph/compile/compile.ts';
import { Refused } from '../lib/graph/compile/refused.ts';
import {
  clusterFlags,
  codeFlags,
  codeLoader,
  codeMeters,
  compileOptions,
  graphFlags,
  parsePeriod,
  subjectOf,
} from '../lib/graph/flags.ts';
import { FailureLog } from '../lib/graph/output/failure-log.ts';
import { resultFlags } from '../lib/graph/output/flags.ts';
import { callJson, problemText, recordJson } from '../lib/graph/output/print.ts';
import { Show } from '../lib/graph/output/show.ts';
import { InProcessRun } from '../lib/graph/run/in-process.ts';
import { openEvents } from '../lib/graph/source/open.ts';
import { registerLive } from '../lib/live/scheme.ts';

registerLive();

export default class GraphRun extends DaqCommand {
  static override summary = 'run a graph over events: accumulate, and show a record per heartbeat';
  static override usageLine = '[GRAPH] [INPUT] [options]';
  static override concern = 'graphs' as const;
  static override baseFlags = { ...processManagerFlags, ...metricsFlag };
  static override flags = {
    ...clusterFlags,
    ...graphFlags,
    ...resultFlags,
    ...codeFlags,
    heartbeat: Flags.string({
      summary: 'period: seconds of event time, or a number of events',
      helpValue: '1s|1000ev',
      default: '1s',
      helpGroup: 'GRAPH',
    }),
    depth: Flags.integer({ summary: 'most open heartbeats', helpValue: 'N', default: 1, min: 1, helpGroup: 'CLUSTER' }),
    seed: Flags.integer({ summary: 'of random: sources', helpValue: 'N', default: 0, helpGroup: 'GRAPH' }),
    paced: Flags.boolean({ summary: 'simulated sources wait between events as their file says', helpGroup: 'GRAPH' }),
  };
  static override args = {
    graph: Args.string({ description: 'graph file, YAML or JSON' }),
    input: Args.string({ description: 'dgrams: a file, -, a URL; random:FILE or static:FILE', default: '-' }),
  };
  static override examples = [
    { description: 'over a recorded run', command: 'graph-run scalars.yaml run.xtc2' },
    { description: 'in a pipeline', command: 'dgram-gen | graph-run scalars.yaml --heartbeat 100ev' },
    { description: 'simulated events', command: 'graph-run scalars.yaml random:worker.json --heartbeat 1000ev' },
    { description: 'plots in the terminal', command: 'graph-run scalars.yaml shm:tst --plot' },
    {
      description: 'the latest results for a notebook',
      command: 'graph-run scan.yaml shm:tst --last --snapshot scan.npz',
    },
    { description: 'results in a browser', command: 'graph-run images.yaml shm:tst -f jsonl | daq-view --records -' },
  ];

  override async run(): Promise<ExitStatus> {
    const { args, flags } = await this.parse(GraphRun);
    const subject = subjectOf(args.graph, flags);
    const options = compileOptions(flags);
    const failures = new FailureLog((message) => this.say(message), Date.now);
    const onFailure = failures.add;
    let show: Show | undefined;
    const loader = codeLoader(flags, (message) => this.say(message));
    try {
      const code = await loader.load(subject.kind === 'case' ? subject.what.graph : subject.graph);
      if (subject.kind === 'case') return this.play(subject.what, { ...options, code, onFailure });
      const compiled = compile(subject.graph, { ...options, ...subject, code });
      if ('problems' in compiled) throw new Refused(compiled.problems);
      for (const warning of compiled.graph.warnings) this.say(`warning: ${warning}`);
      if (args.input === '-' && process.stdin.isTTY) throw new UsageError('no input: name one, or pipe dgrams into it');
      const { graph } = compiled;
      show = await Show.open(flags, { out: this.out, lifecycle: this.lifecycle, say: (message) => this.say(message) });
      show.expect(graph.outputs);
      const source = await openEvents(args.input, graph.sources, {
        lifecycle: this.lifecycle,
        say: (message) => this.say(message),
        seed: flags.seed,
        paced: flags.paced,
      });
      const run = new InProcessRun(graph, {
        period: parsePeriod(flags.heartbeat),
        depth: flags.depth,
        onFailure,
        onRecord: (record) => show?.add(record, { graph, version: 1 }),
        drain: show.drain,
      });
      await this.observe({ balance: () => run.balance(), meters: codeMeters(loader) }, flags.metrics);
      await show.start();
      await run.run(source);
      source.close();
      await show.finish();
      for (const word of source.words()) this.say(word);
      const lossy = run.failed > 0 || run.balance().in !== run.balance().out || source.faults > 0 || show.failed > 0;
      this.verdict(lossy ? 'W' : 'I', `${lossy ? 'LOSS' : 'OK'} ${formatBalance(run.balance())}`);
      return lossy ? EXIT.loss : EXIT.ok;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      for (const problem of error.problems) this.say(problemText(problem));
      return EXIT.no;
    } finally {
      show?.close();
      loader.close();
    }
  }

  private play(what: GraphCase, options: Parameters<typeof playSteps>[1]): ExitStatus {
    if (what.kind === 'calls') {
      for (const record of playCalls(what, options)) this.out.line(callJson(record));
      return EXIT.ok;
    }
    let unanswered = 0;
    let failed = 0;
    for (const record of playSteps(what, options)) {
      this.out.line(recordJson(record));
      unanswered += record.dealt - record.included;
      for (const count of record.errors.values()) failed += count;
    }
    return unanswered > 0 || failed > 0 ? EXIT.loss : EXIT.ok;
  }
}
