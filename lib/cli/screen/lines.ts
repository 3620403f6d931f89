/** Text on a full screen. */

import { Text } from 'ink';
import { createElement, Fragment } from 'react';

interface LinesProps {
  readonly lines: readonly string[];
  /** So many of them, at the top, are titles. */
  readonly titles?: number;
}

/** Lines one below the other, cut at the edge. The row is all the identity that a line has: they are children by position, without keys. */
export function Lines({ lines, titles = 0 }: LinesProps) {
  const rows = lines.map((line, row) =>
    createElement(Text, { wrap: 'truncate', bold: row < titles }, line === '' ? ' ' : line),
  );
  return createElement(Fragment, null, ...rows);
}
