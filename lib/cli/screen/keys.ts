/** Keys of a person, whatever stdin is. */

import { closeSync, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';

export interface Keys {
  stream: NodeJS.ReadStream;
  close(): void;
}

/** Where keys come from: stdin, or the terminal itself if dgrams come through stdin; undefined without a terminal. */
export function openKeys(): Keys | undefined {
  if (process.stdin.isTTY) return { stream: process.stdin, close: () => process.stdin.pause() };
  let fd: number;
  try {
    fd = openSync('/dev/tty', 'r');
  } catch {
    return undefined;
  }
  try {
    const stream = new ReadStream(fd);
    return { stream, close: () => stream.destroy() };
  } catch {
    closeSync(fd);
    return undefined;
  }
}
