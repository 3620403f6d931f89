/** Answers of processes, for tests of daq-top. */

import { TopModel } from '../../../lib/live/top/model.ts';
import { parsePrometheus, type Sample } from '../../../lib/live/top/prometheus.ts';

export interface Told {
  alias?: string;
  in: number;
  out: number;
  lost?: number;
  extra?: string;
}

export function answer({ alias = 'drp0', in: came, out, lost = 0, extra = '' }: Told): Sample[] {
  const who = `command="drp-python",alias="${alias}"`;
  return parsePrometheus(`# TYPE daqpipe_in_total counter
daqpipe_in_total{${who}} ${came}
# TYPE daqpipe_out_total counter
daqpipe_out_total{${who}} ${out}
# TYPE daqpipe_not_out_total counter
daqpipe_not_out_total{reason="dropped",${who}} ${lost}
daqpipe_not_out_total{reason="late",${who}} 0
# TYPE daqpipe_unaccounted gauge
daqpipe_unaccounted{${who}} ${came - out - lost}
daqpipe_cpu_seconds_total{${who}} ${came / 1000}
daqpipe_resident_bytes{${who}} 5e7
daqpipe_uptime_seconds{${who}} 65
${extra}`);
}

export const WORKERS = `daqpipe_drp_worker_up{worker="0"} 1
daqpipe_drp_worker_up{worker="1"} 0
daqpipe_drp_worker_queue_depth{worker="0"} 3
daqpipe_drp_worker_queue_depth{worker="1"} 4
# TYPE daqpipe_info_total counter
daqpipe_info_total{kind="damaged-failure"} 6
daqpipe_info_total{kind="changed"} 9
`;

/** Three processes: a good one, one that loses and does not add up, one that is gone. */
export function threeProcesses(): TopModel {
  const model = new TopModel();
  for (const second of [0, 1, 2]) {
    model.answered('http://a/', answer({ alias: 'gen', in: 100 * second, out: 100 * second }), second);
    const events = 50 * second;
    model.answered('http://b/', answer({ in: events, out: events - 10 - second, lost: 10, extra: WORKERS }), second);
    model.answered('http://c/', answer({ alias: 'teb', in: 7, out: 7 }), second);
  }
  model.failed('http://c/', 'nobody listens there');
  return model;
}
