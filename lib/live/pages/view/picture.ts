import type { PlotFrame } from '../../view/messages.ts';

/** What a kind of plot draws with. One picture lives as long as its plot keeps its kind. */
export interface Picture<Frame extends PlotFrame> {
  show(frame: Frame): void;
  /** Values under the title. */
  words(frame: Frame): string;
  close(): void;
}

/** `1.23e-7`, `12.3457`, `512`. */
export function numberText(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e9 ? String(value) : String(Number(value.toPrecision(6)));
}

/** A colour of the style sheet. */
export function colourOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
