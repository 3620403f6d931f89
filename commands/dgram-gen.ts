import * as Args from '@oclif/core/args';
import type * as Interfaces from '@oclif/core/interfaces';
import { imbalance } from '../lib/cli/balance.ts';
import { DaqCommand, jsonFlag, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { progressOnTerminal } from '../lib/cli/progress.ts';
import { UsageError } from '../lib/errors.ts';
import type { RunDescription } from '../lib/simulate/description.ts';
import { describeRun, plainRun } from '../lib/simulate/document.ts';
import { listFlags, outputFlags, runFlags } from '../lib/simulate/flags.ts';
import { overridesOf, paceOf } from '../lib/simulate/options.ts';
import { type Played, play } from '../lib/simulate/play.ts';
import { kindsDocument, kindsLines, resultDocument, resultText } from '../lib/simulate/report.ts';
import { Simulation } from '../lib/simulate/simulation.ts';
import { DEFAULT_RUN, runOfSize } from '../lib/simulate/usual-runs.ts';
import { readAll } from '../lib/stream/read-all.ts';
import { openBytes } from '../lib/stream/source.ts';

/** The YAML library costs start-up time that runs without a description do not have. */
const yamlText = () => import('../lib/simulate/yaml-text.ts');

/** A paced run that ends so much late was not in real time. */
const LATE_SECONDS = 0.5;

export default class DgramGen extends DaqCommand {
  static override summary = 'make simulated dgram streams';
  static override usageLine = '[RUN.yaml|-] [-o OUT]... [options]';
  static override concern = 'dgrams' as const;
  static override baseFlags = { ...processManagerFlags, ...jsonFlag, ...metricsFlag };
  static override flags = { ...listFlags, ...runFlags, ...outputFlags };
  static override args = { description: Args.string() };
  static override examples = [
    { description: 'two detectors at once', command: 'dgram-gen | dgram-cat' },
    { description: 'what can be simulated', command: 'dgram-gen --list-kinds' },
    {
      description: 'a folder of files as the DAQ writes them, four streams',
      command: 'dgram-gen --streams 4 --smd -o xtc/ run.yaml',
    },
    { description: 'a live stream at 120 Hz', command: 'dgram-gen -n 0 --rate 120 area-camera.yaml | dgram-cat' },
    { description: 'a million dgrams of 1000 bytes', command: 'dgram-gen --size 1000 -n 1000000 -o big.xtc2' },
    { description: 'all defaults of a description', command: 'dgram-gen --print run.yaml' },
  ];

  override async run(): Promise<ExitStatus> {
    const { args, flags } = await this.parse(DgramGen);
    if (flags['list-kinds']) return this.list(flags.json);
    const run = await this.describe(args.description, flags);
    if (flags.print) {
      const { printRun } = await yamlText();
      this.out.put(flags.json ? `${JSON.stringify(plainRun(run), null, 2)}\n` : printRun(run));
      return EXIT.ok;
    }
    return this.play(run, flags);
  }

  private list(json: boolean): ExitStatus {
    if (json) this.out.line(JSON.stringify(kindsDocument(), null, 2));
    else for (const line of kindsLines()) this.out.line(line);
    return EXIT.ok;
  }

  private async describe(file: string | undefined, flags: ParsedFlags): Promise<RunDescription> {
    const overrides = overridesOf(flags);
    if (flags.size !== undefined) {
      if (file !== undefined) throw new UsageError('--size makes its own run: leave the description out');
      return describeRun(runOfSize(flags.size), overrides);
    }
    if (file === undefined) return describeRun(DEFAULT_RUN, overrides);
    const { parseRun } = await yamlText();
    return parseRun((await readAll(await openBytes(file))).toString(), file, overrides);
  }

  private async play(run: RunDescription, flags: ParsedFlags): Promise<ExitStatus> {
    const targets = flags.output ?? ['-'];
    if (flags.json && targets.includes('-'))
      throw new UsageError('--json goes to standard output: name an output with -o');
    const pace = paceOf(flags);
    const simulation = new Simulation(run);
    await this.observe({ balance: () => simulation.balance, meters: this.meters(simulation) }, flags.metrics);
    const progress = progressOnTerminal();
    progress.start('dgram-gen', undefined);
    const outputs = {
      targets,
      smallData: flags.smd,
      grow: flags.grow,
      stdout: this.out,
      lifecycle: this.lifecycle,
      say: (message: string) => this.say(message),
    };
    const { stop } = this.lifecycle;
    try {
      const played = await play(simulation, outputs, {
        ...(pace ? { pace } : {}),
        stop,
        progress: (bytes) => progress.update(bytes),
      });
      progress.clear();
      return this.conclude(simulation, played, flags.json);
    } finally {
      progress.clear();
    }
  }

  private meters(simulation: Simulation) {
    const total = (of: 'dgrams' | 'bytes') => () =>
      Object.fromEntries(simulation.lanes.map((lane) => [String(lane.node), lane[of]]));
    return [
      {
        name: 'dgrams_total',
        help: 'Dgrams written',
        kind: 'counter' as const,
        label: 'stream',
        value: total('dgrams'),
      },
      { name: 'bytes_total', help: 'Bytes written', kind: 'counter' as const, label: 'stream', value: total('bytes') },
    ];
  }

  private conclude(simulation: Simulation, played: Played, json: boolean): ExitStatus {
    for (const name of played.gone) this.say(`${name}: its reader went away before the end`);
    if (json) this.out.line(JSON.stringify(resultDocument(simulation, played), null, 2));
    const text = resultText(simulation);
    if (imbalance(simulation.balance) !== 0) {
      this.verdict('E', `FAULT ${text}`);
      return EXIT.internal;
    }
    if (played.lost) {
      this.verdict('W', `LOSS ${text}; a reader went away, and what was under way to it is lost`);
      return EXIT.loss;
    }
    const late = played.late > LATE_SECONDS ? `; ${played.late.toFixed(1)} s late` : '';
    this.verdict(late === '' ? 'I' : 'W', `${this.lifecycle.stop.aborted ? 'STOPPED' : 'OK'} ${text}${late}`);
    return EXIT.ok;
  }
}

type ParsedFlags = Interfaces.InferredFlags<typeof DgramGen.flags & typeof DgramGen.baseFlags>;
