/** What a file says about the life of a process: after whom, when it is up, whether it is started again, how it ends (docs/supervise.md). */

import type { Entry, Readiness, RestartPolicy } from './types.ts';

export type Section = Readonly<Record<string, unknown>>;
export type Fail = (message: string) => never;
export type Policy = Pick<Entry, 'after' | 'ready' | 'readyWithin' | 'restart' | 'together' | 'grace' | 'drain'>;

export const POLICY_KEYS = ['after', 'ready', 'restart', 'together', 'grace', 'drain'] as const;
export const NO_RESTART: RestartPolicy = { when: 'never', most: 0, within: 0 };
export const ALIVE: Readiness = { kind: 'alive', seconds: 0.2 };
export const GRACE = 5;

/** @param fail is told what is wrong with a value; unknown keys are the caller's business */
export function policyFrom(entry: Section, fail: Fail): Policy {
  const { within, ...ready } = readySection(entry.ready, fail);
  return {
    after: entry.after === undefined ? [] : texts(entry.after, 'after', fail),
    ready: readiness(ready, fail),
    ...(within === undefined ? {} : { readyWithin: number(within, 'ready within', fail) }),
    restart: restart(entry.restart, fail),
    ...(entry.together === undefined ? {} : { together: text(entry.together, 'together', fail) }),
    grace: number(entry.grace ?? GRACE, 'grace', fail),
    ...(entry.drain === undefined ? {} : { drain: number(entry.drain, 'drain', fail) }),
  };
}

export function section(value: unknown): Section | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Section) : undefined;
}

export function text(value: unknown, what: string, fail: Fail): string {
  return typeof value === 'string' ? value : fail(`${what} is a text`);
}

export function texts(value: unknown, what: string, fail: Fail): readonly string[] {
  const list = typeof value === 'string' ? [value] : value;
  return Array.isArray(list) && list.length > 0 && list.every((item) => typeof item === 'string')
    ? (list as string[])
    : fail(`${what} is a list of texts`);
}

function number(value: unknown, what: string, fail: Fail): number {
  return typeof value === 'number' && value >= 0 ? value : fail(`${what} is a number of seconds`);
}

const READY_FORMS = '{alive: SECONDS}, {line: PATTERN} or {path: FILE}, and within: SECONDS';

function readySection(value: unknown, fail: Fail): Section {
  if (value === undefined) return {};
  return section(value) ?? fail(`ready is ${READY_FORMS}`);
}

function readiness(ready: Section, fail: Fail): Readiness {
  const { line, path, alive, ...others } = ready;
  const other = Object.keys(others)[0];
  if (other !== undefined) fail(`ready: there is no key ${other}; there are alive, line, path, within`);
  if (Object.keys(ready).length === 0) return ALIVE;
  if (typeof line === 'string') return { kind: 'line', pattern: regularExpression(line, fail) };
  if (typeof path === 'string') return { kind: 'path', path };
  if (typeof alive === 'number' && alive >= 0) return { kind: 'alive', seconds: alive };
  return fail(`ready is ${READY_FORMS}`);
}

function regularExpression(pattern: string, fail: Fail): string {
  try {
    new RegExp(pattern);
    return pattern;
  } catch (error) {
    return fail(`ready: ${(error as Error).message}`);
  }
}

function restart(value: unknown, fail: Fail): RestartPolicy {
  if (value === undefined) return NO_RESTART;
  const policy =
    typeof value === 'string' ? { when: value } : (section(value) ?? fail('restart is never, on-failure or always'));
  const when = (['never', 'on-failure', 'always'] as const).find((one) => one === policy.when);
  if (!when) return fail('restart is never, on-failure or always');
  return {
    when,
    most: number(policy.most ?? 5, 'restart most', fail),
    within: number(policy.within ?? 60, 'restart within', fail),
  };
}
