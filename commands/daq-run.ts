import * as Args from '@oclif/core/args';
import { DaqCommand, jsonFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { UsageError } from '../lib/errors.ts';
import { chainLines, chainVerdict } from '../lib/supervise/chain.ts';
import { macrosOf, superviseFlags } from '../lib/supervise/flags.ts';
import {
  askKeeper,
  keep,
  lastLogs,
  lintFile,
  runInForeground,
  type Session,
  shutDown,
  start,
} from '../lib/supervise/session.ts';
import { lintLine, statusLines } from '../lib/supervise/show.ts';
import { planText, type SlurmSession, slurmStart, slurmStatus, slurmStop } from '../lib/supervise/slurm/session.ts';
import { showLogs } from '../lib/supervise/tail.ts';
import type { EntryView } from '../lib/supervise/view.ts';

const WORDS = ['start', 'stop', 'restart', 'status', 'logs', 'lint'] as const;

export default class DaqRun extends DaqCommand {
  static override summary = 'start, stop and watch the processes of a file: procmgr .cnf, or a small YAML';
  static override usageLine = 'start|stop|restart|status|logs|lint FILE [ID...] [options]';
  static override concern = 'system' as const;
  static override strict = false;
  static override baseFlags = { ...processManagerFlags, ...jsonFlag };
  static override flags = superviseFlags;
  static override args = {
    word: Args.string({ description: WORDS.join(', '), required: true }),
    file: Args.string({ description: 'process file', required: true }),
  };
  static override examples = [
    { description: 'is the file right?', command: 'daq-run lint rix.cnf -p 2' },
    {
      description: 'start everything, and look at it',
      command: 'daq-run start rix.cnf -p 2 && daq-run status rix.cnf -p 2',
    },
    { description: 'one process again', command: 'daq-run restart rix.cnf teb0 -p 2' },
    { description: 'in a terminal, until ^C', command: 'daq-run start beamline.yaml --foreground' },
    { description: 'the same as jobs of Slurm', command: 'daq-run start rix.cnf -p 2 --slurm' },
    { description: 'what does it say?', command: 'daq-run logs beamline.yaml teb --follow' },
  ];

  override async run(): Promise<ExitStatus> {
    const { argv, flags } = await this.parse(DaqRun);
    const [word, name, ...ids] = argv.map(String);
    if (word === undefined || name === undefined)
      throw new UsageError('daq-run WORD FILE, for example: daq-run start rix.cnf');
    const session = {
      name,
      logs: flags.logs,
      readyWithin: flags['ready-within'],
      options: { platform: flags.partition, macros: macrosOf(flags.define), env: process.env, python: flags.python },
      say: (message: string) => this.say(message),
      ...{ queue: flags.queue, asStep: flags['as-step'] },
    };
    if (flags.slurm && word !== 'lint' && word !== 'logs') return this.slurm(session, word, ids, flags);
    switch (word) {
      case 'lint':
        return this.lint(session, flags.json);
      case 'start':
        if (flags.foreground) return this.report(await runInForeground(session, ids, this.lifecycle), flags.json);
        return this.report((await start(session, ids)).entries, flags.json);
      case 'stop':
      case 'restart':
      case 'status':
        return this.ask(session, word, ids, flags.json);
      case 'logs':
        return this.logs(session, ids, flags);
      case 'keep':
        await keep(session, this.lifecycle);
        return EXIT.ok;
      default:
        throw new UsageError(`there is no "daq-run ${word}"; there are ${WORDS.join(', ')}`);
    }
  }

  private async lint(session: Session, json: boolean): Promise<ExitStatus> {
    const problems = await lintFile(session);
    if (json) this.out.line(JSON.stringify(problems));
    else for (const problem of problems) this.out.line(lintLine(problem));
    return problems.some(({ severity }) => severity === 'error') ? EXIT.no : EXIT.ok;
  }

  private async ask(
    session: Session,
    word: 'stop' | 'restart' | 'status',
    ids: readonly string[],
    json: boolean,
  ): Promise<ExitStatus> {
    // Without names everything is stopped, and the keeper goes too.
    const all = word === 'stop' && ids.length === 0;
    const reply = all
      ? await shutDown(session)
      : await askKeeper(session, word === 'status' ? { do: word } : { do: word, ids });
    if (reply) return this.report(reply.entries, json);
    this.say(`nothing of ${session.name} is running`);
    return word === 'stop' ? EXIT.ok : EXIT.no;
  }

  private async slurm(
    session: SlurmSession,
    word: string,
    ids: readonly string[],
    flags: { readonly json: boolean; readonly 'dry-run': boolean },
  ): Promise<ExitStatus> {
    if (word === 'status') return this.report(await slurmStatus(session, ids), flags.json);
    if (word === 'stop') return this.report(await slurmStop(session, ids), flags.json);
    if (word !== 'start' && word !== 'restart')
      throw new UsageError(`there is no "daq-run ${word}" with --slurm; there are ${WORDS.join(', ')}`);
    if (flags['dry-run']) {
      for (const line of await planText(session, ids)) this.out.line(line);
      return EXIT.ok;
    }
    if (word === 'restart') await slurmStop(session, ids);
    return this.report(await slurmStart(session, ids), flags.json);
  }

  private async logs(
    session: SlurmSession,
    ids: readonly string[],
    flags: { readonly follow: boolean; readonly slurm: boolean },
  ): Promise<ExitStatus> {
    const entries = flags.slurm
      ? await slurmStatus(session, ids)
      : ((await askKeeper(session, { do: 'status' }))?.entries ?? (await lastLogs(session)));
    const shown = entries.filter(({ id, log }) => log !== undefined && (ids.length === 0 || ids.includes(id)));
    if (shown.length === 0) throw new UsageError(`there are no logs of ${ids.join(', ') || session.name}`);
    await showLogs(shown, { out: this.out, follow: flags.follow, stop: this.lifecycle.stop });
    return EXIT.ok;
  }

  /** The table and the balances; 1 if something failed, 3 if a balance does not add up. */
  private report(entries: readonly EntryView[], json: boolean): ExitStatus {
    if (json) this.out.line(JSON.stringify(entries.map((entry) => ({ ...entry, chain: chainVerdict(entry) ?? null }))));
    else
      for (const line of [...statusLines(entries, process.stdout.isTTY), ...chainLines(entries)]) this.out.line(line);
    for (const { id, unready } of entries) if (unready !== undefined) this.say(`${id} ${unready}`);
    if (entries.some(({ state }) => state === 'failed')) return EXIT.no;
    return entries.some((entry) => chainVerdict(entry)?.adds === false) ? EXIT.loss : EXIT.ok;
  }
}
