/** Words of the command line that both converters understand. */

import { UsageError } from '../errors.ts';
import { SERVICES, serviceByName } from '../xtc/service.ts';
import { NSEC_PER_SEC } from '../xtc/time.ts';

/**
 * `[IN] [OUT]`, or with an output option any number of inputs. `-` is a standard stream.
 * @throws UsageError for a third name without the option, and for standard input named twice
 */
export function inputsAndOutput(
  words: readonly string[],
  output: string | undefined,
  usage: string,
): { inputs: string[]; output: string } {
  const flag = words.find((word) => word.startsWith('-') && word !== '-');
  if (flag !== undefined) throw new UsageError(`there is no option ${flag}\nusage: ${usage}`);
  if (output === undefined && words.length > 2) {
    throw new UsageError(
      `the second name is the output, so "${words[2]}" is one too many; several inputs go with -o OUT\nusage: ${usage}`,
    );
  }
  const inputs = output === undefined ? words.slice(0, 1) : [...words];
  if (inputs.length === 0) inputs.push('-');
  if (inputs.filter((input) => input === '-').length > 1) throw new UsageError('standard input can be read once only');
  return { inputs, output: output ?? words[1] ?? '-' };
}

/** Transition id of a name. @throws UsageError that lists the names */
export function parseTransition(name: string): number {
  const service = serviceByName(name);
  if (service !== undefined) return service;
  throw new UsageError(`--transition: there is no transition "${name}"; known are ${SERVICES.slice(0, 13).join(', ')}`);
}

/** `SEC`, `SEC.FRACTION` or `SEC-NSEC` as the two words of a dgram's time. @throws UsageError */
export function parseTime(text: string): { sec: number; nsec: number } {
  const parts = /^(\d+)(?:([.-])(\d{1,9}))?$/.exec(text);
  const sec = Number(parts?.[1]);
  const digits = parts?.[3] ?? '0';
  const nsec = Number(parts?.[2] === '.' ? digits.padEnd(9, '0') : digits);
  if (parts && sec <= 0xffffffff && nsec < NSEC_PER_SEC) return { sec, nsec };
  throw new UsageError(`--time: "${text}" is no time; write SEC, SEC.FRACTION or SEC-NSEC, with SEC below 2^32`);
}
