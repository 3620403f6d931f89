import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { DaqCommand, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { InputError } from '../lib/errors.ts';
import { compileCase } from '../lib/graph/case/play.ts';
import { checkLaws } from '../lib/graph/check/law.ts';
import { sampleEvents } from '../lib/graph/check/sample.ts';
import { compile } from '../lib/graph/compile/compile.ts';
import type { CompiledGraph } from '../lib/graph/compile/compiled.ts';
import { clusterFlags, codeFlags, codeLoader, compileOptions, graphFlags, subjectOf } from '../lib/graph/flags.ts';
import { problemJson, problemText } from '../lib/graph/output/print.ts';
import { uniform } from '../lib/graph/random.ts';
import type { Problem } from '../lib/graph/types.ts';

export default class GraphCheck extends DaqCommand {
  static override summary = 'say what is wrong with a graph, without running it';
  static override usageLine = '[GRAPH] [options]';
  static override concern = 'graphs' as const;
  static override baseFlags = { ...processManagerFlags };
  static override flags = {
    ...clusterFlags,
    ...graphFlags,
    ...codeFlags,
    law: Flags.string({
      summary: 'does it merge? events to try it with: a file, -, a URL; random:FILE',
      helpValue: 'EVENTS',
      helpGroup: 'LAW',
    }),
    'law-events': Flags.integer({ summary: 'how many', helpValue: 'N', default: 1000, min: 1, helpGroup: 'LAW' }),
    seed: Flags.integer({ summary: 'of the dealing, and of random: events', default: 0, helpGroup: 'LAW' }),
  };
  static override args = { graph: Args.string({ description: 'graph file, YAML or JSON; - for standard input' }) };
  static override examples = [
    { description: 'before the run', command: 'graph-check scalars.yaml' },
    { description: 'for eight workers on two nodes', command: 'graph-check scalars.yaml -W 8 -L 2' },
  ];

  override async run(): Promise<ExitStatus> {
    const { args, flags } = await this.parse(GraphCheck);
    const subject = subjectOf(args.graph, flags);
    const loader = codeLoader(flags, (message) => this.say(message));
    const graph = subject.kind === 'case' ? subject.what.graph : subject.graph;
    const json = flags.format === 'jsonl';
    try {
      const options = { ...compileOptions(flags), code: await loader.load(graph) };
      const compiled =
        subject.kind === 'case'
          ? compileCase(subject.what, options)
          : compile(subject.graph, { ...options, ...subject });
      const problems = 'problems' in compiled ? compiled.problems : await this.lawProblems(compiled.graph, flags);
      for (const problem of problems) this.out.line(json ? problemJson(problem) : problemText(problem));
      if (problems.length > 0 || 'problems' in compiled) return EXIT.no;
      for (const warning of compiled.graph.warnings) this.say(`warning: ${warning}`);
      this.out.line(json ? '{"ok": true}' : 'OK');
      return EXIT.ok;
    } finally {
      loader.close();
    }
  }

  private async lawProblems(
    graph: CompiledGraph,
    flags: { law?: string | undefined; 'law-events': number; seed: number },
  ): Promise<readonly Problem[]> {
    if (flags.law === undefined) return [];
    const { lifecycle } = this;
    const options = { lifecycle, say: (message: string) => this.say(message), seed: flags.seed, paced: false };
    const events = await sampleEvents(flags.law, graph.sources, flags['law-events'], options);
    if (events.length === 0) throw new InputError('--law: there are no events in it', { place: { file: flags.law } });
    return checkLaws(graph, events, uniform(flags.seed));
  }
}
