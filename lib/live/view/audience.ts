/** All viewers, and what they are shown: frames are made once, however many look. */

import type { Board } from './board.ts';
import type { Feed } from './feed.ts';
import type { Offer, Status } from './messages.ts';
import { type OfferedHere, usualPlots } from './offer.ts';
import { type PlotRequest, plotNamed } from './request.ts';
import type { Viewer } from './viewer.ts';
import type { ViewerCounts } from './viewer-queue.ts';

export interface AudienceOptions {
  readonly board: Board;
  readonly feed: Pick<Feed, 'name' | 'axis' | 'events' | 'arrived' | 'time' | 'select'>;
  /** Milliseconds. */
  readonly now: () => number;
  /** Plots for who asks for none; if empty, a sensible choice of what is offered. */
  readonly plots: readonly PlotRequest[];
}

export class Audience {
  readonly viewers = new Set<Viewer>();
  private readonly options: AudienceOptions;
  private readonly former: ViewerCounts = { offered: 0, sent: 0, replaced: 0, left: 0 };
  private fields: readonly OfferedHere[] = [];
  private usual: readonly PlotRequest[];
  private end: string | undefined;

  constructor(options: AudienceOptions) {
    this.options = options;
    this.usual = options.plots;
    // They are fed from the start, so that the first viewer sees a past.
    this.exchange([], this.usual);
  }

  /** Of all viewers there have been: offered = sent + replaced + left + waiting. */
  counts(): ViewerCounts & { waiting: number } {
    const sum = { ...this.former, waiting: 0 };
    for (const { queue } of this.viewers) {
      for (const key of ['offered', 'sent', 'replaced', 'left'] as const) sum[key] += queue.counts[key];
      sum.waiting += queue.waiting;
    }
    return sum;
  }

  /** Plots that are shown to who asks for none. */
  get usualKeys(): readonly string[] {
    return this.usual.map(({ key }) => key);
  }

  join(viewer: Viewer): void {
    this.viewers.add(viewer);
    viewer.send('offer', 'offer', this.offerText());
    this.show(viewer, viewer.asked ?? this.usual);
    this.sendStatus(viewer);
  }

  leave(viewer: Viewer): void {
    if (!this.viewers.delete(viewer)) return;
    viewer.close();
    this.exchange(viewer.plots, []);
    for (const key of ['offered', 'sent', 'replaced', 'left'] as const) this.former[key] += viewer.queue.counts[key];
  }

  /** The source describes its fields, perhaps anew. */
  offered(fields: readonly OfferedHere[]): void {
    this.fields = fields;
    if (this.options.plots.length === 0) {
      const usual = usualPlots(fields).map(plotNamed);
      this.exchange(this.usual, usual);
      this.usual = usual;
    }
    for (const viewer of this.viewers) {
      viewer.send('offer', 'offer', this.offerText());
      if (viewer.asked === undefined) this.show(viewer, this.usual);
    }
  }

  /** Sends what is new. To be called as often as viewers shall see something new. */
  tick(): void {
    const seen = new Set([...this.viewers].flatMap(({ plots }) => plots.map(({ key }) => key)));
    for (const frame of this.options.board.changed(seen)) {
      const text = JSON.stringify(frame);
      for (const viewer of this.viewers) {
        if (viewer.plots.some(({ key }) => key === frame.key)) viewer.send(`plot ${frame.key}`, 'plot', text);
      }
    }
    for (const viewer of this.viewers) this.sendStatus(viewer);
  }

  /** Nothing will come any more. @param words why, if that is not in order */
  ended(words: string): void {
    this.end = words;
    this.tick();
  }

  close(): void {
    for (const viewer of this.viewers) this.leave(viewer);
  }

  private show(viewer: Viewer, plots: readonly PlotRequest[]): void {
    this.exchange(viewer.plots, plots);
    viewer.plots = plots;
    for (const request of plots) {
      const frame = this.options.board.frame(request);
      if (frame !== undefined) viewer.send(`plot ${frame.key}`, 'plot', JSON.stringify(frame));
    }
  }

  /** New ones first: a field that is in both keeps its past. */
  private exchange(before: readonly PlotRequest[], after: readonly PlotRequest[]): void {
    const { board, feed } = this.options;
    let others = false;
    for (const request of after) others = board.want(request) || others;
    for (const request of before) others = board.release(request) || others;
    if (others) feed.select(board.fields);
  }

  private offerText(): string {
    const { feed } = this.options;
    const fields = this.fields.map(({ name, type, kinds }) => ({ name, type, kinds }));
    const offer: Offer = { source: feed.name, fields, usual: this.usualKeys, axis: feed.axis };
    return JSON.stringify(offer);
  }

  private sendStatus(viewer: Viewer): void {
    const { feed, now } = this.options;
    const { arrived, events, time } = feed;
    const { offered, sent, replaced } = viewer.queue.counts;
    const state = this.end !== undefined ? 'ended' : arrived === undefined ? 'waiting' : 'reading';
    const status: Status = {
      now: now(),
      state,
      words: this.end ?? '',
      ...(arrived === undefined ? {} : { arrived }),
      time,
      events,
      offered,
      sent,
      replaced,
    };
    viewer.send('status', 'status', JSON.stringify(status));
  }
}
