import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeMultiple } from 'cbor-x';
import t from 'tap';
import { decodeBslz4 } from '../../lib/mapreduce/frames/bslz4.ts';
import { BadBlock } from '../../lib/mapreduce/frames/lz4.ts';
import { needsShared, SHARED } from '../golden.ts';
import { Random } from '../random.ts';

/** Bit-shuffled LZ4 (spec mapreduce.md 7) against frames with known answers. */
const FOLDER = join(SHARED, 'data/mapreduce/stins');
const SIZES: Readonly<Record<string, number>> = {
  uint8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
  float64: 8,
};

interface Image {
  readonly shape: readonly number[];
  readonly type: string;
  readonly compression: string;
  readonly raw_md5: string;
}

function images(): { image: Image; blob: Buffer; elements: number; size: number }[] {
  const { images: all } = JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8')) as { images: Image[] };
  return all.flatMap((image, i) => {
    if (image.compression !== 'bslz4') return [];
    const blob = readFileSync(join(FOLDER, `0${i + 1}-image${i}.part1`));
    const elements = image.shape.reduce((product, length) => product * length, 1);
    return [{ image, blob, elements, size: SIZES[image.type]! }];
  });
}

function isRefused(decode: () => unknown): boolean {
  try {
    decode();
    return false;
  } catch (error) {
    return error instanceof BadBlock;
  }
}

t.test('every compressed image decodes to its bytes', needsShared('data', 'mapreduce', 'stins'), async (t) => {
  for (const { image, blob, elements, size } of images()) {
    const raw = decodeBslz4(blob, elements, size);
    t.equal(createHash('md5').update(raw).digest('hex'), image.raw_md5, `${image.type} ${image.shape.join('x')}`);
  }
});

t.test('every broken image is refused', needsShared('data', 'mapreduce', 'stins'), async (t) => {
  const names = (JSON.parse(readFileSync(join(FOLDER, 'broken.json'), 'utf8')) as { all_must_be_refused: string[] })
    .all_must_be_refused;
  const messages = decodeMultiple(readFileSync(join(FOLDER, 'broken.cbors'))) as [Buffer, Buffer][];
  t.equal(messages.length, names.length);
  for (const [i, [header, blob]] of messages.entries()) {
    const { shape, type } = JSON.parse(Buffer.from(header).toString()) as { shape: number[]; type: string };
    const elements = shape.reduce((product, length) => product * length, 1);
    t.ok(
      isRefused(() => decodeBslz4(blob, elements, SIZES[type]!)),
      names[i] ?? String(i),
    );
  }
});

t.test('mutants are refused or decoded, and never do harm', needsShared('data', 'mapreduce', 'stins'), async (t) => {
  const random = new Random(4);
  let refused = 0;
  for (const { blob, elements, size } of images()) {
    for (let n = 0; n < 300; n++) {
      const mutant = Buffer.from(blob.subarray(0, random.chance(0.2) ? random.below(blob.length) : blob.length));
      for (let k = 1 + random.below(4); k > 0 && mutant.length > 0; k--)
        mutant[random.below(mutant.length)] = random.below(256);
      try {
        const raw = decodeBslz4(mutant, elements, size);
        if (raw.length !== elements * size) t.fail(`${raw.length} bytes came out`);
      } catch (error) {
        if (!(error instanceof BadBlock)) throw error;
        refused++;
      }
    }
  }
  t.ok(refused > 100, `${refused} mutants were refused`);
});
