/**
 * What all commands share: flags, messages, exit statuses, signals, the balance. A command declares its oclif metadata and a
 * `run` that returns an exit status; everything that happens around it happens here.
 */

import { Command } from '@oclif/core/command';
import * as Flags from '@oclif/core/flags';
import { DaqError, formatPlace } from '../errors.ts';
import { formatBalance } from './balance.ts';
import { EXIT, type ExitStatus, exitStatusOf } from './exit-codes.ts';
import { lastWins } from './last-wins.ts';
import { Lifecycle } from './lifecycle.ts';
import type { Concern } from './metadata.ts';
import type { MetricsServer, Stage } from './metrics.ts';
import { isMistake, mistakeWithAdvice } from './mistake.ts';
import { Output, OutputClosed } from './output.ts';

/** Accepted by every command, also at the end of the line: process managers append them. */
export const processManagerFlags = {
  partition: Flags.integer({
    char: 'p',
    min: 0,
    max: 15,
    summary: 'partition (platform) number',
    description: 'Process managers append it. It has a meaning where a partition matters and is ignored elsewhere.',
    helpGroup: 'COMMON',
  }),
  alias: Flags.string({
    char: 'u',
    summary: 'name of this process in messages',
    description: 'Process managers append it; messages on stderr then start with it.',
    helpGroup: 'COMMON',
  }),
};

export const jsonFlag = {
  json: Flags.boolean({ summary: 'print the result as one JSON document', helpGroup: 'COMMON' }),
};

export const metricsFlag = {
  metrics: Flags.string({
    summary: 'serve Prometheus metrics on [HOST:]PORT',
    description: 'The host is 127.0.0.1 unless one is given; port 0 picks a free one and says which.',
    helpValue: '[HOST:]PORT',
    helpGroup: 'COMMON',
  }),
};

interface Subclass {
  new (argv: string[], config: Command['config']): DaqCommand;
}

export abstract class DaqCommand extends Command {
  static concern: Concern = 'system';
  /** `[FILE...] [options]`, for usage lines and man pages. */
  static usageLine = '';
  /** What statuses mean here, where that is more than the common table says; for man pages. */
  static exitMeanings: Readonly<Record<string, string>> = {};
  /** For commands that run until they are told to: a first signal ends them in order, and is no reason for an exit status of its own. */
  static endsBySignal = false;

  protected readonly lifecycle = new Lifecycle();
  protected readonly out = new Output();
  /** Name in messages: the command's, or the alias that the process manager gave. */
  private label = '';
  private metrics: MetricsServer | undefined;

  abstract override run(): Promise<ExitStatus>;

  /** A line for a person on stderr: `dgram-cat: ...`. */
  protected say(message: string): void {
    process.stderr.write(`${this.label}: ${message}\n`);
  }

  /** The last line of a long-running command, for logs in which exit statuses are not seen: `<I> name: OK ...`. */
  protected verdict(severity: 'I' | 'W' | 'E', message: string): void {
    process.stderr.write(`<${severity}> ${this.label}: ${message}\n`);
  }

  /**
   * Lets others see what a long-running command does: SIGUSR1 prints its balance, and with an address its metrics are served there
   * until it ends.
   * @param address value of `--metrics`
   * @throws UsageError if the address cannot be had
   */
  protected async observe(stage: Stage, address: string | undefined): Promise<void> {
    this.lifecycle.onBalance(() => `${this.label}: ${formatBalance(stage.balance())}`);
    if (address === undefined) return;
    const { serveMetrics } = await import('./metrics.ts');
    const command = this.config.bin;
    this.metrics = await serveMetrics(address, stage, {
      command,
      ...(this.label === command ? {} : { alias: this.label }),
      ...stage.labels,
    });
    await this.announce(this.metrics.url);
    if (/(^|:)0+$/.test(address)) this.say(`metrics at ${this.metrics.url}`);
  }

  /** Lets viewers of this user find the metrics; whoever cannot be found this way can still be asked by address. */
  private async announce(url: string): Promise<void> {
    const { announce } = await import('./announcement.ts');
    try {
      const { pid } = process;
      this.lifecycle.onEmergency(announce({ pid, command: this.config.bin, label: this.label, url }));
    } catch (error) {
      this.say(`the metrics are not announced: ${(error as Error).message}`);
    }
  }

  /** Runs a command from start to exit status. Called by the launcher. */
  static async main(this: Subclass & typeof DaqCommand, argv: string[], name: string): Promise<void> {
    const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
    if (own.includes('--help') || own.includes('-h')) {
      const { showHelp } = await import('./help.ts');
      return showHelp(this, name);
    }
    if (own.includes('--version')) {
      const { version } = await import('./version.ts');
      process.stdout.write(`${name} ${version}\n`);
      return;
    }
    // Otherwise the parser takes what is piped into us for an argument that is missing.
    for (const arg of Object.values(this.args)) arg.ignoreStdin = true;
    const words = lastWins(argv, { ...this.baseFlags, ...this.flags });
    const command = new this(words, configFor(name));
    command.label = aliasIn(words) ?? name;
    process.exitCode = await command.runToStatus();
  }

  private async runToStatus(): Promise<ExitStatus> {
    const { lifecycle } = this;
    lifecycle.install();
    let status: ExitStatus;
    try {
      status = await this.run();
      await this.out.drain();
      status = this.signalStatus ?? status;
    } catch (error) {
      status = this.fail(error);
    }
    await this.metrics?.close();
    lifecycle.runEmergencies();
    lifecycle.uninstall();
    return status;
  }

  private get signalStatus(): ExitStatus | undefined {
    return (this.constructor as typeof DaqCommand).endsBySignal ? undefined : this.lifecycle.signalStatus;
  }

  private fail(error: unknown): ExitStatus {
    if (error instanceof OutputClosed) return this.signalStatus ?? EXIT.ok;
    if (isMistake(error)) {
      this.say(mistakeWithAdvice(error, this.constructor as typeof DaqCommand, this.config.bin));
      return EXIT.usage;
    }
    if (error instanceof DaqError) {
      const place = formatPlace(error.place);
      this.say(`${place === '' ? '' : `${place}: `}${error.message}`);
      return exitStatusOf(error);
    }
    this.say(`internal fault: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return EXIT.internal;
  }
}

/** The alias must be known before the flags are parsed, because the parser's own complaints need it. */
function aliasIn(argv: readonly string[]): string | undefined {
  const at = argv.findIndex((word) => word === '-u' || word === '--alias');
  return at >= 0 ? argv[at + 1] : undefined;
}

/**
 * The part of oclif's Config that parsing needs. Loading the real one searches plugins, manifests and settings, which takes three
 * quarters of the start-up time and finds nothing that we use.
 */
function configFor(name: string): Command['config'] {
  const config = {
    bin: name,
    name: 'daqpipe',
    pjson: { oclif: {} },
    options: {},
    userAgent: 'daqpipe',
    runHook: async () => ({ successes: [], failures: [] }),
    scopedEnvVar: () => undefined,
    scopedEnvVarTrue: () => false,
    scopedEnvVarKey: () => '',
    scopedEnvVarKeys: () => [],
  };
  return config as unknown as Command['config'];
}
