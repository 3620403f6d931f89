import { formatBalance } from '../lib/cli/balance.ts';
import { DaqCommand, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { UsageError } from '../lib/errors.ts';
import { withOverrides } from '../lib/trigger/config/overrides.ts';
import { readConfig } from '../lib/trigger/config/read.ts';
import { makeDecider } from '../lib/trigger/decide/make.ts';
import type { OnError } from '../lib/trigger/decide/types.ts';
import { writeSummary } from '../lib/trigger/summary.ts';
import { optionsFrom, programFrom, type TebFlags, tebFlags } from '../lib/trigger/teb/flags.ts';
import { tebMeters } from '../lib/trigger/teb/meters.ts';
import { Teb, type TebEnding } from '../lib/trigger/teb/teb.ts';
import { tebBalance, tebSummary } from '../lib/trigger/teb/totals.ts';
import type { TebOptions } from '../lib/trigger/teb/types.ts';
import type { TriggerConfig } from '../lib/trigger/types.ts';

const STATUS: Readonly<Record<TebEnding['kind'], ExitStatus>> = {
  clean: EXIT.ok,
  rejected: EXIT.no,
  'given-up': EXIT.loss,
  'connection-lost': EXIT.disconnected,
  failed: EXIT.internal,
};

export default class TebDecide extends DaqCommand {
  static override summary = 'build events from trigger contributions and decide which are recorded and shown';
  static override usageLine =
    '--config FILE --in URL... [--out R=URL|all=URL]... [--rule RULE|--script FILE.py|--exec CMD] [options]';
  static override concern = 'trigger' as const;
  static override endsBySignal = true;
  static override exitMeanings = {
    '0': 'the inputs ended or a signal came, everything is accounted for, nothing was rejected',
    '1': 'ran to the end, but contributions were rejected or could not be read',
    '3': 'the decider was given up, or failed with --on-error stop',
    '4': 'a connection was lost for good, or the reader of an output went away',
    '128+n': 'ended by a second signal n, at once',
  };
  static override baseFlags = { ...processManagerFlags, ...metricsFlag };
  static override flags = tebFlags;
  static override examples = [
    {
      description: 'two recorded streams of contributions, decided by a rule, as text',
      command: 'teb-decide --config trigger.json --in 0.ebd --in 1.ebd --rule value:7,9 --format jsonl',
    },
    {
      description: 'by a Python script',
      command: 'teb-decide --config trigger.json --in all.ebd --script decide.py --out all=decisions.res',
    },
    {
      description: 'live: a socket per detector, a result stream for each of two receivers',
      command:
        'teb-decide --config trigger.json --in 0=unix-listen:run/c0 --in 1=unix-listen:run/c1 --script decide.py --out 0=unix-listen:run/r0 --out 1=unix-listen:run/r1',
    },
  ];

  override async run(): Promise<ExitStatus> {
    const { flags } = await this.parse(TebDecide);
    const options = optionsFrom(flags);
    const config = this.configFrom(flags);
    const say = (text: string) => this.say(text);
    const { index } = options.deciders;
    const limits = {
      onError: flags['on-error'] as OnError,
      restarts: flags.restarts,
      timeoutMs: flags['decide-timeout'],
    };
    const setup = { ...config, id: index, ...(flags.instrument === undefined ? {} : { instrument: flags.instrument }) };
    const decider = await makeDecider(setup, programFrom(flags, config.trigger), limits, say);
    const teb = new Teb({ options, config, decider, lifecycle: this.lifecycle, stdout: this.out, say });
    await this.watch(teb, config, options, flags.instrument, flags.metrics);
    await teb.open();
    try {
      await teb.run();
    } catch (error) {
      this.report(teb, config, flags, { kind: 'failed', why: (error as Error).message });
      throw error;
    }
    this.report(teb, config, flags, teb.ending);
    return STATUS[teb.ending.kind];
  }

  private configFrom(flags: TebFlags): TriggerConfig {
    const { meb, reserve } = flags;
    const config = withOverrides(readConfig(flags.config), {
      meb,
      reserve,
      monThrottle: flags['mon-throttle'],
      skewTicks: flags['skew-ticks'],
    });
    for (const note of config.notes) this.say(`${flags.config}: ${note}`);
    for (const { receiver } of optionsFrom(flags).outputs) {
      if (receiver !== undefined && !config.drps.some(({ id }) => id === receiver)) {
        throw new UsageError(`--out ${receiver}=...: there is no source ${receiver} in the configuration`);
      }
    }
    return config;
  }

  private watch(
    teb: Teb,
    config: TriggerConfig,
    { timeoutMs }: TebOptions,
    instrument: string | undefined,
    address: string | undefined,
  ): Promise<void> {
    const age = () => {
      const { deadline } = teb.builder;
      return deadline === undefined ? 0 : performance.now() - deadline + timeoutMs;
    };
    const labels = { instrument: instrument ?? '', partition: String(config.common) };
    const meters = tebMeters(teb, config.contributors, age);
    return this.observe({ balance: () => tebBalance(teb.counts), meters, labels }, address);
  }

  private report(teb: Teb, config: TriggerConfig, flags: TebFlags, { kind, why }: TebEnding): void {
    const { counts, undelivered } = teb;
    const summary = {
      ...tebSummary(
        counts,
        config.mebs.map(({ id }) => id),
      ),
      undelivered,
    };
    if (flags.stats) writeSummary(summary);
    if (flags.summary !== undefined) writeSummary(summary, flags.summary);
    const balance = formatBalance(tebBalance(counts));
    if (kind === 'clean') this.verdict('I', `OK ${balance}`);
    else this.verdict(kind === 'rejected' ? 'W' : 'E', `${kind}: ${why}; ${balance}`);
  }
}
