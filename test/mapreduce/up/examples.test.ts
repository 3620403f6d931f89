/** The examples that no test can run here: what they say must at least be what our commands understand. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Parser } from '@oclif/core';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import type { DaqCommand } from '../../../lib/cli/command.ts';
import { controlMeters } from '../../../lib/mapreduce/control/meters.ts';
import { isName } from '../../../lib/mapreduce/redis/keys.ts';
import { executable, PROJECT } from '../../executable.ts';

const FOLDER = join(PROJECT, 'examples/mapreduce');
const COMMANDS = ['map-control', 'map-ingest', 'map-work', 'map-reduce'];

/** Parses a command line as the command does. @throws what the parser finds */
async function dryParse([name, ...words]: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const { default: command } = (await import(`../../../commands/${name}.ts`)) as { default: typeof DaqCommand };
  for (const arg of Object.values(command.args)) arg.ignoreStdin = true;
  const flags = { ...command.baseFlags, ...command.flags };
  return (await Parser.parse([...words], { flags, args: command.args, strict: command.strict })).flags;
}

interface Container {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: readonly {
    name: string;
    value?: string;
    valueFrom?: { secretKeyRef?: { name: string; key: string } };
  }[];
  readonly ports?: readonly { containerPort: number }[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly selector: Readonly<Record<string, string>> & { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly ports: readonly { port: number; targetPort: number }[];
    readonly template?: {
      metadata: { labels: Readonly<Record<string, string>> };
      spec: { containers: readonly Container[] };
    };
    readonly scaleTargetRef?: { readonly name: string };
    readonly triggers?: readonly { readonly metadata: { readonly query: string } }[];
  };
}

const documents = parseAllDocuments(readFileSync(join(FOLDER, 'kubernetes.yaml'), 'utf8'));
const manifests = documents.map((document) => document.toJS() as Manifest);
const of = (kind: string) => manifests.filter((one) => one.kind === kind);
const pods = manifests.flatMap(({ kind, metadata, spec }) =>
  spec?.template ? [{ kind, name: metadata.name, ...spec.template }] : [],
);
const containers = pods.flatMap(({ spec }) => spec.containers);

t.test('Kubernetes: the manifest is YAML, and our commands accept their command lines', async (t) => {
  t.same(
    documents.flatMap(({ errors }) => errors),
    [],
  );
  const ours = containers.filter(({ command }) => command[0]!.startsWith('map-'));
  t.same(ours.map(({ command }) => command[0]).sort(), [...COMMANDS].sort());
  for (const { name, command, env = [] } of ours) {
    const words = command.map((word) =>
      word.replace(/\$\((\w+)\)/g, (text, variable) => (env.some((one) => one.name === variable) ? 'value' : text)),
    );
    await t.resolves(dryParse(words), command.join(' '));
    const listens = command.some((word) => word.includes('0.0.0.0'));
    t.equal(
      words[words.indexOf('--advertise') + 1] === 'value',
      listens,
      `${name}: others are told the address of the pod`,
    );
  }
  await t.rejects(dryParse(['map-work', '--no-such-flag']), 'a flag that does not exist is found');
  t.same((await dryParse(['map-control', '--transport', 'redis'])).transport, 'redis');
});

t.test('Kubernetes: services, ports, secrets and names agree', (t) => {
  for (const { metadata, spec } of of('Service')) {
    const [app] = Object.values(spec.selector);
    const pod = pods.find(({ metadata: { labels } }) => labels.app === app);
    const open =
      pod?.spec.containers.flatMap(({ ports = [] }) => ports.map(({ containerPort }) => containerPort)) ?? [];
    for (const { targetPort } of spec.ports) t.ok(open.includes(targetPort), `${metadata.name} ${targetPort}`);
  }
  const addresses = new Set(
    of('Service').flatMap(({ metadata, spec }) => spec.ports.map(({ port }) => `${metadata.name}:${port}`)),
  );
  for (const { name, env = [] } of containers) {
    for (const { name: variable, value = '', valueFrom } of env) {
      const at = /(?:@|tcp:\/\/)([\w-]+:\d+)/.exec(value)?.[1];
      if (at !== undefined) t.ok(addresses.has(at), `${name} ${variable}: ${at}`);
      if (variable === 'INGESTER_NAME') t.ok(isName(value));
      const key = valueFrom?.secretKeyRef;
      if (key)
        t.ok(of('Secret').find((one) => one.metadata.name === key.name)?.stringData?.[key.key], `${name}: secret`);
    }
    const bound =
      containers
        .find((one) => one.name === name)!
        .command.join(' ')
        .match(/0\.0\.0\.0:(\d+)/g) ?? [];
    const open = containers
      .find((one) => one.name === name)!
      .ports?.map(({ containerPort }) => `0.0.0.0:${containerPort}`);
    for (const port of bound) t.ok(open?.includes(port), `${name} opens ${port}`);
  }
  for (const { name, spec, kind } of pods) {
    const selector = manifests.find((one) => one.kind === kind && one.metadata.name === name)?.spec.selector
      .matchLabels;
    t.match(pods.find((one) => one.name === name)!.metadata.labels, selector!);
    t.ok(spec.containers.length === 1);
  }
  t.end();
});

t.test('Kubernetes: workers are scaled on a number that the controller exports', (t) => {
  const [scaled] = of('ScaledObject');
  t.ok(pods.some(({ name }) => name === scaled?.spec.scaleTargetRef?.name));
  const query = scaled?.spec.triggers?.[0]?.metadata.query ?? '';
  const exported = controlMeters({ run: undefined } as Parameters<typeof controlMeters>[0]).map(
    ({ name }) => `daqpipe_${name}`,
  );
  t.ok(exported.includes(/daqpipe_\w+/.exec(query)?.[0] ?? ''), query);
  t.end();
});

t.test('Slurm: bash accepts the script, our commands their command lines', async (t) => {
  const script = join(FOLDER, 'slurm.sh');
  execFileSync('bash', ['-n', script]);
  const lines = readFileSync(script, 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('#') && /\bmap-\w+ /.test(line));
  const found = lines.map((line) => /\b(map-(?:control|ingest|work|reduce)\b[^;&]*)/.exec(line)?.[1] ?? '');
  t.equal(found.length, 6);
  for (const line of found) {
    const words = execFileSync('bash', ['-c', `port=1 host=h folder=f upstream=u map=m url=u; printf '%s\\n' ${line}`]);
    await t.resolves(dryParse(words.toString().trim().split('\n')), line);
  }
});

t.test('the images of the example are what their maker makes', (t) => {
  const made = execFileSync('node', [join(FOLDER, 'make-images.mjs')]);
  t.ok(made.equals(readFileSync(join(FOLDER, 'images.cbors'))));
  t.ok(executable('map-up'));
  t.end();
});
