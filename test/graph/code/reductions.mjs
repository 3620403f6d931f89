/** User code of the tests. */

/** Counts and adds. */
export const Total = {
  ports: ['count', 'sum'],
  init: () => ({ count: 0, sum: 0 }),
  add: (state, { value }) => ({ count: state.count + 1, sum: state.sum + value }),
  merge: (a, b) => ({ count: a.count + b.count, sum: a.sum + b.sum }),
  output: ({ count, sum }) => ({ count, sum }),
};

/** The sum of waveforms above a threshold, which is a parameter. */
export const Above = {
  ports: ['samples'],
  init: ({ threshold = 0 }) => ({ threshold, sums: new Float64Array(0) }),
  add(state, { value }) {
    const sums = state.sums.length === 0 ? new Float64Array(value.data.length) : state.sums;
    for (let i = 0; i < sums.length; i++) if (value.data[i] > state.threshold) sums[i] += value.data[i];
    return { ...state, sums };
  },
  merge(a, b) {
    if (a.sums.length === 0) return b;
    for (let i = 0; i < b.sums.length; i++) a.sums[i] += b.sums[i];
    return a;
  },
  output: ({ sums }) => ({ samples: sums.slice() }),
};

/** Not commutative: the last one wins. */
export const LastOne = {
  ports: ['value'],
  init: () => ({ value: null }),
  add: (_, { value }) => ({ value }),
  merge: (a, b) => (b.value === null ? a : b),
  output: ({ value }) => ({ value }),
};

/** Starts anew at every step. */
export const PerStep = {
  ...Total,
  transition: (state, name) => (name === 'BeginStep' ? { count: 0, sum: 0 } : state),
};

export const fails = {
  ...Total,
  add(state, { value }) {
    if (value % 3 === 0) throw new Error(`I do not like ${value}`);
    return Total.add(state, { value });
  },
};

export const notPlain = { ...Total, add: () => ({ when: new Date(0) }) };

export const twice = ({ value }) => (value < 0 ? null : 2 * value);
