import * as Args from '@oclif/core/args';
import { DaqCommand, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { compileCase } from '../lib/graph/case/play.ts';
import { compile } from '../lib/graph/compile/compile.ts';
import { clusterFlags, codeFlags, codeLoader, compileOptions, graphFlags, subjectOf } from '../lib/graph/flags.ts';
import { problemJson, problemText } from '../lib/graph/output/print.ts';

export default class GraphCheck extends DaqCommand {
  static override summary = 'say what is wrong with a graph, without running it';
  static override usageLine = '[GRAPH] [options]';
  static override concern = 'graphs' as const;
  static override baseFlags = { ...processManagerFlags };
  static override flags = { ...clusterFlags, ...graphFlags, ...codeFlags };
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
    const options = { ...compileOptions(flags), code: await loader.load(graph).finally(() => loader.close()) };
    const compiled =
      subject.kind === 'case' ? compileCase(subject.what, options) : compile(subject.graph, { ...options, ...subject });
    const json = flags.format === 'jsonl';
    if ('problems' in compiled) {
      for (const problem of compiled.problems) this.out.line(json ? problemJson(problem) : problemText(problem));
      return EXIT.no;
    }
    for (const warning of compiled.graph.warnings) this.say(`warning: ${warning}`);
    this.out.line(json ? '{"ok": true}' : 'OK');
    return EXIT.ok;
  }
}
