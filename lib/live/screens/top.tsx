/** The screen of `daq-top`. It shows rows of the model and knows nothing of sockets. */

import { Box, Text, useInput, useStdin } from 'ink';
import { useLayoutEffect, useRef, useState } from 'react';
import { type FullScreen, openFullScreen, type ScreenTerminal, useSize } from '../../cli/screen/full-screen.ts';
import { Lines } from '../../cli/screen/lines.ts';
import { FIRST_VIEW, firstShown, pressed, type TopKey, type TopView } from '../top/keys.ts';
import type { ProcessRow } from '../top/model.ts';
import { columnsThatFit, detailLines, fitted, matching, sorted, type Tone } from '../top/table.ts';

export interface TopScreenOptions extends ScreenTerminal, TopProps {}

interface TopProps {
  rows: () => readonly ProcessRow[];
  /** `q`. */
  onQuit: () => void;
  /** Ctrl-C, which a terminal in raw mode does not turn into a signal. */
  onInterrupt: () => void;
  /** `x`: those that are gone shall be forgotten. */
  onForget: () => void;
}

const REFRESH_MS = 200;
/** Header, titles, and the line of keys; one more row, because a full screen makes terminals scroll. */
const OTHER_ROWS = 4;

/** Takes the terminal over until `close`. */
export function openTopScreen({ stdout, stdin, ...props }: TopScreenOptions): FullScreen {
  return openFullScreen(<Top {...props} />, { stdout, stdin });
}

/** The whole screen. */
export function Top({ rows, onQuit, onInterrupt, onForget }: TopProps) {
  const [view, setView] = useState(FIRST_VIEW);
  // A key that comes before the next picture must find what the last key has changed.
  const latest = useRef(FIRST_VIEW);
  const all = useRows(rows, view.paused);
  const { columns, rows: height } = useSize();
  const { isRawModeSupported } = useStdin();
  const shown = sorted(matching(all, view.filter), view.order);
  const page = Math.max(1, height - OTHER_ROWS);
  useInput(
    (input, key) => {
      const { typing } = latest.current;
      if (key.ctrl && input === 'c') onInterrupt();
      else if (!typing && input === 'q') onQuit();
      else if (!typing && input === 'x') onForget();
      else {
        const meaning = meaningOf(input, key, typing);
        if (!meaning) return;
        latest.current = afterKey(latest.current, meaning, all);
        setView(latest.current);
      }
    },
    { isActive: isRawModeSupported },
  );
  return (
    <Box flexDirection="column" width={columns} height={Math.max(2, height - 1)} overflow="hidden">
      <Header rows={all} shown={shown.length} view={view} />
      <Box flexDirection="column" flexGrow={1} overflow="hidden">
        <Body view={view} rows={shown} width={columns} height={page} />
      </Box>
      <Text dimColor wrap="truncate">
        {view.typing ? 'enter keep  esc drop the filter' : isRawModeSupported ? KEYS : 'stop with Ctrl-C'}
      </Text>
    </Box>
  );
}

const KEYS = 'q quit  enter look into  s sort  r reverse  / filter  x forget gone  space pause  ? help';
const HELP = [
  'q            end                      arrows, j k  choose a process, scroll',
  'enter        look into the process    esc          back; away with the filter',
  's            sort by the next column  r            the other way round',
  '/            show only what matches   x            forget those that are gone',
  'space        hold the picture         ?            this text, and away with it',
  '',
  'OPEN = in - out - every loss: red unless 0. LOST/s: all named losses together.',
  'gone: it answered once, and does not any more. silent: it never has.',
];

function afterKey(view: TopView, key: TopKey, all: readonly ProcessRow[]): TopView {
  const shown = sorted(matching(all, view.filter), view.order);
  const selected = shown.find(({ address }) => address === view.selected);
  return pressed(
    view,
    key,
    shown.map(({ address }) => address),
    selected ? detailLines(selected).length : 0,
  );
}

