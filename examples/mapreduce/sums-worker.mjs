// Sum of every image: map-work --js sums-worker.mjs
export default class Sums {
  static describeParameters() {
    return [{ name: 'threshold', description: 'smaller pixels count as 0', dtype: 'int', default: 0 }];
  }

  processEvent(event, parameters) {
    const [header, blob] = event.streams.get('det').frames;
    const { htype, type } = JSON.parse(header.toString());
    if (htype !== 'image') return undefined;
    if (type !== 'uint16') throw new Error(`images of ${type}`);
    let sum = 0;
    for (let at = 0; at < blob.length; at += 2) {
      const pixel = blob.readUInt16LE(at);
      if (pixel >= parameters.threshold.value) sum += pixel;
    }
    return { sum };
  }
}
