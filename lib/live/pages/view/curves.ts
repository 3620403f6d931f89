/** Trends, waveforms and histograms. */

import uPlot, { type AlignedData, type Axis, type Options, type Series } from 'uplot';
import type { HistogramFrame, TrendFrame, WaveformFrame } from '../../view/messages.ts';
import { colourOf, numberText, type Picture } from './picture.ts';
import { numbersOf } from './unpack.ts';

const HEIGHT = 240;

type Column = (number | null)[];

/** A uPlot that is as wide as its place. */
class Curve {
  private readonly plot: uPlot;
  private readonly observer: ResizeObserver;

  constructor(place: HTMLElement, series: Series[], options: Partial<Options>, along: Partial<Axis> = {}) {
    const axis = {
      stroke: colourOf('--faint'),
      grid: { stroke: colourOf('--grid') },
      ticks: { stroke: colourOf('--grid') },
    };
    this.plot = new uPlot(
      {
        width: Math.max(place.clientWidth, 100),
        height: HEIGHT,
        legend: { show: false },
        cursor: { drag: { x: true, y: false } },
        axes: [
          { ...axis, ...along },
          { ...axis, size: 64 },
        ],
        series: [{}, ...series],
        ...options,
      },
      [[], ...series.map(() => [])],
      place,
    );
    this.observer = new ResizeObserver(() => {
      if (place.clientWidth > 0) this.plot.setSize({ width: place.clientWidth, height: HEIGHT });
    });
    this.observer.observe(place);
  }

  draw(...columns: Column[]): void {
    this.plot.setData(columns as AlignedData);
  }

  close(): void {
    this.observer.disconnect();
    this.plot.destroy();
  }
}

const line = (): Series => ({ stroke: colourOf('--line'), width: 1.5, points: { show: false } });
const edge = (): Series => ({ stroke: 'transparent', points: { show: false } });

/** Least and largest as a band around a line. */
const banded = (x: { time: boolean }): Partial<Options> => ({
  scales: { x },
  bands: [{ series: [3, 2], fill: colourOf('--band') }],
});

/** Times as the experiment writes them: UTC, 24 hours. */
const UTC: Partial<Axis> = {
  values: (_, times, __, ___, step) =>
    times.map((time) => new Date(time * 1000).toISOString().slice(11, step < 1 ? 23 : 19)),
  space: 80,
};

export function trendPicture(place: HTMLElement, time: boolean): Picture<TrendFrame> {
  const curve = new Curve(place, [line(), edge(), edge()], banded({ time }), time ? UTC : {});
  return {
    show: ({ x0, x, mean, low, high }) =>
      curve.draw(numbersOf(x, x0), numbersOf(mean), numbersOf(low), numbersOf(high)),
    words: ({ last }) => numberText(last),
    close: () => curve.close(),
  };
}

export function waveformPicture(place: HTMLElement): Picture<WaveformFrame> {
  const curve = new Curve(place, [line(), edge(), edge()], banded({ time: false }));
  return {
    show: ({ length, x, low, high }) => {
      const lows = numbersOf(low);
      const xs = x === undefined ? lows.map((_, i) => (i * length) / lows.length) : numbersOf(x);
      if (high === undefined) return curve.draw(xs, lows, lows, lows);
      const highs = numbersOf(high);
      const middle = lows.map((one, i) => (one === null || highs[i] == null ? null : (one + highs[i]) / 2));
      curve.draw(xs, middle, lows, highs);
    },
    words: ({ length, high }) => `${length} elements${high === undefined ? '' : ', least and largest per column'}`,
    close: () => curve.close(),
  };
}

export function histogramPicture(place: HTMLElement): Picture<HistogramFrame> {
  const bars: Series = {
    ...line(),
    fill: colourOf('--band'),
    paths: uPlot.paths.bars!({ size: [1, 1000] }),
  };
  const curve = new Curve(place, [bars], {
    scales: { x: { time: false }, y: { range: (_, __, most) => [0, Math.max(1, most * 1.05)] } },
  });
  return {
    show: ({ from, to, counts }) => {
      const width = (to - from) / counts.length;
      curve.draw(
        counts.map((_, i) => from + (i + 0.5) * width),
        [...counts],
      );
    },
    words: ({ values }) => `last ${values} values`,
    close: () => curve.close(),
  };
}
