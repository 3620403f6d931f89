/** The numbers of a dgram header that a writer or an editor is given: they must fit their words (spec xtc2.md, sections 2-6). */

import { DataError } from '../errors.ts';

const LARGEST = {
  sec: 0xffffffff,
  nsec: 0xffffffff,
  env: 0xffffffff,
  src: 0xffffffff,
  damage: 0xffff,
  service: 15,
} as const;

/** @throws DataError `bad-header` that quotes the number and its limit; a number that wrapped would be wrong silently */
export function checkHeaderNumbers(numbers: Partial<Record<keyof typeof LARGEST, number>>): void {
  check('sec', numbers.sec);
  check('nsec', numbers.nsec);
  check('env', numbers.env);
  check('src', numbers.src);
  check('damage', numbers.damage);
  check('service', numbers.service);
}

function check(name: keyof typeof LARGEST, value: number | undefined): void {
  if (value === undefined || (Number.isInteger(value) && value >= 0 && value <= LARGEST[name])) return;
  throw new DataError('bad-header', `${name} ${value} is not an integer in 0..${LARGEST[name]}`, {
    place: { key: name },
  });
}
