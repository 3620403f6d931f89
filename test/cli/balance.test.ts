import t from 'tap';
import { type Balance, formatBalance, readBalance } from '../../lib/cli/balance.ts';
import { Random } from '../random.ts';

t.test('what is written is read again, in the middle of a line', (t) => {
  const random = new Random(5);
  const names = ['dropped', 'too-late', 'held', 'messages-bad', 'results'];
  const some = () =>
    Object.fromEntries(names.filter(() => random.below(2) === 0).map((n) => [n, 1 + random.below(99)]));
  for (let i = 0; i < 500; i++) {
    const info = some();
    const balance: Balance = {
      ...{ in: random.below(1000), out: random.below(1000), losses: some() },
      ...(Object.keys(info).length > 0 ? { info } : {}),
    };
    t.same(readBalance(`<W> x: LOSS ${formatBalance(balance)}`), balance);
  }
  t.end();
});

t.test('other words beside it do not matter; without a balance there is none', (t) => {
  t.same(readBalance('in 500 = out 490 + dropped 7; retried 1; 300/s'), {
    ...{ in: 500, out: 490 },
    ...{ losses: { dropped: 7 }, info: { retried: 1 } },
  });
  t.equal(readBalance('in the middle = of nothing'), undefined);
  t.end();
});
