import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { formatBalance } from '../lib/cli/balance.ts';
import { DaqCommand, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { OutputClosed } from '../lib/cli/output.ts';
import { Counters } from '../lib/drp/counters.ts';
import { drpFlags, kwargs, optionsFrom } from '../lib/drp/flags.ts';
import { runDrp } from '../lib/drp/run.ts';
import { InputError, UsageError } from '../lib/errors.ts';
import { findingLine } from '../lib/show/findings.ts';

export default class DrpPython extends DaqCommand {
  static override summary = 'drive a Python script over a stream of dgrams, in several processes';
  static override usageLine = 'SCRIPT.py [options] [-- ARG...]';
  static override concern = 'python' as const;
  static override strict = false;
  static override baseFlags = processManagerFlags;
  static override flags = drpFlags;
  static override examples = [
    { description: 'add features to a recorded run, with four processes', command: 'drp-python fex.py -i run.xtc2 -o fex.xtc2' },
    { description: 'in a pipeline', command: 'dgram-gen | drp-python photons.py -W 2 | dgram-cat -d' },
    { description: 'the existing psana worker, unmodified', command: 'drp-python psana_fex.py --ipc posix -D epix_0 -i run.xtc2 -o fex.xtc2' },
  ];

  override async run(): Promise<ExitStatus> {
    const { argv, flags } = await this.parse(DrpPython);
    const [named, ...scriptArgs] = argv.map(String);
    const script = named ?? kwargs(flags).get('pythonScript');
    if (script === undefined) throw new UsageError('which script? drp-python SCRIPT.py');
    checkScript(script);
    const options = optionsFrom(flags, resolve(script), scriptArgs, flags.partition ?? 0, flags.alias);
    const counters = new Counters();
    this.lifecycle.onBalance(() => formatBalance(counters.balance()));
    try {
      const findings = await runDrp({
        options,
        counters,
        streams: { input: flags.input, output: flags.output, trigger: flags['trigger-out'], config: flags.config, python: flags.python },
        lifecycle: this.lifecycle,
        stdout: this.out,
        say: (message) => this.say(message),
      });
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
}

function checkScript(script: string): void {
  try {
    accessSync(script, constants.R_OK);
  } catch {
    throw new InputError('no such script, or no permission to read it', { place: { file: script } });
  }
  if (!statSync(script).isFile()) throw new InputError('the script is not a file', { place: { file: script } });
}
