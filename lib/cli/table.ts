/** Tables without borders, as people read them in a terminal and `awk` in a pipe. */

export interface Column {
  title: string;
  align?: 'left' | 'right';
}

const GAP = '  ';

/**
 * Lines of a table: the titles, then the rows. Written here and not taken from a library, because a small damaged file can have a
 * hundred thousand rows, and layout with spans and wrapping takes quadratic time.
 */
export function tableLines(columns: readonly Column[], rows: readonly (readonly (string | number)[])[]): string[] {
  const cells = rows.map((row) => row.map(String));
  const widths = columns.map(({ title }, i) =>
    cells.reduce((width, row) => Math.max(width, row[i]?.length ?? 0), title.length),
  );
  const line = (row: readonly string[]) =>
    columns
      .map(({ align }, i) =>
        align === 'right' ? (row[i] ?? '').padStart(widths[i]!) : (row[i] ?? '').padEnd(widths[i]!),
      )
      .join(GAP)
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...cells.map(line)];
}
