/**
 * UTF-8 or windows-1252: what is not valid UTF-8 is windows-1252, in which every byte means something; unless most of it
 * is UTF-8, and one bad byte would turn every accent of the file into two other characters.
 */
import { isUtf8 } from "node:buffer";

export type Encoding = "utf-8" | "windows-1252";

/** 0x80–0x9F of windows-1252; its five gaps stay what they are. The rest is Latin-1. */
const upper = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008DŽ\u008F\u0090‘’“”•–—˜™š›œ\u009DžŸ";

export function decode(bytes: Uint8Array, encoding: Encoding): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (encoding === "utf-8") return buffer.toString("utf8");
  return buffer
    .toString("latin1")
    .replaceAll(/[\u0080-\u009f]/g, (char) => upper[char.charCodeAt(0) - 0x80] ?? char);
}

export interface Utf8Check {
  /** False from the first chunk on that cannot be UTF-8. */
  add(chunk: Uint8Array): boolean;
  /** False where the last character is cut off. */
  end(): boolean;
}

/** Checks chunk by chunk; a character may lie across two. */
export function createUtf8Check(): Utf8Check {
  let rest: Uint8Array = new Uint8Array(0);
  let valid = true;
  return {
    add(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const whole = wholeCharacters(bytes);
      valid &&= isUtf8(bytes.subarray(0, whole));
      rest = Buffer.from(bytes.subarray(whole));
      return valid;
    },
    end: () => valid && rest.length === 0,
  };
}

/** By the first of them, which is no ASCII. */
function characterBytes(first: number): number {
  if (first < 0xc0) return 1;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** How many bytes there are without a character that is cut off at the end. */
function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const needed = characterBytes(byte);
    return needed > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

export interface DamageSearch {
  add(chunk: Uint8Array): void;
  /** Line of the first byte that is no UTF-8, where most of what is no ASCII is; null: it was never meant to be UTF-8. */
  end(): number | null;
}

/** For text that was found not to be UTF-8. */
export function createDamageSearch(): DamageSearch {
  let rest: Uint8Array = new Uint8Array(0);
  let line = 1;
  let firstLine = 0;
  let whole = 0;
  let broken = 0;
  function search(bytes: Uint8Array, end: number): void {
    for (let at = 0; at < end; at += 1) {
      const byte = bytes[at] ?? 0;
      if (byte === 0x0a) line += 1;
      if (byte < 0x80) continue;
      const length = characterBytes(byte);
      if (length > 1 && isUtf8(bytes.subarray(at, at + length))) {
        whole += 1;
        at += length - 1;
      } else {
        if (broken === 0) firstLine = line;
        broken += 1;
      }
    }
  }
  return {
    add(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const end = wholeCharacters(bytes);
      search(bytes, end);
      rest = Buffer.from(bytes.subarray(end));
    },
    end() {
      search(rest, rest.length);
      return whole > broken ? firstLine : null;
    },
  };
}
