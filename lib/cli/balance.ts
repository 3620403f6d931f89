/**
 * The closed balance of a stage: in = out + each named kind of loss. Printed at the end, on SIGUSR1, and exported as metrics.
 */

/** Named counts. `in` must equal `out` plus all losses; `info` counts are shown but are not part of the equation. */
export interface Balance {
  in: number;
  out: number;
  losses: Readonly<Record<string, number>>;
  info?: Readonly<Record<string, number>>;
}

/** What does not add up: 0 for a closed balance. */
export function imbalance(balance: Balance): number {
  return Object.values(balance.losses).reduce((rest, loss) => rest - loss, balance.in - balance.out);
}

/** `in 100 = out 98 + dropped 2; retried 1`. Losses of 0 are left out; an open balance says so. */
export function formatBalance(balance: Balance): string {
  const losses = Object.entries(balance.losses).filter(([, count]) => count > 0);
  const right = [`out ${balance.out}`, ...losses.map(([name, count]) => `${name} ${count}`)].join(' + ');
  const info = Object.entries(balance.info ?? {}).filter(([, count]) => count > 0);
  const open = imbalance(balance);
  return [
    `in ${balance.in} = ${right}`,
    ...(open === 0 ? [] : [`NOT BALANCED: ${open} unaccounted for`]),
    ...(info.length === 0 ? [] : [info.map(([name, count]) => `${name} ${count}`).join(', ')]),
  ].join('; ');
}

const FORMATTED =
  /\bin (\d+) = out (\d+)((?: \+ [^+;]*? \d+)*)(?:; NOT BALANCED: [^;]*)?(?:; ((?:[^\s,;]+ \d+(?:, )?)+))?/;

/** What `formatBalance` has written, anywhere in a line; losses and other counts of 0 are not in it. */
export function readBalance(line: string): Balance | undefined {
  const found = FORMATTED.exec(line);
  if (!found) return undefined;
  const counts = (text: string | undefined, pattern: RegExp) =>
    Object.fromEntries([...(text ?? '').matchAll(pattern)].map(([, name, count]) => [name, Number(count)]));
  const losses = counts(found[3], / \+ (.*?) (\d+)/g);
  const balance = { in: Number(found[1]), out: Number(found[2]), losses };
  return found[4] === undefined ? balance : { ...balance, info: counts(found[4], /([^\s,;]+) (\d+)/g) };
}
