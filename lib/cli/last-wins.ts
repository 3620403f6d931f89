/**
 * An option given twice counts as given last, as users of Unix expect: process managers append `-p` and `-u` to lines that may have
 * them already, and aliases put defaults in front. The parser itself would refuse the second one.
 */

interface FlagShape {
  type: 'boolean' | 'option';
  char?: string;
  multiple?: boolean;
}

/** The words of a command line without the earlier occurrences of options that take one value. */
export function lastWins(argv: readonly string[], flags: Readonly<Record<string, FlagShape>>): string[] {
  const byWord = new Map<string, string>();
  for (const [name, { type, char, multiple }] of Object.entries(flags)) {
    if (type !== 'option' || multiple) continue;
    byWord.set(`--${name}`, name);
    if (char) byWord.set(`-${char}`, name);
  }
  const pieces: { name: string | undefined; words: string[] }[] = [];
  const end = argv.indexOf('--') < 0 ? argv.length : argv.indexOf('--');
  for (let i = 0; i < end; i++) {
    const word = argv[i]!;
    const assigned =
      word.startsWith('--') && word.includes('=') ? byWord.get(word.slice(0, word.indexOf('='))) : undefined;
    if (assigned !== undefined) pieces.push({ name: assigned, words: [word] });
    else if (byWord.has(word) && i + 1 < end) pieces.push({ name: byWord.get(word), words: [word, argv[++i]!] });
    else pieces.push({ name: undefined, words: [word] });
  }
  const last = new Map<string, number>();
  pieces.forEach(({ name }, i) => {
    if (name !== undefined) last.set(name, i);
  });
  const kept = pieces.filter(({ name }, i) => name === undefined || last.get(name) === i);
  return [...kept.flatMap(({ words }) => words), ...argv.slice(end)];
}
