/** Numbers as they come over the wire: base64 of little-endian. */

export function bytesOf(packed: string): Uint8Array<ArrayBuffer> {
  const text = atob(packed);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** What is no number is a gap. @param offset added to each */
export function numbersOf(packed: string, offset = 0): (number | null)[] {
  return Array.from(new Float32Array(bytesOf(packed).buffer), (value) =>
    Number.isFinite(value) ? value + offset : null,
  );
}
