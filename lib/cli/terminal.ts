/** Terminals, and whether somebody sits there. */

/** The part of a stream that tells. */
export interface MaybeTerminal {
  isTTY?: boolean;
}

/** True for terminals with a known kind. Process managers run programs in a terminal without TERM, behind which nobody sits. */
export function isAttended(
  stream: MaybeTerminal,
  env: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  return stream.isTTY === true && env.TERM !== undefined && env.TERM !== 'dumb';
}
