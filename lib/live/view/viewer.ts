/** One viewer: a connection over which events go out (server-sent events), as fast as it takes them and no faster. */

import type { ServerResponse } from 'node:http';
import { HEADERS } from './gate.ts';
import type { PlotRequest } from './request.ts';
import { ViewerQueue } from './viewer-queue.ts';

export class Viewer {
  readonly queue = new ViewerQueue();
  /** Undefined: the usual ones. */
  readonly asked: readonly PlotRequest[] | undefined;
  /** What it is shown now. */
  plots: readonly PlotRequest[] = [];
  private readonly response: ServerResponse;
  private full = false;

  constructor(response: ServerResponse, asked: readonly PlotRequest[] | undefined, onGone: () => void) {
    this.response = response;
    this.asked = asked;
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
    response.flushHeaders();
    response.on('drain', () => {
      this.full = false;
      this.flush();
    });
    response.on('error', () => {});
    response.on('close', onGone);
  }

  /** Of one name only the newest waits. */
  send(name: string, event: string, json: string): void {
    this.queue.offer(name, `event: ${event}\ndata: ${json}\n\n`);
    this.flush();
  }

  close(): void {
    this.queue.close();
    this.response.destroy();
  }

  private flush(): void {
    while (!this.full) {
      const frame = this.queue.take();
      if (frame === undefined) return;
      this.full = !this.response.write(frame);
    }
  }
}
