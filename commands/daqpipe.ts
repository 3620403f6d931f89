/** `daqpipe`: lists the commands by concern; `daqpipe COMMAND ...` runs one (the launcher does that). */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { colour } from '../lib/cli/colour.ts';
import { DaqCommand, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT } from '../lib/cli/exit-codes.ts';
import { packageRoot } from '../lib/cli/package-root.ts';
import { UsageError } from '../lib/errors.ts';

interface Listed {
  name: string;
  summary: string;
  concern: string;
}

export default class Daqpipe extends DaqCommand {
  static override summary = 'list the daqpipe commands, or run one';
  static override usageLine = '[COMMAND [ARGUMENT...]]';
  static override concern = 'system' as const;
  static override strict = false;
  static override baseFlags = processManagerFlags;
  static override examples = [
    { description: 'what is there', command: 'daqpipe' },
    { description: 'the same as dgram-cat run.xtc2', command: 'daqpipe dgram-cat run.xtc2' },
  ];

  override async run(): Promise<number> {
    const { argv } = await this.parse(Daqpipe);
    if (argv.length > 0) throw new UsageError(`there is no command "${String(argv[0])}"; "daqpipe" alone lists them`);
    const listFile = join(packageRoot(), 'dist', 'commands.json');
    if (!existsSync(listFile)) throw new UsageError('the commands have not been built yet: run "npm run build"');
    const commands = JSON.parse(readFileSync(listFile, 'utf8')) as Listed[];
    const width = Math.max(...commands.map((command) => command.name.length));
    for (const [concern, group] of byConcern(commands)) {
      this.out.line(colour.bold(concern));
      for (const command of group) this.out.line(`  ${command.name.padEnd(width)}  ${command.summary}`);
    }
    this.out.line('\nEvery command answers --help and has a man page.');
    return EXIT.ok;
  }
}

function byConcern(commands: readonly Listed[]): Map<string, Listed[]> {
  const groups = new Map<string, Listed[]>();
  for (const command of commands) groups.set(command.concern, [...(groups.get(command.concern) ?? []), command]);
  return groups;
}
