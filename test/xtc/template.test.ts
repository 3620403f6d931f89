import t from 'tap';
import { namesBlockOf } from '../../lib/xtc/describe.ts';
import { DGRAM } from '../../lib/xtc/layout.ts';
import { TemplateBuilder } from '../../lib/xtc/template.ts';
import { DgramWriter } from '../../lib/xtc/writer.ts';

const names = namesBlockOf({
  nodeId: 3,
  namesId: 4,
  detType: 'x',
  detName: 'det',
  segment: 1,
  alg: 'raw',
  version: [1, 0, 0],
  fields: [
    { name: 'a', type: 'UINT16' },
    { name: 'image', type: 'UINT16', rank: 2 },
    { name: 'b', type: 'DOUBLE' },
    { name: 'flags', type: 'UINT8', rank: 1 },
  ],
});
const shapes = [undefined, [2, 3], undefined, [5]];
const values = {
  a: 7,
  image: { shape: [2, 3], data: new Uint16Array([1, 2, 3, 4, 5, 6]) },
  b: -1.5,
  flags: new Uint8Array([9, 8, 7, 6, 5]),
};

function written(nested: boolean): Buffer {
  const writer = new DgramWriter();
  writer.begin({ sec: 0, nsec: 0, env: 0, src: 3 });
  for (let part = 0; part < 2; part++) {
    if (nested) writer.beginParent(part);
    writer.data(names, values);
    if (nested) writer.endParent();
  }
  return Buffer.from(writer.finish());
}

function patch(bytes: Buffer, fields: readonly number[]): void {
  bytes.writeUInt16LE(7, fields[0]);
  Buffer.from(values.image.data.buffer).copy(bytes, fields[1]);
  bytes.writeDoubleLE(-1.5, fields[2]);
  Buffer.from(values.flags).copy(bytes, fields[3]);
}

for (const nested of [false, true]) {
  t.test(`a patched template is what DgramWriter writes${nested ? ', nested Parents too' : ''} (xtc2.md 20)`, (t) => {
    const builder = new TemplateBuilder();
    // Twice, because a builder is used again and must not remember.
    for (let turn = 0; turn < 2; turn++) {
      builder.begin(3);
      const places = [0, 1].map((part) => {
        const parent = nested ? builder.beginParent(part) : -1;
        const place = builder.block(names, shapes);
        if (nested) builder.endParent();
        return { parent, ...place };
      });
      const { bytes, size, holes } = builder.finish();
      for (const { fields } of places) patch(bytes, fields);
      t.same(bytes, written(nested));
      t.equal(size, bytes.length);
      t.equal(bytes.readUInt32LE(DGRAM.extent), size - 12);
      t.strictSame(holes, []);
    }
    t.end();
  });
}

t.test('holes count in every extent and are put in where the field is', (t) => {
  const builder = new TemplateBuilder();
  builder.begin(3);
  const places = [0, 1].map(() => builder.block(names, shapes, (field) => field === 1));
  const { bytes, size, holes } = builder.finish();
  t.strictSame(
    holes,
    places.map(({ fields }) => ({ at: fields[1]!, size: 12 })),
  );
  t.equal(size, bytes.length + 24);
  const image = Buffer.from(values.image.data.buffer);
  for (const { fields } of places) {
    bytes.writeUInt16LE(7, fields[0]);
    bytes.writeDoubleLE(-1.5, fields[2]);
    Buffer.from(values.flags).copy(bytes, fields[3]);
  }
  const [first, second] = holes;
  const whole = [
    bytes.subarray(0, first!.at),
    image,
    bytes.subarray(first!.at, second!.at),
    image,
    bytes.subarray(second!.at),
  ];
  t.same(Buffer.concat(whole), written(false));
  t.end();
});

t.test('shapes must fit the ranks, and extents must be able to say the size', (t) => {
  const builder = new TemplateBuilder();
  builder.begin();
  t.throws(() => builder.block(names, [undefined, [6], undefined, [5]]), {
    code: 'bad-value',
    place: { key: 'image' },
  });
  builder.begin();
  t.throws(() => builder.block(names, [[1], [2, 3], undefined, [5]]), { code: 'bad-value', place: { key: 'a' } });
  builder.begin();
  t.throws(() => builder.block(names, [undefined, [65536, 65536], undefined, [5]], (field) => field === 1), {
    code: 'dgram-overflow',
  });
  t.end();
});
