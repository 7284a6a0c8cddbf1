/** A viewer in a process of its own, through the official receiver. Its parent tells it the URL, and later asks how many frames came. */
import { createWebSocketReceiver } from "@statelyai/inspect";

let frames = 0;
process.once("message", (server: string) => {
  createWebSocketReceiver({ server }).subscribe(() => {
    frames += 1;
    if (frames === 1) process.send?.("attached");
  });
  process.once("message", () => process.send?.(frames, () => process.disconnect()));
});
process.send?.("ready");
