// Sums by event, and how often each lies in a bin of 100: map-reduce --js histogram-reducer.mjs
export default class Histogram {
  publish = { sums: new Map(), counts: new BigInt64Array(20), counts_attrs: { bin: 100 }, total: 0 };

  processResult({ event_number, payload: { sum } }) {
    this.publish.sums.set(String(event_number), sum);
    this.publish.counts[Math.min(Math.floor(sum / 100), 19)]++;
    this.publish.total += sum;
  }
}
