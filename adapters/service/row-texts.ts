/**
 * What a response row keeps of the wire: cut to `rowTextBytesMax`, without secrets (S4).
 */
import { limits } from "../../machines/limits.ts";
import { escapeText } from "./xml.ts";

const mask = "•••";

/** The text up to `bytesMax` bytes of UTF-8, never half a character. */
export function cutText(text: string, bytesMax: number = limits.rowTextBytesMax): string {
  if (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax) return text;
  const bytes = Buffer.from(text, "utf8");
  let end = bytesMax;
  // 10xxxxxx continues a character: step back to where one begins.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}

/** A text for a row or a cause. Secrets go before the cut, or half of one could stay. */
export function rowText(text: string, secrets: readonly string[], bytesMax?: number): string {
  return cutText(masked(text, secrets), bytesMax);
}

export function masked(text: string, secrets: readonly string[]): string {
  let safe = text;
  for (const secret of secrets) {
    if (secret !== "") safe = safe.replaceAll(secret, mask).replaceAll(escapeText(secret), mask);
  }
  return safe;
}
