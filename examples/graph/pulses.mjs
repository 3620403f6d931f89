/** How many pulses rise above `threshold` in a waveform: a histogram of that number, 0 to 9 and more. */
export const PulseCount = {
  ports: ['shots', 'histogram'],

  init: ({ threshold = 100 }) => ({ threshold, shots: 0, histogram: new Float64Array(10) }),

  add(state, { value }) {
    const { data } = value;
    let pulses = 0;
    for (let i = 1; i < data.length; i++) {
      if (data[i - 1] <= state.threshold && data[i] > state.threshold) pulses++;
    }
    state.histogram[Math.min(pulses, 9)]++;
    state.shots++;
    return state;
  },

  merge(a, b) {
    for (let i = 0; i < 10; i++) a.histogram[i] += b.histogram[i];
    a.shots += b.shots;
    return a;
  },

  output: ({ shots, histogram }) => ({ shots, histogram: histogram.slice() }),
};
