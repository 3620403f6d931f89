import { accessSync, constants, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { formatBalance } from '../lib/cli/balance.ts';
import { DaqCommand, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { OutputClosed } from '../lib/cli/output.ts';
import { ProgressLine } from '../lib/cli/progress.ts';
import { Counters } from '../lib/drp/counters.ts';
import { type DrpFlags, drpFlags, kwargs, optionsFrom } from '../lib/drp/flags.ts';
import { drpMeters } from '../lib/drp/meters.ts';
import type { Pool } from '../lib/drp/pool.ts';
import { type DrpContext, runDrp } from '../lib/drp/run.ts';
import { Trial } from '../lib/drp/trial.ts';
import type { DrpOptions } from '../lib/drp/types.ts';
import { InputError, UsageError } from '../lib/errors.ts';
import { registerLive } from '../lib/live/scheme.ts';
import { findingLine } from '../lib/show/findings.ts';

registerLive();

export default class DrpPython extends DaqCommand {
  static override summary = 'drive a Python script over a stream of dgrams, in several processes';
  static override usageLine = 'SCRIPT.py [options] [-- ARG...]';
  static override concern = 'python' as const;
  static override strict = false;
  static override baseFlags = { ...processManagerFlags, ...metricsFlag };
  static override flags = drpFlags;
  static override examples = [
    { description: 'what would this script do?', command: 'drp-python --check fex.py -i run.xtc2' },
    {
      description: 'add features to a recorded run, with four processes',
      command: 'drp-python fex.py -i run.xtc2 -o fex.xtc2',
    },
    { description: 'in a pipeline', command: 'dgram-gen | drp-python fex.py -W 2 | dgram-cat -d' },
    {
      description: 'the existing psana worker, unmodified',
      command: 'drp-python psana_fex.py --ipc posix -D epix_0 -i run.xtc2 -o fex.xtc2',
    },
  ];

  override async run(): Promise<ExitStatus> {
    const { argv, flags } = await this.parse(DrpPython);
    const [named, ...scriptArgs] = argv.map(String);
    const script = named ?? kwargs(flags).get('pythonScript');
    if (script === undefined) throw new UsageError('which script? drp-python SCRIPT.py');
    checkScript(script);
    if (flags.input === '-' && process.stdin.isTTY)
      throw new UsageError('no input: give -i FILE, or pipe dgrams into it');
    const options = optionsFrom(flags, resolve(script), scriptArgs, flags.partition ?? 0, flags.alias);
    const counters = new Counters();
    let pool: Pool | undefined;
    await this.observe({ balance: () => counters.balance(), meters: drpMeters(counters, () => pool) }, flags.metrics);
    const context = this.contextOf(options, flags, counters);
    context.onPool = (made) => {
      pool = made;
    };
    return flags.check ? this.tryOut(script, context, flags, () => pool) : this.runThrough(context);
  }

  private contextOf(options: DrpOptions, flags: DrpFlags, counters: Counters): DrpContext {
    const line = new ProgressLine({ terminal: process.stderr, now: () => performance.now(), env: process.env });
    return {
      options,
      counters,
      streams: {
        input: flags.input,
        output: flags.output,
        trigger: flags['trigger-out'],
        config: flags.config,
        python: flags.python,
      },
      lifecycle: this.lifecycle,
      stdout: this.out,
      say: (message) => this.say(message),
      progress: {
        start: (total) => line.start(flags.input, total),
        update: (done) => line.update(done),
        end: () => line.clear(),
      },
    };
  }

  private async runThrough(context: DrpContext): Promise<ExitStatus> {
    const { counters } = context;
    try {
      const findings = await runDrp(context);
      for (const finding of findings) this.say(findingLine(finding));
      const lossy = counters.lossy || findings.some((finding) => finding.severity === 'error');
      const rate = counters.eventRate === undefined ? '' : `; ${Math.round(counters.eventRate)} events/s`;
      this.verdict(lossy ? 'W' : 'I', `${lossy ? 'LOSS' : 'OK'} ${formatBalance(counters.balance())}${rate}`);
      return lossy ? EXIT.loss : EXIT.ok;
    } catch (error) {
      if (!(error instanceof OutputClosed)) this.verdict('E', `FAILED ${formatBalance(counters.balance())}`);
      throw error;
    }
  }

  /** `--check`: one worker, a few events, a report instead of output. */
  private async tryOut(
    script: string,
    context: DrpContext,
    flags: DrpFlags,
    pool: () => Pool | undefined,
  ): Promise<ExitStatus> {
    const trial = new Trial();
    const streams = {
      ...context.streams,
      output: '/dev/null',
      trigger: flags['trigger-out'] === undefined ? undefined : '/dev/null',
    };
    const options = { ...context.options, workers: 1, batch: 1 };
    await runDrp({ ...context, options, streams, observe: trial.observe, events: flags.events });
    this.out.line(`${basename(script)}:`);
    const micros = pool()?.workers.reduce((sum, worker) => sum + worker.micros, 0) ?? 0;
    for (const line of trial.lines(micros)) this.out.line(`  ${line}`);
    return context.counters.lossy ? EXIT.loss : EXIT.ok;
  }
}

function checkScript(script: string): void {
  try {
    accessSync(script, constants.R_OK);
  } catch {
    throw new InputError('no such script, or no permission to read it', { place: { file: script } });
  }
  if (!statSync(script).isFile()) throw new InputError('the script is not a file', { place: { file: script } });
}
