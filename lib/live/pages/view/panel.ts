/** One plot on the page: title, age, and the picture that its latest frame needs. */

import type { PlotFrame } from '../../view/messages.ts';
import { histogramPicture, trendPicture, waveformPicture } from './curves.ts';
import { imagePicture } from './image.ts';
import type { Picture } from './picture.ts';

export interface PanelOptions {
  /** `FIELD=KIND` or `FIELD`. */
  readonly key: string;
  /** Trends go along times, not heartbeats. */
  readonly time: () => boolean;
  readonly colours: () => string;
  readonly onRemove: () => void;
}

const plainPicture = (place: HTMLElement): Picture<Extract<PlotFrame, { text: string }>> => {
  const text = document.createElement('pre');
  place.append(text);
  return {
    show: (frame) => {
      text.textContent = frame.text;
    },
    words: () => '',
    close: () => place.replaceChildren(),
  };
};

export class Panel {
  readonly element = document.createElement('figure');
  private readonly options: PanelOptions;
  private readonly place = document.createElement('div');
  private readonly words = document.createElement('output');
  private readonly age = document.createElement('output');
  private picture: Picture<PlotFrame> | undefined;
  private frame: PlotFrame | undefined;
  private frames = 0;

  constructor(options: PanelOptions) {
    this.options = options;
    this.element.dataset.key = options.key;
    const title = document.createElement('strong');
    title.textContent = options.key;
    title.title = options.key;
    const remove = document.createElement('button');
    remove.textContent = '×';
    remove.ariaLabel = `remove ${options.key}`;
    remove.addEventListener('click', options.onRemove);
    const caption = document.createElement('figcaption');
    caption.append(title, this.words, this.age, remove);
    this.place.className = 'plot';
    this.element.append(caption, this.place);
  }

  show(frame: PlotFrame): void {
    if (this.frame?.kind !== frame.kind) {
      this.picture?.close();
      this.picture = this.pictureFor(frame.kind) as Picture<PlotFrame>;
    }
    this.frame = frame;
    this.picture?.show(frame);
    this.words.textContent = this.picture?.words(frame) ?? '';
    this.element.dataset.kind = frame.kind;
    this.element.dataset.frames = String(++this.frames);
  }

  /** With other colours, or after the browser's own have changed. */
  redraw(): void {
    if (this.frame) this.picture?.show(this.frame);
  }

  /** @param now milliseconds of the server's clock */
  showAge(now: number, staleAfter: number, over: boolean): void {
    const age = this.frame === undefined ? undefined : Math.max(0, now - this.frame.arrived);
    this.age.textContent = age === undefined ? 'nothing yet' : ageText(age);
    this.element.dataset.stale = String(over || (age !== undefined && age > staleAfter));
  }

  close(): void {
    this.picture?.close();
    this.element.remove();
  }

  private pictureFor(kind: PlotFrame['kind']) {
    switch (kind) {
      case 'trend':
        return trendPicture(this.place, this.options.time());
      case 'histogram':
        return histogramPicture(this.place);
      case 'waveform':
        return waveformPicture(this.place);
      case 'image':
        return imagePicture(this.place, this.options.colours);
      default:
        return plainPicture(this.place);
    }
  }
}

/** `0.3 s old`, `2:05 old`. */
export function ageText(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s old`;
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')} old`;
}
