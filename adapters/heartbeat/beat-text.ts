/** What a beat says to people: without secrets (S4), then cut to `heartbeatTextBytesMax`. */
import { limits } from "../../machines/limits.ts";
import { rowText } from "../service/row-texts.ts";

/** What of a receiver's address must be shown to nobody: who has its path can beat in our name. */
export function secretsOf(url: URL): string[] {
  const path = url.pathname.replace(/\/+$/, "");
  const plain = [url.username, url.password].flatMap((part) => [part, decodeURIComponent(part)]);
  return [
    url.href,
    path.length > 1 ? path : "",
    ...plain,
    ...path.split("/").filter((one) => one.length >= 8),
  ];
}

/** `user:password@` of any address in it goes as well. */
export function beatText(text: string, secrets: readonly string[]): string {
  const anonymous = text.replaceAll(/(\w+:\/\/)[^\s/@]+@/g, "$1");
  return rowText(anonymous, secrets, limits.heartbeatTextBytesMax);
}
