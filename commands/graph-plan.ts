import * as Args from '@oclif/core/args';
import { DaqCommand, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { compileCase } from '../lib/graph/case/play.ts';
import { compile } from '../lib/graph/compile/compile.ts';
import { planOf } from '../lib/graph/compile/plan.ts';
import { clusterFlags, codeFlags, codeLoader, compileOptions, graphFlags, subjectOf } from '../lib/graph/flags.ts';
import { planText, problemText } from '../lib/graph/output/print.ts';

export default class GraphPlan extends DaqCommand {
  static override summary = 'show where each node of a graph runs, and what is sent';
  static override usageLine = '[GRAPH] [options]';
  static override concern = 'graphs' as const;
  static override baseFlags = { ...processManagerFlags };
  static override flags = { ...clusterFlags, ...graphFlags, ...codeFlags };
  static override args = { graph: Args.string({ description: 'graph file, YAML or JSON; - for standard input' }) };
  static override examples = [
    { description: 'four workers, two local collectors', command: 'graph-plan scalars.yaml -W 4 -L 2' },
    { description: 'how AMI would split n', command: 'graph-plan scalars.yaml -W 4 -L 2 --ami-compat' },
  ];

  override async run(): Promise<ExitStatus> {
    const { args, flags } = await this.parse(GraphPlan);
    const subject = subjectOf(args.graph, flags);
    const loader = codeLoader(flags, (message) => this.say(message));
    const graph = subject.kind === 'case' ? subject.what.graph : subject.graph;
    const options = { ...compileOptions(flags), code: await loader.load(graph).finally(() => loader.close()) };
    const compiled =
      subject.kind === 'case' ? compileCase(subject.what, options) : compile(subject.graph, { ...options, ...subject });
    if ('problems' in compiled) {
      for (const problem of compiled.problems) this.say(problemText(problem));
      return EXIT.no;
    }
    const plan = planOf(compiled.graph);
    for (const line of flags.format === 'jsonl' ? [JSON.stringify(plan)] : planText(plan)) this.out.line(line);
    return EXIT.ok;
  }
}
