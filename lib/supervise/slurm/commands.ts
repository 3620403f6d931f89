import { spawn } from 'node:child_process';
import { DaqError } from '../../errors.ts';

/**
 * Runs one of Slurm's commands.
 * @param input its standard input
 * @returns its standard output
 * @throws DaqError `slurm` with what it said
 */
export function slurmCommand(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'pipe' });
    let out = '';
    let words = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words += text;
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('error', (cause) =>
      reject(new DaqError('slurm', `${program} cannot be run: are Slurm's commands on the PATH?`, { cause })),
    );
    child.on('close', (status) => {
      if (status === 0) resolve(out);
      else reject(new DaqError('slurm', words.trim() || `${program} ended with status ${status}`));
    });
  });
}
