// Makes images.cbors: 100 images of 8 x 8 pixels as a detector pushes them over ZeroMQ (STINS), one list of byte strings per message.
// node examples/mapreduce/make-images.mjs > images.cbors
import { Encoder } from 'cbor-x';

const IMAGES = Number(process.argv[2] ?? 100);
const cbor = new Encoder({ tagUint8Array: false });
let number = 0;
const message = (fields, ...blobs) => {
  const header = Buffer.from(JSON.stringify({ ...fields, msg_number: number++ }));
  process.stdout.write(cbor.encode([header, ...blobs]));
};

message({ htype: 'header', filename: '' });
for (let frame = 0; frame < IMAGES; frame++) {
  const pixels = Buffer.alloc(128);
  // A bright column that walks over the image; the sum is 8 * (frame + 1).
  for (let row = 0; row < 8; row++) pixels.writeUInt16LE(frame + 1, 2 * (8 * row + (frame % 8)));
  message({ htype: 'image', frame, shape: [8, 8], type: 'uint16', compression: 'none' }, pixels);
}
message({ htype: 'series_end' });
