/** The screen of `dgram-cat --live`. It shows snapshots of the model ten times a second and knows nothing of inputs. */

import { Box, Text, useInput, useStdin } from 'ink';
import { useLayoutEffect, useState } from 'react';
import { type FullScreen, openFullScreen, type ScreenTerminal, useSize } from '../../cli/screen/full-screen.ts';
import { Lines } from '../../cli/screen/lines.ts';
import { bytesText, durationText, printable, rateText, sparkline } from '../../cli/screen/text.ts';
import type { LiveSnapshot } from '../live-model.ts';
import { FIRST_VIEW, type Key, pressed, type ViewState, visible } from './parts/keys.ts';
import { PANELS, type Panel, panelText } from './parts/panels.ts';

export interface LiveScreenOptions extends ScreenTerminal {
  snapshot: () => LiveSnapshot;
  /** `q`. */
  onQuit: () => void;
  /** Ctrl-C, which a terminal in raw mode does not turn into a signal. */
  onInterrupt: () => void;
}

const REFRESH_MS = 100;
const HEADER_ROWS = 4;
const SPARK_WIDTH = 30;

/** Takes the terminal over until `close`. */
export function openLiveScreen({ stdout, stdin, ...options }: LiveScreenOptions): FullScreen {
  return openFullScreen(<Live {...options} />, { stdout, stdin });
}

type LiveProps = Pick<LiveScreenOptions, 'snapshot' | 'onQuit' | 'onInterrupt'>;

/** The whole screen. */
export function Live({ snapshot, onQuit, onInterrupt }: LiveProps) {
  const [view, setView] = useState(FIRST_VIEW);
  const shown = useSnapshots(snapshot, view.paused);
  const { columns, rows } = useSize();
  const { isRawModeSupported } = useStdin();
  const { titles, lines, fromEnd } = panelText(view.panel, shown);
  const page = pageRows(rows, titles);
  useInput(
    (input, key) => {
      if (key.ctrl && input === 'c') onInterrupt();
      else if (input === 'q') onQuit();
      else {
        const meaning = meaningOf(input, key);
        // Worked out from the view that the key meets: two keys may come before the next picture.
        if (meaning) setView((now) => afterKey(now, meaning, shown, rows));
      }
    },
    { isActive: isRawModeSupported },
  );
  const body = view.help ? HELP : [...titles, ...visible(lines, page, view.scroll, fromEnd)];
  return (
    <Box flexDirection="column" width={columns} height={rows - 1}>
      <Header snapshot={shown} paused={view.paused} />
      <Tabs panel={view.panel} findings={shown.errors + shown.warnings} />
      <Box flexDirection="column" flexGrow={1} overflow="hidden">
        <Lines lines={body.slice(0, page + titles.length)} titles={view.help ? 0 : titles.length} />
      </Box>
      <Text dimColor wrap="truncate">
        {isRawModeSupported ? 'q quit  space pause  tab panel  arrows or j k scroll  ? help' : 'stop with Ctrl-C'}
      </Text>
    </Box>
  );
}

function afterKey(view: ViewState, key: Key, shown: LiveSnapshot, rows: number): ViewState {
  const { titles, lines, fromEnd } = panelText(view.panel, shown);
  const page = pageRows(rows, titles);
  return pressed(view, key, page, Math.max(0, lines.length - page), fromEnd);
}

/** Lines of a panel that fit. One row is left: a full screen makes terminals scroll. */
function pageRows(rows: number, titles: readonly string[]): number {
  return Math.max(1, rows - 1 - HEADER_ROWS - titles.length - 1);
}

function useSnapshots(snapshot: () => LiveSnapshot, paused: boolean): LiveSnapshot {
  const [shown, setShown] = useState(snapshot);
  // A layout effect ends with the picture that says so: nothing changes after PAUSED is shown.
  useLayoutEffect(() => {
    if (paused) return;
    let frame = snapshot();
    setShown(frame);
    const timer = setInterval(() => {
      // The last frame stays.
      if (!frame.over) setShown((frame = snapshot()));
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [snapshot, paused]);
  return shown;
}

type InkKey = Parameters<Parameters<typeof useInput>[0]>[1];

function meaningOf(input: string, key: InkKey): Key | undefined {
  if (key.tab) return key.shift ? 'previous' : 'next';
  if (key.upArrow || input === 'k') return 'up';
  if (key.downArrow || input === 'j') return 'down';
  if (key.pageUp) return 'page-up';
  if (key.pageDown) return 'page-down';
  if (key.leftArrow) return 'previous';
  if (key.rightArrow) return 'next';
  if (input === ' ') return 'pause';
  if (input === '?') return 'help';
  return input === 'g' ? 'home' : undefined;
}

function Header({ snapshot, paused }: { snapshot: LiveSnapshot; paused: boolean }) {
  const { input, inputs, over, elapsed, dgrams, bytes, damaged, errors, warnings, time } = snapshot;
  const state = paused ? 'PAUSED' : over ? 'END' : 'reading';
  return (
    <Box flexDirection="column">
      <Text wrap="truncate">
        <Text bold>{printable(input)}</Text>
        {inputs > 1 ? ` (input ${inputs})` : ''} {durationText(elapsed)}{' '}
        <Text inverse={paused} color={over ? 'green' : 'cyan'}>
          {state}
        </Text>
        {time === '' ? '' : `  ${time}`}
      </Text>
      <Text wrap="truncate">
        <Rate value={rateText(snapshot.dgramRate)} unit="dgrams/s" history={snapshot.dgramHistory} /> {dgrams} dgrams
        {'  '}
        <Text {...(damaged > 0 ? { color: 'yellow' } : {})}>damaged {damaged}</Text>
      </Text>
      <Text wrap="truncate">
        <Rate value={bytesText(snapshot.byteRate)} unit="/s" history={snapshot.byteHistory} /> {bytesText(bytes)}
        {'  '}
        <Text {...(errors > 0 ? { color: 'red' } : {})}>
          {errors} errors, {warnings} warnings
        </Text>
      </Text>
    </Box>
  );
}

function Rate({ value, unit, history }: { value: string; unit: string; history: readonly number[] }) {
  return (
    <>
      <Text bold>{value.padStart(8)}</Text> {unit.padEnd(8)}{' '}
      <Text color="cyan">{sparkline(history, SPARK_WIDTH).padEnd(SPARK_WIDTH)}</Text>
    </>
  );
}

function Tabs({ panel, findings }: { panel: Panel; findings: number }) {
  return (
    <Text wrap="truncate">
      {PANELS.map((name) => (
        <Text key={name} inverse={name === panel}>
          {` ${name}${name === 'findings' && findings > 0 ? ` (${findings})` : ''} `}
        </Text>
      ))}
    </Text>
  );
}

const HELP = [
  'q            end; before the input is over it is read no further',
  'space        hold the picture; reading goes on behind it',
  'tab, arrows  next panel, and shift-tab the one before',
  'j k          scroll; also up, down, page up, page down; g goes back',
  '?            this text, and away with it',
  'Ctrl-C       end in order, with status 130',
];
