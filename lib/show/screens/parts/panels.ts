/** What each panel says, as lines. The screen cuts them to its size and scrolls. */

import { bytesText, columns, printable, rateText } from '../../../cli/screen/text.ts';
import { lineTitles } from '../../line.ts';
import type { LiveSnapshot } from '../../live-model.ts';

export const PANELS = ['overview', 'values', 'dgrams', 'findings'] as const;
export type Panel = (typeof PANELS)[number];

/** Titles that stay while the lines below them scroll. */
export interface PanelText {
  titles: readonly string[];
  lines: readonly string[];
  /** Show the end first, because new lines come there. */
  fromEnd: boolean;
}

export function panelText(panel: Panel, snapshot: LiveSnapshot): PanelText {
  switch (panel) {
    case 'overview':
      return { titles: [], lines: overview(snapshot), fromEnd: false };
    case 'values':
      return { titles: [], lines: values(snapshot), fromEnd: false };
    case 'dgrams':
      return { titles: [lineTitles()], lines: snapshot.recent, fromEnd: true };
    default:
      return { titles: [], lines: findings(snapshot), fromEnd: false };
  }
}

function overview(snapshot: LiveSnapshot): string[] {
  const lines = columns(
    ['transition', '>count', '>rate/s'],
    snapshot.transitions.map(({ name, count, rate }) => [name, String(count), rateText(rate)]),
  );
  if (snapshot.detectors.length > 0) {
    lines.push(
      '',
      ...columns(
        ['detector', 'alg', '>count', '>rate/s', '>Hz of data', '>mean size'],
        snapshot.detectors.map(({ detector, alg, count, rate, dataRate, meanBytes }) => [
          printable(detector),
          printable(alg),
          String(count),
          rateText(rate),
          dataRate === undefined ? '-' : rateText(dataRate),
          bytesText(meanBytes),
        ]),
      ),
    );
  }
  return [...lines, '', ...damage(snapshot)];
}

function damage({ damage: places }: LiveSnapshot): string[] {
  if (places.length === 0) return ['no damage'];
  return columns(
    ['damage on', 'what', '>dgrams'],
    places.flatMap(({ where, counts }) =>
      Object.entries(counts).map(([name, count]) => [printable(where), name, String(count)]),
    ),
  );
}

function values({ detectors }: LiveSnapshot): string[] {
  if (detectors.length === 0) return ['no data yet'];
  return detectors.flatMap(({ detector, alg, rate, fields }, i) => [
    ...(i > 0 ? [''] : []),
    `${printable(detector)} ${printable(alg)}  ${rateText(rate)}/s`,
    ...columns(
      ['', '', ''],
      fields.map(({ name, type, value }) => [`  ${printable(name)}`, type, printable(value)]),
    ).slice(1),
  ]);
}

function findings({ findings: lines, errors, warnings }: LiveSnapshot): string[] {
  if (lines.length === 0) return ['nothing wrong so far'];
  return [`${errors} errors, ${warnings} warnings`, ...lines.map(printable)];
}
