/** What the server of `daq-view` tells its page. Types only: the page is built for browsers. */

export const KINDS = ['trend', 'histogram', 'waveform', 'image', 'text'] as const;
export type PlotKind = (typeof KINDS)[number];

/** Base64 of little-endian numbers. */
export type Packed = string;

/** A field that can be plotted. */
export interface OfferedField {
  readonly name: string;
  /** `UINT16[2]`: type and rank, as the description says. */
  readonly type: string;
  /** What it can be shown as; the first is usual. */
  readonly kinds: readonly PlotKind[];
}

interface FrameHead {
  /** Plot that it belongs to: `FIELD=KIND` or `FIELD`, as the viewer asked. */
  readonly key: string;
  /** When its latest value reached daq-view: milliseconds of the server's clock. */
  readonly arrived: number;
  /** Time of that value as its event has it: seconds since 1970, or the number of a heartbeat. */
  readonly time: number;
}

export interface TrendFrame extends FrameHead {
  readonly kind: 'trend';
  readonly last: number;
  /** First x; the others as distances from it, float32. */
  readonly x0: number;
  readonly x: Packed;
  /** Per point of x, float32: mean, least and largest of the values that fell there. */
  readonly mean: Packed;
  readonly low: Packed;
  readonly high: Packed;
}

export interface HistogramFrame extends FrameHead {
  readonly kind: 'histogram';
  readonly from: number;
  readonly to: number;
  readonly counts: readonly number[];
  /** Values in it. */
  readonly values: number;
}

export interface WaveformFrame extends FrameHead {
  readonly kind: 'waveform';
  readonly length: number;
  /** float32; the number of the element if absent. */
  readonly x?: Packed;
  /** float32. Of long waveforms least and largest per column. */
  readonly low: Packed;
  readonly high?: Packed;
}

export interface ImageFrame extends FrameHead {
  readonly kind: 'image';
  readonly width: number;
  readonly height: number;
  /** Elements along each side of what one pixel shows; their mean. */
  readonly block: number;
  readonly shape: readonly number[];
  /** Values shown as the first and the last colour. */
  readonly from: number;
  readonly to: number;
  /** One byte per pixel, row by row; 0 to 254, 255 where there is no number. */
  readonly pixels: Packed;
}

export interface TextFrame extends FrameHead {
  readonly kind: 'text';
  readonly text: string;
}

/** Why there is no picture. */
export interface NoteFrame extends FrameHead {
  readonly kind: 'note';
  readonly text: string;
}

export type PlotFrame = TrendFrame | HistogramFrame | WaveformFrame | ImageFrame | TextFrame | NoteFrame;

export interface Offer {
  readonly source: string;
  readonly fields: readonly OfferedField[];
  /** Plots for viewers who ask for none. */
  readonly usual: readonly string[];
  /** What the x axis of trends is. */
  readonly axis: 'time' | 'heartbeat';
}

export interface Status {
  /** Milliseconds of the server's clock. */
  readonly now: number;
  /** `ended`: nothing will come any more. */
  readonly state: 'waiting' | 'reading' | 'ended';
  /** What a person should know about the end. */
  readonly words: string;
  /** When the latest data came; undefined before the first. */
  readonly arrived?: number;
  /** Time of the latest event, for people. */
  readonly time: string;
  readonly events: number;
  /** This viewer's: offered = sent + replaced + waiting. */
  readonly offered: number;
  readonly sent: number;
  readonly replaced: number;
}
