/**
 * Configuration documents to bytes and back, against JSON.parse and JSON.stringify of the same text, which do less (they lose large
 * integers and know no types). Run: npm run bench json2xtc
 */

import { configureDgram } from '../lib/config-json/configure.ts';
import { convertText } from '../lib/config-json/convert.ts';
import { writeDocument } from '../lib/config-json/document/document-text.ts';
import { type ExportedDocument, exportBlock } from '../lib/config-json/document/export.ts';
import { Dgram } from '../lib/xtc/dgram.ts';
import { Walker } from '../lib/xtc/walk.ts';
import { compare } from './harness.ts';

const HEADER =
  '"detType:RO":"ty","detName:RO":"det_0","detId:RO":"id","doc:RO":"","alg:RO":{"alg:RO":"config","version:RO":[1,0,0]}';
const OPTIONS = { nodeId: 1, firstNamesId: 0, half: 'both', service: 2, sec: 0, nsec: 0 } as const;

interface Subject {
  name: string;
  text: string;
  goal: number;
  backGoal: number;
}

function arrayDocument(type: string, count: number, element: (i: number) => string): string {
  const elements = Array.from({ length: count }, (_, i) => element(i));
  return `{${HEADER},"a":[${elements.join(', ')}],":types:":{"a":["${type}",${count}]}}`;
}

function keysDocument(count: number): string {
  const members: string[] = [];
  const types: string[] = [];
  for (let i = 0; i < count; i++) {
    members.push(`"block_${i}x":{"enable":${i & 1},"delay":${i}.5,"mode":"text ${i}"}`);
    types.push(`"block_${i}x":{"enable":"UINT8","delay":"DOUBLE","mode":"CHARSTR"}`);
  }
  return `{${HEADER},${members.join(',')},":types:":{${types.join(',')}}}`;
}

const subjects: Subject[] = [
  {
    name: 'pixel gains, 1e6 UINT16',
    text: arrayDocument('UINT16', 1_000_000, (i) => String((i * 7919) % 16384)),
    goal: 1.5,
    backGoal: 8,
  },
  {
    name: 'pedestals, 3e5 FLOAT of 6 digits',
    text: arrayDocument('FLOAT', 300_000, (i) => (((i * 7919) % 999983) / 1000 + 0.5).toPrecision(6)),
    goal: 1.5,
    backGoal: 8,
  },
  {
    name: 'calibration, 2e5 DOUBLE of 17 digits',
    text: arrayDocument('DOUBLE', 200_000, (i) => String(Math.sqrt(i + 2))),
    goal: 4,
    backGoal: 8,
  },
  { name: 'registers, 30000 fields', text: keysDocument(10_000), goal: 20, backGoal: 30 },
];

for (const { name, text, goal, backGoal } of subjects) {
  const bytes = Buffer.from(text);
  const dgram = convert(bytes);
  const parsed: unknown = JSON.parse(text);
  await compare({
    name: `json2xtc ${name}`,
    reference: { name: 'JSON.parse', run: () => void JSON.parse(bytes.toString()) },
    candidate: { name: 'convert', run: () => void convert(bytes) },
    goal,
  });
  await compare({
    name: `xtc2json ${name}`,
    reference: { name: 'JSON.stringify', run: () => void JSON.stringify(parsed) },
    candidate: { name: 'export', run: () => void exportText(dgram) },
    goal: backGoal,
  });
}

function convert(bytes: Buffer): Buffer {
  const { configs, problems } = convertText(bytes);
  if (problems.errors > 0) throw new Error(problems.list[0]!.message);
  return configureDgram(configs, OPTIONS);
}

function exportText(dgram: Buffer): number {
  const documents: ExportedDocument[] = [];
  new Walker().walk(new Dgram(dgram), { data: (block) => void documents.push(exportBlock(block)) });
  let size = 0;
  for (const document of documents) {
    writeDocument(document, { pretty: false }, (piece) => {
      size += piece.length;
    });
  }
  return size;
}
