import * as Flags from '@oclif/core/flags';
import { DaqCommand, jsonFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { isAttended } from '../lib/cli/terminal.ts';
import { UsageError } from '../lib/errors.ts';
import { allWell } from '../lib/live/top/model.ts';
import { chosen, lookOnce, onceLines, showTop } from '../lib/live/top/show.ts';
import { COLUMNS } from '../lib/live/top/table.ts';
import { targetsOf } from '../lib/live/top/targets.ts';

const SORTABLE = COLUMNS.filter(({ title }) => title !== 'IN HISTORY').map(({ title }) => title.toLowerCase());

export default class DaqTop extends DaqCommand {
  static override summary = 'watch rates, balances and queues of all processes that serve metrics';
  static override usageLine = '[[HOST:]PORT|URL|FILE|FOLDER...] [options]';
  static override concern = 'live' as const;
  static override strict = false;
  static override baseFlags = { ...processManagerFlags, ...jsonFlag };
  static override flags = {
    once: Flags.boolean({ summary: 'print a table and end; so it is anyway without a terminal' }),
    interval: Flags.string({ char: 'i', summary: 'between two questions', helpValue: 'SECONDS', default: '1' }),
    sort: Flags.string({
      summary: 'order of the table',
      helpValue: 'COLUMN',
      options: SORTABLE,
    }),
    filter: Flags.string({
      summary: 'only processes with TEXT in name, command, address or state',
      helpValue: 'TEXT',
      default: '',
    }),
  };
  static override examples = [
    { description: 'all of this user that were started with --metrics', command: 'daq-top' },
    { description: 'two that are known by their addresses', command: 'daq-top 9100 drp-node:9101' },
    {
      description: 'for a script: does everything answer, does every balance close?',
      command: 'daq-top --once --json',
    },
  ];
  static override exitMeanings = {
    '1': 'with --once or without a terminal: a process does not answer, a balance does not close, or there is nothing to show',
  };

  override async run(): Promise<ExitStatus> {
    const { argv, flags } = await this.parse(DaqTop);
    const interval = Number(flags.interval);
    if (!(interval >= 0 && interval <= 3600) || flags.interval.trim() === '')
      throw new UsageError(`--interval: "${flags.interval}" is no number of seconds`);
    const { lifecycle } = this;
    const targets = targetsOf(argv.map(String));
    if (!flags.once && !flags.json && isAttended(process.stdout)) {
      await showTop({ targets, interval: Math.max(interval, 0.1), lifecycle });
      return EXIT.ok;
    }
    const rows = chosen(await lookOnce({ targets, interval, lifecycle }), flags.filter, {
      by: COLUMNS.find(({ title }) => title.toLowerCase() === flags.sort)?.title,
      reverse: false,
    });
    if (flags.json) this.out.line(JSON.stringify({ processes: rows }, null, 2));
    else if (rows.length > 0) for (const line of onceLines(rows)) this.out.line(line);
    if (rows.length === 0) this.say('no process to show: start one with --metrics, or name an address');
    return rows.length > 0 && allWell(rows) ? EXIT.ok : EXIT.no;
  }
}
