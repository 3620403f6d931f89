/**
 * The plots that somebody looks at. Plots of one field share a channel; a field that nobody looks at costs nothing. Pure: it is told
 * what is wanted, what has come and what time it is, and answers with frames.
 */

import type { Value } from '../../json/value.ts';
import { Channel } from './channel.ts';
import type { PlotFrame } from './messages.ts';
import type { PlotRequest } from './request.ts';

interface Plot {
  readonly request: PlotRequest;
  viewers: number;
  /** Of the channel, when the last frame was made. */
  shown: number;
}

export class Board {
  private readonly span: number;
  private readonly plots = new Map<string, Plot>();
  private readonly channels = new Map<string, Channel>();

  /** @param span of trends: seconds, or heartbeats */
  constructor(span: number) {
    this.span = span;
  }

  /** Fields that somebody looks at, in the order in which they came to be wanted. */
  get fields(): readonly string[] {
    return [...this.channels.keys()];
  }

  /** One more viewer. @returns whether the fields are others now */
  want(request: PlotRequest): boolean {
    const plot = this.plots.get(request.key);
    if (plot !== undefined) {
      plot.viewers++;
      return false;
    }
    this.plots.set(request.key, { request, viewers: 1, shown: 0 });
    if (this.channels.has(request.field)) return false;
    this.channels.set(request.field, new Channel(this.span));
    return true;
  }

  /** One viewer less. @returns whether the fields are others now */
  release({ key, field }: PlotRequest): boolean {
    const plot = this.plots.get(key);
    if (plot === undefined || --plot.viewers > 0) return false;
    this.plots.delete(key);
    for (const { request } of this.plots.values()) if (request.field === field) return false;
    return this.channels.delete(field);
  }

  /** A value of a field; passed over if nobody looks. */
  add(field: string, value: Value, time: number, arrived: number): void {
    this.channels.get(field)?.add(value, time, arrived);
  }

  /**
   * The plots that have changed since they were asked for last.
   * @param keys of the plots that somebody sees
   */
  changed(keys: ReadonlySet<string>): PlotFrame[] {
    const frames: PlotFrame[] = [];
    for (const [key, plot] of this.plots) {
      if (!keys.has(key)) continue;
      const channel = this.channels.get(plot.request.field)!;
      if (channel.version === plot.shown) continue;
      plot.shown = channel.version;
      const frame = channel.frame(key, plot.request.kind);
      if (frame !== undefined) frames.push(frame);
    }
    return frames;
  }

  /** One plot as it is now, for who has just come. */
  frame({ key, field, kind }: PlotRequest): PlotFrame | undefined {
    return this.channels.get(field)?.frame(key, kind);
  }
}
