/** `ipc-rm`: removes what dead owners left, and says what it left alone and why. */

import * as Flags from '@oclif/core/flags';
import { DaqCommand, jsonFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { effectiveUid } from '../lib/cli/runtime-folder.ts';
import { listObjects } from '../lib/ipc/listing/list.ts';
import { jsonOf } from '../lib/ipc/listing/text.ts';
import { carryOut, decide, labelOf, type Outcome, tidyLeases, unmatched } from '../lib/ipc/remove.ts';

export default class IpcRm extends DaqCommand {
  static override summary = 'remove shared memory and message queues whose owner is gone';
  static override usageLine = '[KEY|NAME]... [options]';
  static override concern = 'system' as const;
  static override strict = false;
  static override baseFlags = { ...processManagerFlags, ...jsonFlag };
  static override flags = {
    'dry-run': Flags.boolean({ char: 'n', summary: 'say what would be done, and do nothing' }),
    'all-mine': Flags.boolean({
      summary: 'also objects under keys of this toolkit that no registry lists',
      description: 'Only those of this user, and not those that a living process has attached.',
    }),
    force: Flags.boolean({ summary: 'also objects of living owners, which lose them in the middle of their work' }),
  };
  static override examples = [
    { description: 'what would go', command: 'ipc-rm --dry-run' },
    { description: 'what crashed processes of partition 3 have left', command: 'ipc-rm -p 3' },
    { description: 'one queue, by name', command: 'ipc-rm /mqinp_p0_epix_0_2' },
    { description: 'everything that a registry lists', command: 'ipc-rm 0x63231ff4' },
  ];

  override async run(): Promise<ExitStatus> {
    const { argv, flags } = await this.parse(IpcRm);
    const dryRun = flags['dry-run'];
    const { objects, notes } = listObjects();
    const request = {
      targets: argv.map(String),
      uid: effectiveUid(),
      partition: flags.partition,
      allMine: flags['all-mine'],
      force: flags.force,
    };
    const decisions = decide(objects, request);
    const outcomes = dryRun ? decisions.map((decision) => ({ ...decision, removed: false })) : carryOut(decisions);
    if (!dryRun) tidyLeases(listObjects().objects);
    const missing = unmatched(objects, request);
    if (flags.json)
      this.out.line(JSON.stringify({ dryRun, objects: outcomes.map(jsonOutcome), missing, notes }, null, 2));
    else this.report(outcomes, dryRun, notes);
    for (const target of missing) this.say(`${target}: there is no such object`);
    const left = outcomes.some(({ removed, remove }) => !(dryRun ? remove : removed));
    return missing.length > 0 || (left && request.targets.length > 0) || failed(outcomes, dryRun) ? EXIT.no : EXIT.ok;
  }

  private report(outcomes: readonly Outcome[], dryRun: boolean, notes: readonly string[]): void {
    for (const note of notes) this.say(note);
    for (const { object, remove, removed, why } of outcomes) {
      const verb = dryRun ? (remove ? 'would remove' : 'would leave') : removed ? 'removed' : 'left';
      const whose = object.detector === undefined ? '' : ` of ${object.detector}`;
      this.out.line(`${verb} ${labelOf(object)} (${object.kind}${whose}): ${why}`);
    }
  }
}

/** Something was to go and did not. */
function failed(outcomes: readonly Outcome[], dryRun: boolean): boolean {
  return !dryRun && outcomes.some(({ remove, removed }) => remove && !removed);
}

function jsonOutcome({ object, removed, remove, why }: Outcome): object {
  return { ...jsonOf(object), remove, removed, why };
}
