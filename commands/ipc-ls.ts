/** `ipc-ls`: which shared memory and message queues there are, whose, and whether anybody still needs them. */

import * as Flags from '@oclif/core/flags';
import { DaqCommand, jsonFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { tableLines } from '../lib/cli/table.ts';
import { listObjects } from '../lib/ipc/listing/list.ts';
import { COLUMNS, jsonOf, rowOf } from '../lib/ipc/listing/text.ts';

export default class IpcLs extends DaqCommand {
  static override summary = 'list shared memory and message queues with their owners';
  static override usageLine = '[options]';
  static override concern = 'system' as const;
  static override baseFlags = { ...processManagerFlags, ...jsonFlag };
  static override flags = {
    orphaned: Flags.boolean({ summary: 'only those whose owner is gone' }),
    all: Flags.boolean({ char: 'a', summary: 'also objects of other programs' }),
  };
  static override examples = [
    { description: 'what is there', command: 'ipc-ls' },
    { description: 'what a crash has left in partition 3', command: 'ipc-ls -p 3 --orphaned' },
    { description: 'names and sizes for a script', command: "ipc-ls --json | jq '.objects[] | [.name, .size]'" },
  ];

  override async run(): Promise<ExitStatus> {
    const { flags } = await this.parse(IpcLs);
    const { objects, notes } = listObjects();
    const shown = objects
      .filter(({ origin }) => flags.all || origin !== 'foreign')
      .filter(({ state }) => !flags.orphaned || state === 'orphaned')
      .filter(({ partition }) => flags.partition === undefined || partition === flags.partition);
    if (flags.json) {
      this.out.line(JSON.stringify({ objects: shown.map(jsonOf), notes }, null, 2));
      return EXIT.ok;
    }
    for (const note of notes) this.say(note);
    if (shown.length > 0) for (const line of tableLines(COLUMNS, shown.map(rowOf))) this.out.line(line);
    return EXIT.ok;
  }
}
