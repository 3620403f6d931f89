// Says which frame an event had, after a while; -1 if streams differ.
export default class ChaosWorker {
  async processEvent(event) {
    const heads = [...event.streams.values()].map(({ frames }) => JSON.parse(frames[0].toString()));
    await new Promise((done) => setTimeout(done, Number(process.env.CHAOS_MS ?? 5)));
    const [{ htype, frame }] = heads;
    if (heads.some((one) => one.htype !== htype || one.frame !== frame)) return { frame: -1 };
    return htype === 'image' ? { frame } : undefined;
  }
}
