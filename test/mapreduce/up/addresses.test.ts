/** Where map-up asks the controller and the reducer of its ensemble. */

import t from 'tap';
import { UsageError } from '../../../lib/errors.ts';
import { controlUrl, option, resultsUrl } from '../../../lib/mapreduce/up/addresses.ts';

t.test('the address that is bound; the loopback where it is every interface', (t) => {
  t.equal(controlUrl(['map-control']), 'http://127.0.0.1:5000');
  t.equal(controlUrl(['--bind', '10.0.0.7', '--port=1']), 'http://10.0.0.7:1');
  for (const all of ['0.0.0.0', '*']) t.equal(controlUrl(['--port', '1', '--bind', all]), 'http://127.0.0.1:1');
  t.equal(controlUrl(['--bind=::']), 'http://[::1]:5000');
  t.equal(resultsUrl(['map-reduce']), 'http://127.0.0.1:5001');
  t.equal(resultsUrl(['--port', '7']), 'http://127.0.0.1:7');
  t.equal(resultsUrl(['--port', '0.0.0.0:7']), 'http://127.0.0.1:7');
  t.equal(resultsUrl(['--port', '[::]:7']), 'http://[::1]:7');
  t.equal(resultsUrl(['--port', 'node1:7']), 'http://node1:7');
  t.throws(() => resultsUrl(['--port', 'x']), UsageError);
  t.end();
});

t.test('of options that are given twice the last one counts', (t) => {
  t.equal(option(['--port', '1', '--port', '2'], '--port'), '2');
  t.equal(option(['--port', '1'], '--bind'), undefined);
  t.end();
});
