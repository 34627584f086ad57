import type { Socket } from 'node:net';

const WRITTEN_BYTES = 65_536;

/** Writes a text again and again, for as long as the socket takes it. */
export function flood(socket: Socket, text: string): void {
  const bytes = Buffer.from(text.repeat(Math.ceil(WRITTEN_BYTES / text.length)));
  const more = (): void => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', more);
  more();
}
