/** `--metrics [HOST:]PORT`: the balance of a stage, and what else it counts, as Prometheus text over HTTP. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Counter, Gauge, type MetricConfiguration, Registry } from 'prom-client';
import { UsageError } from '../errors.ts';
import { type Balance, imbalance } from './balance.ts';
import { httpOrigin, parseAddress } from './http-address.ts';

/** One thing to look at. Read when somebody asks, so it costs nothing in between. */
export interface Meter {
  /** Without the prefix: `bytes_total`, `queue_depth`. Counters end in `_total`. */
  name: string;
  /** The name is taken as it is: that of an existing system, whose dashboards know it. */
  exact?: boolean;
  help: string;
  /** What grows only, or what goes up and down. */
  kind: 'counter' | 'gauge';
  /** The value, or one per value of the label. */
  value(): number | Readonly<Record<string, number>>;
  /** Name of the label if `value` answers several. */
  label?: string;
}

/** What a long-running command shows of itself. */
export interface Stage {
  balance(): Balance;
  meters?: readonly Meter[];
  /** Put on every line beside the command and its alias. */
  labels?: Readonly<Record<string, string>>;
}

export interface MetricsServer {
  /** `http://127.0.0.1:9100/metrics`. */
  readonly url: string;
  /** Works any number of times. */
  close(): Promise<void>;
}

const PREFIX = 'daqpipe_';

/**
 * Serves the metrics of a stage until closed.
 * @param labels put on every line, for example the command and its alias
 * @throws UsageError if the address makes no sense or cannot be had
 */
export async function serveMetrics(
  address: string,
  stage: Stage,
  labels: Readonly<Record<string, string>>,
): Promise<MetricsServer> {
  const { host, port } = parseAddress(address, '--metrics');
  const registry = registryOf(stage, labels);
  const server = createServer((request, response) => {
    if (new URL(request.url ?? '/', 'http://x').pathname !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('metrics are at /metrics\n');
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
    } else {
      registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
        (error: unknown) => response.writeHead(500, { 'content-type': 'text/plain' }).end(`${String(error)}\n`),
      );
    }
  });
  await listen(server, host, port, address);
  const { port: taken } = server.address() as AddressInfo;
  return { url: `${httpOrigin(host, taken)}/metrics`, close: () => close(server) };
}

function listen(server: Server, host: string, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      const why = code === 'EADDRINUSE' ? 'the port is in use' : message;
      reject(new UsageError(`--metrics: cannot listen on ${address}: ${why}`));
    });
    server.listen(port, host, resolve);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    // A scraper keeps its connection open for the next time.
    server.closeAllConnections();
  });
}

/** The same text for commands that have an HTTP server of their own. */
export function metricsText(
  stage: Stage,
  labels: Readonly<Record<string, string>>,
): { type: string; text(): Promise<string> } {
  const registry = registryOf(stage, labels);
  return { type: registry.contentType, text: () => registry.metrics() };
}

function registryOf(stage: Stage, labels: Readonly<Record<string, string>>): Registry {
  const registry = new Registry();
  registry.setDefaultLabels(labels);
  for (const meter of [...balanceMeters(stage), ...(stage.meters ?? []), ...PROCESS]) register(meter, registry);
  return registry;
}

function register({ name, exact, help, kind, value, label }: Meter, registry: Registry): void {
  const settings: MetricConfiguration<string> = {
    name: exact ? name : `${PREFIX}${name}`,
    help,
    registers: [registry],
    ...(label === undefined ? {} : { labelNames: [label] }),
  };
  const put = (set: (labels: Record<string, string>, value: number) => void) => {
    const values = value();
    if (typeof values === 'number') set({}, values);
    else for (const [text, number] of Object.entries(values)) set({ [label ?? 'kind']: text }, number);
  };
  if (kind === 'gauge') {
    new Gauge({
      ...settings,
      collect() {
        put((labels, number) => this.set(labels, number));
      },
    });
    return;
  }
  new Counter({
    ...settings,
    // The stage counts; this counter only shows the number.
    collect() {
      this.reset();
      put((labels, number) => this.inc(labels, number));
    },
  });
}

/** in = out + losses, whatever the stage. */
function balanceMeters(stage: Stage): Meter[] {
  return [
    { name: 'in_total', help: 'Dgrams that came in', kind: 'counter', value: () => stage.balance().in },
    { name: 'out_total', help: 'Dgrams that went out', kind: 'counter', value: () => stage.balance().out },
    {
      name: 'not_out_total',
      help: 'Dgrams that did not go out, by reason',
      kind: 'counter',
      label: 'reason',
      value: () => stage.balance().losses,
    },
    {
      name: 'info_total',
      help: 'What else happened, by kind',
      kind: 'counter',
      label: 'kind',
      value: () => stage.balance().info ?? {},
    },
    {
      name: 'unaccounted',
      help: 'in - out - every reason; 0 unless something is wrong',
      kind: 'gauge',
      value: () => imbalance(stage.balance()),
    },
  ];
}

const MICROSECONDS = 1e6;

const PROCESS: readonly Meter[] = [
  {
    name: 'cpu_seconds_total',
    help: 'CPU time of the process',
    kind: 'counter',
    value: () => (process.cpuUsage().user + process.cpuUsage().system) / MICROSECONDS,
  },
  { name: 'resident_bytes', help: 'Resident memory', kind: 'gauge', value: () => process.memoryUsage.rss() },
  { name: 'uptime_seconds', help: 'Time since the start', kind: 'gauge', value: () => process.uptime() },
];
