/** The screen of `graph-run --plot`. It draws scenes five times a second and knows nothing of graphs. */

import { Box, Text, useInput, useStdin } from 'ink';
import { useLayoutEffect, useState } from 'react';
import { colour } from '../../cli/colour.ts';
import { type FullScreen, openFullScreen, type ScreenTerminal, useSize } from '../../cli/screen/full-screen.ts';
import { Lines } from '../../cli/screen/lines.ts';
import { frameOf, type Scene } from '../plot/frame.ts';

export interface PlotScreenOptions extends ScreenTerminal, PlotProps {}

export interface PlotView {
  readonly scene: Scene;
  /** Nothing comes any more. */
  readonly over: boolean;
}

interface PlotProps {
  view: () => PlotView;
  /** `q`. */
  onQuit: () => void;
  /** Ctrl-C, which a terminal in raw mode does not turn into a signal. */
  onInterrupt: () => void;
}

const REFRESH_MS = 200;

/** Takes the terminal over until `close`. */
export function openPlotScreen({ stdout, stdin, ...props }: PlotScreenOptions): FullScreen {
  return openFullScreen(<Plots {...props} />, { stdout, stdin });
}

/** The whole screen. */
export function Plots({ view, onQuit, onInterrupt }: PlotProps) {
  const [paused, setPaused] = useState(false);
  const [page, setPage] = useState(0);
  const shown = useView(view, paused);
  const { columns, rows } = useSize();
  const { isRawModeSupported } = useStdin();
  // The line of keys, and a row that is left free: a full screen makes terminals scroll.
  const frame = frameOf(shown.scene, { columns, rows: Math.max(1, rows - 2) }, colour, page);
  useInput(
    (input, key) => {
      if (key.ctrl && input === 'c') onInterrupt();
      else if (input === 'q') onQuit();
      else if (input === ' ') setPaused((now) => !now);
      else if (key.tab && key.shift) setPage((now) => (now + frame.pages - 1) % frame.pages);
      else if (key.tab) setPage((now) => (now + 1) % frame.pages);
    },
    { isActive: isRawModeSupported },
  );
  const pages = frame.pages > 1 ? `  page ${Math.min(page, frame.pages - 1) + 1} of ${frame.pages}` : '';
  const state = paused ? 'PAUSED  ' : shown.over ? 'END  ' : '';
  return (
    <Box flexDirection="column" width={columns} height={Math.max(2, rows - 1)} overflow="hidden">
      <Box flexDirection="column" flexGrow={1} overflow="hidden">
        <Lines lines={frame.lines} />
      </Box>
      <Text dimColor wrap="truncate">
        {state}
        {isRawModeSupported ? `q quit  space pause${frame.pages > 1 ? '  tab next page' : ''}` : 'stop with Ctrl-C'}
        {pages}
      </Text>
    </Box>
  );
}

function useView(view: () => PlotView, paused: boolean): PlotView {
  const [shown, setShown] = useState(view);
  useLayoutEffect(() => {
    if (paused) return;
    setShown(view());
    const timer = setInterval(() => setShown(view()), REFRESH_MS);
    return () => clearInterval(timer);
  }, [view, paused]);
  return shown;
}
