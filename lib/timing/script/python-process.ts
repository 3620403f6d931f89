import { spawn } from 'node:child_process';
import { DaqError } from '../../errors.ts';
import { PyError, PyFloat, PyForeign, type PyValue } from '../../python/subset/value.ts';
import type { Machine } from '../machine.ts';
import type { Warning } from '../partition.ts';
import type { ScriptInstruction } from '../sequence/macro.ts';
import type { ScriptResult } from './evaluate.ts';
import { instructionConstructors } from './instruction.ts';

/**
 * Runs inside python3: offers the names of the sequence module, runs the script from standard input, and prints what it put into `instrset`.
 * The script's own prints go to stderr.
 */
const RECORDER = `
import json, sys, types
class Call:
    def __init__(self, name, args, named):
        self.row = [name, args, named]
def maker(name):
    return lambda *args, **named: Call(name, list(args), named)
names = {n: maker(n) for n in 'FixedRateSync ACRateSync Wait WaitA ControlRequest BeamRequest CheckPoint Call Return Upper'.split()}
for n in ('Branch', 'Jump'):
    names[n] = types.SimpleNamespace(unconditional=maker(n + '.unconditional'), conditional=maker(n + '.conditional'))
for n in ('psdaq', 'psdaq.seq', 'psdaq.seq.seq'):
    sys.modules[n] = types.ModuleType(n)
vars(sys.modules['psdaq.seq.seq']).update(names)
out, sys.stdout = sys.stdout, sys.stderr
scope = dict(names, __name__='__main__')
exec(compile(sys.stdin.read(), sys.argv[1], 'exec'), scope)
rows = [i.row if isinstance(i, Call) else [type(i).__name__, None, None] for i in scope['instrset']]
json.dump({'rows': rows, 'title': scope.get('title')}, out)
`;

interface Recorded {
  readonly rows: readonly (readonly [
    name: string,
    args: readonly unknown[] | null,
    named: Record<string, unknown> | null,
  ])[];
  readonly title: unknown;
}

/** Runs a script in a real python3, because somebody asked for it. Throws `timing-script` when Python fails. */
export async function runInPython(
  text: string,
  file: string,
  machine: Machine,
  python = 'python3',
): Promise<ScriptResult> {
  const recorded = JSON.parse(await pythonOutput(text, file, python)) as Recorded;
  const warnings: Warning[] = [];
  const constructors = instructionConstructors(machine, warnings);
  const instructions = recorded.rows.map(([name, args, named], i) => {
    const [head, member] = name.split('.') as [string, string | undefined];
    const found = constructors.get(head);
    const make = member === undefined ? found : found?.members.get(member);
    const fail = (why: string): DaqError =>
      new DaqError('timing-script', `Entry ${i} of instrset: ${why}.`, { place: { file } });
    if (!make || args === null || named === null) throw fail(`${name} is not an instruction`);
    try {
      const made = make.call(args.map(value), new Map(Object.entries(named).map(([key, item]) => [key, value(item)])));
      if (made instanceof PyForeign) return made.value as ScriptInstruction;
    } catch (error) {
      if (error instanceof PyError) throw fail(error.message);
      throw error;
    }
    throw fail(`${name} is not an instruction`);
  });
  return { instructions, title: typeof recorded.title === 'string' ? recorded.title : null, warnings };
}

function value(item: unknown): PyValue {
  if (Array.isArray(item)) return item.map(value);
  if (typeof item === 'number') return Number.isInteger(item) ? item : new PyFloat(item);
  return typeof item === 'string' || typeof item === 'boolean' ? item : null;
}

function pythonOutput(text: string, file: string, python: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, ['-c', RECORDER, file], { stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    let errors = '';
    const fail = (why: string, cause?: unknown): void =>
      reject(new DaqError('timing-script', `${python}: ${why}.`, { place: { file }, cause }));
    child.stdout.setEncoding('utf8').on('data', (part: string) => (out += part));
    child.stderr.setEncoding('utf8').on('data', (part: string) => (errors += part));
    child.on('error', (error) => fail(error.message, error));
    child.on('close', (status) =>
      status === 0 ? resolve(out) : fail(errors.trim().split('\n').at(-1) ?? `exit status ${status}`),
    );
    // A script that fails to compile may close its input before it has read it; its message says more than EPIPE.
    child.stdin.on('error', () => undefined);
    child.stdin.end(text);
  });
}
