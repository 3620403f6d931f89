/** Kills process groups when this process is gone, however it went: the death signal of the kernel reaches children, not their children. */

import { type ChildProcess, spawn } from 'node:child_process';

/** The end of its input means that nobody can take a group back any more. */
const SCRIPT = `
groups=' '
while read -r word group; do
  case $word in
    add) groups="$groups$group " ;;
    drop) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
`;

export class Guard {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    this.#child.on('error', () => {});
    this.#child.stdin?.on('error', () => {});
    this.#child.unref();
  }

  add(group: number): void {
    this.#child.stdin?.write(`add ${group}\n`);
  }

  drop(group: number): void {
    this.#child.stdin?.write(`drop ${group}\n`);
  }

  /** For an ordinary end; groups that are still there are killed. */
  close(): void {
    this.#child.stdin?.end();
  }
}
