/** Drawings as files: current, well-formed, readable without seeing them, and without anything from elsewhere. */
import { readdirSync, readFileSync } from "node:fs";
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { describe, expect, test } from "vitest";
import { createMachine } from "xstate";
import { statecharts } from "../../adapters/diagram/statecharts.ts";
import { drawSvg, paintSvg } from "../../adapters/diagram/svg.ts";
import { readChart } from "../../adapters/diagram/chart.ts";
import { layOut } from "../../adapters/diagram/layout.ts";
import { folder, run } from "../cli/command-line.ts";

const drawings = new URL("../../visualizations/diagrams/", import.meta.url);

test("the committed drawings are what the machines say; else run `npm run diagrams`", () => {
  const drawn = readdirSync(drawings).filter((name) => name.endsWith(".svg"));
  expect(drawn.toSorted()).toEqual([...statecharts.keys()].map((name) => `${name}.svg`).toSorted());
  for (const [name, machine] of statecharts)
    expect(readFileSync(new URL(`${name}.svg`, drawings), "utf8")).toBe(drawSvg(machine));
});

test("`diagram --format svg` writes them, and refuses another format", async () => {
  const out = folder();
  const done = await run(["diagram", "--format", "svg", "--out", out, "--json"]);
  expect(done.code).toBe(0);
  const { files } = JSON.parse(done.stdout) as { readonly files: readonly string[] };
  expect(files).toHaveLength(statecharts.size);
  for (const file of files)
    expect(readFileSync(file, "utf8")).toBe(
      readFileSync(new URL(file.slice(out.length + 1), drawings), "utf8"),
    );
  expect((await run(["diagram", "--format", "png", "--out", out])).code).toBe(2);
});

interface Element {
  readonly svg: Readonly<Record<string, unknown>> & {
    readonly title: Readonly<Record<string, unknown>>;
    readonly desc: Readonly<Record<string, unknown>>;
    readonly style: string;
  };
}

function parsed(svg: string): Element {
  return new XMLParser({ ignoreAttributes: false, attributeNamePrefix: "@" }).parse(svg) as Element;
}

describe.each([...statecharts])("%s", (name, machine) => {
  const svg = drawSvg(machine);

  test("is well-formed, and says aloud what it shows", () => {
    expect(XMLValidator.validate(svg)).toBe(true);
    const { svg: root } = parsed(svg);
    expect(root).toMatchObject({ "@role": "img", "@xmlns": "http://www.w3.org/2000/svg" });
    expect(root["@aria-labelledby"]).toBe(`${String(root.title["@id"])} ${String(root.desc["@id"])}`);
    expect(root.title["#text"]).toBe(`Statechart of ${machine.id}`);
    for (const state of Object.keys(machine.root.states)) expect(root.desc["#text"]).toContain(state);
    expect(name).not.toBe("");
  });

  test("fetches nothing, runs nothing, and follows light and dark", () => {
    expect(svg).not.toMatch(/<script|<image|<use|<foreignObject|@import|@font-face|url\(|href|\son\w+=/);
    expect(parsed(svg).svg.style).toContain("@media (prefers-color-scheme:dark)");
  });

  test("every state can be found by its `data-state`", () => {
    for (const state of Object.keys(machine.root.states)) expect(svg).toContain(`data-state="${state}"`);
  });
});

test("ids differ between drawings: several stand in one page", () => {
  const ids = [...statecharts.values()].flatMap((machine) =>
    [...drawSvg(machine).matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id),
  );
  expect(new Set(ids).size).toBe(ids.length);
});

test("names with what XML gives a meaning to, or cannot hold, stay names", () => {
  const machine = createMachine({
    id: "odd",
    initial: "a<b>&\"c'",
    states: { "a<b>&\"c'": { on: { "x<y & z\u0000": "end]]>" } }, "end]]>": {} },
  });
  const svg = drawSvg(machine);
  expect(XMLValidator.validate(svg)).toBe(true);
  expect(svg).not.toContain("\u0000");
  expect(svg).toContain("a&lt;b&gt;&amp;&quot;c'");
  expect(svg).toContain("x&lt;y\u00a0&amp;\u00a0z\ufffd");
});

test("a drawing that came over a wire is painted the same", () => {
  for (const machine of statecharts.values()) {
    const drawing = layOut(readChart(machine));
    const again = JSON.parse(JSON.stringify(drawing)) as typeof drawing;
    expect(paintSvg(again, "as told")).toBe(paintSvg(drawing, "as told"));
  }
});
