// The same in JavaScript: map-ingest --kind script --upstream positions-source.mjs --stream stage --stream thermometer
const POSITIONS = 20;
const frame = (value) => ({ typ: 'JSON', frames: [Buffer.from(JSON.stringify(value))] });

export default class Positions {
  #reads = 0;

  async *runSource(stream) {
    if (stream === 'thermometer') {
      yield { softwareTriggered: true };
      return;
    }
    yield frame('start');
    for (let number = 0; number < POSITIONS; number++) yield frame(number * 2);
    yield frame('end');
  }

  *softwareTrigger() {
    for (;;) yield { thermometer: frame(++this.#reads) };
  }
}
