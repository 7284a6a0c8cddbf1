/** What a beat says to people: without secrets (S4), then cut to `heartbeatTextBytesMax`. */
import { limits } from "../../machines/limits.ts";
import { rowText } from "../service/row-texts.ts";

/** What of a receiver's address must be shown to nobody: who has its path can beat in our name. */
export function secretsOf(url: URL): string[] {
  const path = url.pathname.replace(/\/+$/, "");
  const plain = [url.username, url.password].flatMap((part) => [part, decodedPart(part)]);
  return [
    url.href,
    path.length > 1 ? path : "",
    ...plain,
    ...path.split("/").filter((one) => one.length >= 8),
  ];
}

/** Of a user or password in an address: as it is meant; as it stands where a % in it encodes nothing. */
export function decodedPart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** `user:password@` of any address in it goes as well. */
export function beatText(text: string, secrets: readonly string[]): string {
  const anonymous = text.replaceAll(/(\w+:\/\/)[^\s/@]+@/g, "$1");
  return rowText(anonymous, secrets, limits.heartbeatTextBytesMax);
}
