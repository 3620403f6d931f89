/** Reductions that break a law each. */

/** Keeps its input instead of a copy. */
export const KeepsInput = {
  ports: ['first'],
  init: () => ({ event: Infinity, data: [] }),
  add: (state, { value }, { event }) => (event < state.event ? { event, data: value.data ?? [] } : state),
  merge: (a, b) => (a.event <= b.event ? a : b),
  output: ({ data }) => ({ first: [...data] }),
};

export const CopiesInput = {
  ...KeepsInput,
  add: (state, { value }, { event }) => (event < state.event ? { event, data: value.data.slice() } : state),
};

/** The mean of means. */
export const Mean = {
  ports: ['mean'],
  init: () => ({ mean: null }),
  add: ({ mean }, { value }) => ({ mean: mean === null ? value : (mean + value) / 2 }),
  merge: (a, b) => ({ mean: a.mean === null ? b.mean : b.mean === null ? a.mean : (a.mean + b.mean) / 2 }),
  output: ({ mean }) => ({ mean }),
};

export const OutputChanges = {
  ports: ['count'],
  init: () => ({ count: 0 }),
  add: ({ count }) => ({ count: count + 1 }),
  merge: (a, b) => ({ count: a.count + b.count }),
  output: (state) => ({ count: state.count++ }),
};

/** Begins with one. */
export const NotNeutral = {
  ...OutputChanges,
  init: () => ({ count: 1 }),
  output: ({ count }) => ({ count }),
};
