// What the soak's app answers and what its clients expect: one declaration for both.

export const HELLO = "hello\n";
export const LATER = "later\n";
export const ERROR_MESSAGE = "thrown by the soak on purpose";

const PAGE_BYTES = 10 * 1024;
const ECHO_BYTES = 16 * 1024;
export const STREAM_PIECES = 16;
export const STREAM_PIECE_BYTES = 4 * 1024;

/** Made anew for every request, as a template would: some hundreds of short-lived objects. */
export function page(): string {
  const rows = Array.from({ length: 256 }, (_, index) => ({ index, name: `row ${index}` }));
  const text = rows.map(({ index, name }) => `<tr><td>${index}</td><td>${name}</td></tr>`).join("\n");
  return text.padEnd(PAGE_BYTES, ".").slice(0, PAGE_BYTES);
}

/** Piece `index` of a streamed reply: no two are the same, so that a lost or doubled one is seen. */
export function streamPiece(index: number): Uint8Array {
  return Uint8Array.from({ length: STREAM_PIECE_BYTES }, (_, at) => (index * 31 + at) & 0xff);
}

export function streamed(): Buffer {
  return Buffer.concat(Array.from({ length: STREAM_PIECES }, (_, index) => streamPiece(index)));
}

/** A request body of its own for every `number`. */
export function echoBody(number: number): Buffer {
  return Buffer.alloc(ECHO_BYTES, `body ${number}, `);
}
