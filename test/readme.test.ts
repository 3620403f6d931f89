/** The tour in the README prints what the README says. */

import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execaSync } from 'execa';
import t from 'tap';
import { executable, PROJECT } from './executable.ts';

interface Step {
  readonly command: string;
  /** Lines printed; `...` stands for any number of lines. */
  readonly printed: string[];
}

/** Commands (`    $ ...`) of one chapter, each with the indented lines below it. */
function stepsOf(chapter: string): Step[] {
  const steps: Step[] = [];
  let open = false;
  for (const line of chapter.split('\n')) {
    const text = line.slice(4);
    if (line.startsWith('    $ ')) steps.push({ command: text.slice(2), printed: [] });
    else if (line.startsWith('    ') && open) steps.at(-1)!.printed.push(text);
    // A script that is shown may have empty lines; other output has none.
    else if (line === '' && open && steps.at(-1)!.command.startsWith('cat ')) steps.at(-1)!.printed.push('');
    open = line.startsWith('    ') || (open && line === '');
  }
  return steps;
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** The pattern of what is printed. */
function pattern(printed: readonly string[]): RegExp {
  const quoted = printed.map((line) => (line === '...' ? '(?:.*\\n)*?' : `${escaped(line)}\\n`));
  return new RegExp(`^${quoted.join('')}$`);
}

t.test('the tour of the README prints what is shown', (t) => {
  const readme = readFileSync(join(PROJECT, 'README.md'), 'utf8');
  const chapter = /^## A tour of 60 seconds\n([\s\S]*?)^## /m.exec(readme)![1]!;
  const folder = mkdtempSync(join(tmpdir(), 'daqpipe-tour-'));
  t.teardown(() => execaSync('rm', ['-r', folder]));
  cpSync(join(PROJECT, 'examples'), join(folder, 'examples'), { recursive: true });
  const PATH = `${join(executable('dgram-cat'), '..')}:${process.env.PATH}`;
  const steps = stepsOf(chapter);
  t.ok(steps.length >= 8, `${steps.length} commands are shown`);
  for (const { command, printed } of steps) {
    if (command.startsWith('export ')) continue;
    const script = /^cat (\S+)$/.exec(command)?.[1];
    if (script !== undefined) writeFileSync(join(folder, script), `${printed.join('\n')}\n`);
    const { all } = execaSync('bash', ['-c', command], {
      cwd: folder,
      env: { PATH, NO_COLOR: '1' },
      reject: false,
      all: true,
      stripFinalNewline: false,
    });
    t.match(all, pattern(printed), command);
  }
  t.end();
});