function Body({ view, rows, width, height }: { view: TopView; rows: ProcessRow[]; width: number; height: number }) {
  if (view.help) return <Lines lines={HELP} />;
  const here = Math.max(
    0,
    rows.findIndex(({ address }) => address === view.selected),
  );
  const chosen = rows[here];
  if (chosen === undefined) return <Lines lines={NOTHING} />;
  if (view.detail) return <Lines lines={detailLines(chosen).slice(view.scroll, view.scroll + height + 1)} />;
  const columns = columnsThatFit(width);
  const first = firstShown(here, rows.length, height);
  return (
    <>
      <Text bold wrap="truncate">
        {columns.map((column) => fitted(titleOf(column.title, view), column)).join(' ')}
      </Text>
      {rows.slice(first, first + height).map((row, i) => (
        <Row key={row.address} row={row} columns={columns} selected={first + i === here} />
      ))}
    </>
  );
}

const NOTHING = [
  'no process to show',
  '',
  'Processes that are started with --metrics [HOST:]PORT appear here by themselves.',
];

function titleOf(title: string, { order }: TopView): string {
  return title === order.by ? `${title}${order.reverse ? '^' : 'v'}` : title;
}

function Row({
  row,
  columns,
  selected,
}: {
  row: ProcessRow;
  columns: ReturnType<typeof columnsThatFit>;
  selected: boolean;
}) {
  return (
    <Text wrap="truncate" inverse={selected} dimColor={row.state === 'gone'}>
      {columns.map((column, i) => {
        const { text, tone } = column.cell(row);
        return (
          <Text key={column.title} {...COLOURS[tone]}>
            {`${i > 0 ? ' ' : ''}${fitted(text, column)}`}
          </Text>
        );
      })}
    </Text>
  );
}

const COLOURS: Readonly<Record<Tone, { color?: string; bold?: boolean; dimColor?: boolean }>> = {
  plain: {},
  good: { color: 'green' },
  warn: { color: 'yellow' },
  bad: { color: 'red', bold: true },
  dim: { dimColor: true },
};

function Header({ rows, shown, view }: { rows: readonly ProcessRow[]; shown: number; view: TopView }) {
  const gone = rows.filter(({ state }) => state !== 'up').length;
  const open = rows.filter(({ unaccounted }) => unaccounted !== 0).length;
  return (
    <Text wrap="truncate">
      <Text bold>daq-top</Text> {rows.length} processes
      {view.filter === '' && !view.typing ? '' : `, ${shown} match /${view.filter}${view.typing ? '_' : ''}`}
      {gone > 0 ? <Text color="red">{`  ${gone} do not answer`}</Text> : ''}
      {open > 0 ? (
        <Text color="red" bold>
          {`  ${open} NOT BALANCED`}
        </Text>
      ) : (
        ''
      )}
      {view.paused ? <Text inverse>{' PAUSED '}</Text> : ''}
    </Text>
  );
}

function useRows(rows: () => readonly ProcessRow[], paused: boolean): readonly ProcessRow[] {
  const [shown, setShown] = useState(rows);
  useLayoutEffect(() => {
    if (paused) return;
    setShown(rows());
    const timer = setInterval(() => setShown(rows()), REFRESH_MS);
    return () => clearInterval(timer);
  }, [rows, paused]);
  return shown;
}

type InkKey = Parameters<Parameters<typeof useInput>[0]>[1];

const LETTERS: Readonly<Record<string, Exclude<TopKey['kind'], 'text'>>> = {
  k: 'up',
  j: 'down',
  s: 'sort',
  r: 'reverse',
  '/': 'filter',
  ' ': 'pause',
  '?': 'help',
};

function meaningOf(input: string, key: InkKey, typing: boolean): TopKey | undefined {
  if (key.return) return { kind: 'enter' };
  if (key.escape) return { kind: 'escape' };
  if (key.backspace || key.delete) return { kind: 'backspace' };
  if (key.upArrow) return { kind: 'up' };
  if (key.downArrow) return { kind: 'down' };
  if (typing) return input !== '' && !key.ctrl && !key.meta ? { kind: 'text', text: input } : undefined;
  const kind = LETTERS[input];
  return kind === undefined ? undefined : { kind };
}
