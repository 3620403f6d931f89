import t from 'tap';
import { mutant, seedOf } from './mutate.ts';
import { Random } from './random.ts';
import { writtenSeeds } from './seeds.ts';
import { exercise } from './target.ts';

const MUTANTS = 1500;

t.test('sound files satisfy what is asked of all inputs', async (t) => {
  for (const bytes of writtenSeeds()) exercise(bytes, new Random(1));
  t.pass('three files');
});

t.test(
  `no mutant of ${MUTANTS} breaks a reader, a view, the editor or the converter (issue: never crashes on bad data)`,
  async (t) => {
    const seeds = writtenSeeds().map(seedOf);
    let worst = '';
    for (let number = 0; number < MUTANTS && worst === ''; number++) {
      const random = new Random(number);
      const input = mutant(random.pick(seeds), random);
      try {
        exercise(input, random);
      } catch (error) {
        worst = `mutant ${number}: ${error instanceof Error ? error.stack : String(error)}`;
      }
    }
    t.equal(worst, '', 'repeat with: npm run fuzz -- --only NUMBER');
  },
);
