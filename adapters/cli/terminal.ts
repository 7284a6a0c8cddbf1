/** A whole screen of the terminal, with its keys: borrowed at the start, given back as it was at the end. */
import type { ReadStream, WriteStream } from "node:tty";
import type { ScreenLine, Size } from "./top-screen.ts";

export interface Terminal {
  readonly size: Size;
  /** Writes what differs from what stands there. */
  draw(lines: readonly ScreenLine[]): void;
  close(): void;
}

export interface TerminalOptions {
  readonly input: ReadStream;
  readonly output: WriteStream;
  readonly isColoured: boolean;
  readonly onKey: (key: string) => void;
  /** Everything is to be drawn again. */
  readonly onResize: () => void;
}

const otherScreen = "\u001b[?1049h\u001b[?25l\u001b[2J";
const ownScreen = "\u001b[?25h\u001b[?1049l";
const marks = {
  plain: ["", ""],
  heading: ["\u001b[1m", "\u001b[22m"],
  alarm: ["\u001b[31m", "\u001b[39m"],
} as const;

export function openTerminal({ input, output, isColoured, onKey, onResize }: TerminalOptions): Terminal {
  let drawn: readonly string[] = [];
  const heard = (data: Buffer): void => {
    for (const key of data.toString("utf8")) onKey(key);
  };
  const resized = (): void => {
    drawn = [];
    output.write("\u001b[2J");
    onResize();
  };
  output.write(otherScreen);
  output.on("resize", resized);
  input.setRawMode(true);
  input.on("data", heard);
  input.resume();

  const painted = ({ text, level }: ScreenLine): string => {
    const [before, after] = isColoured || level === "heading" ? marks[level] : marks.plain;
    return `${before}${text}${after}`;
  };

  return {
    get size() {
      // A terminal that does not say is taken for the oldest one.
      return { columns: output.columns || 80, rows: output.rows || 24 };
    },
    draw(lines) {
      const next = lines.map(painted);
      let text = "";
      for (let row = 0; row < Math.max(next.length, drawn.length); row += 1)
        if (next[row] !== drawn[row]) text += `\u001b[${row + 1};1H${next[row] ?? ""}\u001b[K`;
      drawn = next;
      if (text !== "") output.write(text);
    },
    close() {
      input.off("data", heard);
      output.off("resize", resized);
      input.setRawMode(false);
      input.pause();
      output.write(ownScreen);
    },
  };
}
