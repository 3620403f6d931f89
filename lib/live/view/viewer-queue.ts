/** What waits for one viewer: of each plot the newest frame only, so that a slow viewer is never behind. Pure. */

export interface ViewerCounts {
  offered: number;
  sent: number;
  /** Gave way to newer frames of their plot. */
  replaced: number;
  /** Waited when the viewer went. */
  left: number;
}

/** offered = sent + replaced + left + waiting. */
export class ViewerQueue {
  readonly counts: ViewerCounts = { offered: 0, sent: 0, replaced: 0, left: 0 };
  /** In the order in which plots began to wait: no plot is served twice before another one. */
  private readonly frames = new Map<string, string>();

  get waiting(): number {
    return this.frames.size;
  }

  offer(key: string, frame: string): void {
    this.counts.offered++;
    if (this.frames.has(key)) this.counts.replaced++;
    this.frames.set(key, frame);
  }

  take(): string | undefined {
    const [first] = this.frames;
    if (first === undefined) return undefined;
    this.frames.delete(first[0]);
    this.counts.sent++;
    return first[1];
  }

  /** The viewer has gone. */
  close(): void {
    this.counts.left += this.frames.size;
    this.frames.clear();
  }
}
