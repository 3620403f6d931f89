/** Generators of numbers that do not depend on chance. */

import type { FieldTypeName } from '../../xtc/layout.ts';
import type { Content, GeneratorKind } from '../content.ts';
import { elementSize, putterOf, wrap } from '../elements.ts';

const constant: GeneratorKind = {
  name: 'constant',
  summary: 'the same value in every event; a list fills an array',
  keys: 'value',
  read(section) {
    const value = section.raw('value');
    if (Array.isArray(value)) {
      const list = section.numbers('value', [0]);
      return {
        ...constantContent(list[0] ?? 0, list),
        frame: (_random, into) => {
          for (let i = 0; i < into.length; i++) into[i] = list[i % list.length] ?? 0;
          return 0;
        },
      };
    }
    return constantContent(section.number('value', 0));
  },
};

function constantContent(value: number, written: number | number[] = value): Content {
  return {
    generator: 'constant',
    params: { value: written },
    type: 'DOUBLE',
    constant: true,
    scalar: () => () => value,
    frame: (_random, into) => {
      into.fill(value);
      return 0;
    },
  };
}

/** A field that always has this value. */
export function constantOf(value: number, type: FieldTypeName = 'DOUBLE'): Content {
  return { ...constantContent(value), type };
}

export function counterOf(start: number, step: number): Content {
  const counting = (type: FieldTypeName) => {
    let next = start;
    return () => {
      const value = wrap(type, next);
      next += step;
      return value;
    };
  };
  return {
    generator: 'counter',
    params: { start, step },
    type: 'UINT32',
    scalar: (_random, type) => counting(type),
    direct(type, elements) {
      const put = putterOf(type);
      const size = elementSize(type);
      const count = counting(type);
      return (_bytes, view, at) => {
        const first = count();
        for (let i = 0; i < elements; i++) put(view, at + i * size, wrap(type, first + i));
      };
    },
  };
}

const counter: GeneratorKind = {
  name: 'counter',
  summary: 'counts the dgrams of its detector, and wraps; elements of an array count on',
  keys: 'start, step',
  read: (section) => counterOf(section.number('start', 0), section.number('step', 1)),
};

/** From `from` to `to` in `events` events, then again. */
export function rampOf(from: number, to: number, events: number): Content {
  const slope = events > 1 ? (to - from) / (events - 1) : 0;
  return {
    generator: 'ramp',
    params: { from, to, events },
    type: 'DOUBLE',
    scalar: () => {
      let index = 0;
      return () => {
        const value = from + slope * index;
        index = index + 1 === events ? 0 : index + 1;
        return value;
      };
    },
    frame: (_random, into) => {
      const last = Math.max(1, into.length - 1);
      for (let i = 0; i < into.length; i++) into[i] = from + ((to - from) * i) / last;
      return 0;
    },
  };
}

const ramp: GeneratorKind = {
  name: 'ramp',
  summary: 'from one value to another in a number of events, then again; arrays ramp along their elements',
  keys: 'from, to, events',
  read: (section) =>
    rampOf(section.number('from', 0), section.number('to', 1), section.integer('events', 100, 1, 0xffffffff)),
};

export const PULSE_ID: Content = {
  generator: 'pulseId',
  params: {},
  ranks: 'scalar',
  type: 'UINT64',
  scalar: () => (moment) => moment.pulseId,
};

/** `sec << 32 | nsec`, as psana has it. */
export const TIMESTAMP: Content = {
  generator: 'timestamp',
  params: {},
  ranks: 'scalar',
  type: 'UINT64',
  direct: () => (_bytes, view, at, moment) => {
    view.setUint32(at, moment.nsec, true);
    view.setUint32(at + 4, moment.sec, true);
  },
};

const EVENT: Content = {
  generator: 'event',
  params: {},
  ranks: 'scalar',
  type: 'UINT32',
  scalar: () => (moment) => moment.event,
};
const STEP: Content = {
  generator: 'step',
  params: {},
  ranks: 'scalar',
  type: 'INT32',
  scalar: () => (moment) => moment.step,
};

const plain = (content: Content, summary: string): GeneratorKind => ({
  name: content.generator,
  summary,
  keys: '',
  read: () => content,
});

const scan: GeneratorKind = {
  name: 'scan',
  summary: 'follows a motor of the step scan: slope * position + intercept, with noise of width sigma',
  keys: 'motor, slope, intercept, sigma',
  read(section, context) {
    const names = [...context.motors.keys()];
    const motor = section.text('motor', names[0] ?? '');
    const positions = context.motors.get(motor);
    if (!positions) {
      const known = names.length > 0 ? `the motors are ${names.join(', ')}` : 'steps.motors has none';
      section.problem('motor', `there is no motor "${motor}"; ${known}`);
    }
    const slope = section.number('slope', 1);
    const intercept = section.number('intercept', 0);
    const sigma = section.number('sigma', 0, { min: 0 });
    return {
      generator: 'scan',
      params: { motor, slope, intercept, sigma },
      ranks: 'scalar',
      type: 'DOUBLE',
      scalar: (random) => (moment) =>
        slope * (positions?.[moment.step] ?? 0) + intercept + (sigma === 0 ? 0 : sigma * random.gaussian()),
    };
  },
};

export const NUMBER_GENERATORS: readonly GeneratorKind[] = [
  constant,
  counter,
  ramp,
  plain(PULSE_ID, 'the pulse id of the event'),
  plain(TIMESTAMP, 'the time of the event, seconds << 32 | nanoseconds; needs UINT64'),
  plain(EVENT, 'the number of the event in the run, from 0'),
  plain(STEP, 'the number of the step, from 0'),
  scan,
];
