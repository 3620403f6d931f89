/** The events of a socket, one after the other, until it is closed. */

import type { Socket } from 'zeromq';

export function watchPeers(socket: Socket, event: (type: string) => void): void {
  const { events } = socket;
  const loop = async () => {
    for (;;) {
      const { type } = await events.receive();
      if (type === 'end') return;
      event(type);
    }
  };
  loop().catch((error: unknown) => {
    // The observer may notice the end of its socket as an error; any other error would hide a vanished peer.
    if (!socket.closed) throw error;
  });
}
