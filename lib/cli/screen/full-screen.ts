/** What all full-screen views share: the terminal is taken over and given back, and its size is known. */

import { render, useStdout } from 'ink';
import { type ReactElement, useEffect, useState } from 'react';

export interface ScreenTerminal {
  stdout: NodeJS.WriteStream;
  /** A terminal for the keys; without one there are none. */
  stdin: NodeJS.ReadStream | undefined;
}

export interface FullScreen {
  /** Gives the terminal back. Works any number of times. */
  close(): void;
}

const ALTERNATE_SCREEN = '\x1b[?1049h';
const FORMER_SCREEN = '\x1b[?1049l\x1b[?25h';

/** Takes the terminal over until `close`. */
export function openFullScreen(picture: ReactElement, { stdout, stdin }: ScreenTerminal): FullScreen {
  stdout.write(ALTERNATE_SCREEN);
  const app = render(picture, { stdout, ...(stdin ? { stdin } : {}), exitOnCtrlC: false, patchConsole: false });
  let open = true;
  return {
    close() {
      if (!open) return;
      open = false;
      app.unmount();
      stdout.write(FORMER_SCREEN);
    },
  };
}

/** Columns and rows of the terminal, also after it has changed them. */
export function useSize(): { columns: number; rows: number } {
  const { stdout } = useStdout();
  const sizeNow = () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
  const [size, setSize] = useState(sizeNow);
  useEffect(() => {
    const onResize = () => setSize({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
    stdout.on('resize', onResize);
    return () => {
      stdout.off('resize', onResize);
    };
  }, [stdout]);
  return size;
}
