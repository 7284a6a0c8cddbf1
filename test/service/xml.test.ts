import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { limits } from "../../machines/limits.ts";
import { readXml, writeXml } from "../../adapters/service/xml.ts";

const bytesMax = 10_000;
const nested = (levels: number) => "<a>".repeat(levels) + "</a>".repeat(levels);

describe("S3: size and depth end at their limits", () => {
  test("depth: the limit is read, one more is TOO_DEEP, also with an empty-element tag", () => {
    expect(readXml(nested(limits.xmlDepthMax), bytesMax).ok).toBe(true);
    for (const text of [
      nested(limits.xmlDepthMax + 1),
      nested(limits.xmlDepthMax + 20),
      nested(limits.xmlDepthMax).replace("></a>", "><b/></a>"),
    ]) {
      expect(readXml(text, bytesMax)).toMatchObject({ ok: false, failure: { code: "TOO_DEEP" } });
    }
  });

  test("a bomb of depth does not exhaust the stack", () => {
    expect(readXml(nested(50_000), 1_000_000)).toMatchObject({ ok: false });
  });

  test("thousands of prefixes over thousands of elements that declare one cost no more than they are long", () => {
    const many = Array.from({ length: 10_000 }, (_, n) => `xmlns:p${n}="urn:${n}"`).join(" ");
    const text = `<a ${many}>${'<b xmlns="urn:b"/>'.repeat(10_000)}<p7:c/></a>`;
    const before = performance.now();
    const read = readXml(text, text.length);
    expect(performance.now() - before).toBeLessThan(2_000);
    expect(read.ok && read.value.children.at(-1)).toMatchObject({ name: "c", namespace: "urn:7" });
  });

  test("size counts bytes, not characters", () => {
    const text = `<a>${"€".repeat(10)}</a>`;
    expect(readXml(text, 37).ok).toBe(true);
    expect(readXml(text, 36)).toMatchObject({ ok: false, failure: { code: "TOO_LARGE" } });
  });
});

describe("S8: no DTD, no entities", () => {
  test.each([
    ["a DOCTYPE", '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'],
    ["a DOCTYPE with an entity", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ["a DOCTYPE in lower case", "<!doctype html><a/>"],
    ["a DOCTYPE behind a comment", "<!-- x --><!DOCTYPE a><a/>"],
    ["a DOCTYPE inside", "<a><!DOCTYPE a></a>"],
    ["an entity nobody declared", "<a>&lol;</a>"],
    ["an entity of HTML", "<a>&nbsp;</a>"],
    ["an ampersand alone", "<a>b & c</a>"],
    ["a reference to no character", "<a>&#0;</a>"],
    ["a reference to a surrogate", "<a>&#xD800;</a>"],
    ["a reference beyond Unicode", "<a>&#x110000;</a>"],
  ])("%s is refused", (_title, text) => {
    expect(readXml(text, bytesMax)).toMatchObject({ ok: false, failure: { code: "INVALID" } });
  });

  test("the five of XML and character references are read; in CDATA they are text", () => {
    const read = readXml(
      "<a>&amp;&lt;&gt;&quot;&apos;&#65;&#x1F525;<![CDATA[&amp;<!DOCTYPE>]]></a>",
      bytesMax,
    );
    expect(read).toMatchObject({ ok: true, value: { text: `&<>"'A\u{1F525}&amp;<!DOCTYPE>` } });
  });
});

describe("what is not well-formed is refused", () => {
  test.each([
    ["nothing", ""],
    ["text", "hello"],
    ["an open end", "<a><b>x"],
    ["crossed tags", "<a><b></a></b>"],
    ["a closing tag alone", "</a>"],
    ["two roots", "<a/><b/>"],
    ["text after the root", "<a/>x"],
    ["an undeclared prefix", "<x:a/>"],
    ["two colons", '<x:y:a xmlns:x="urn:x"/>'],
    ["a control character", "<a>\u0001</a>"],
    ["an open comment", "<a><!-- </a>"],
    ["an open CDATA section", "<a><![CDATA[ </a>"],
  ])("%s", (_title, text) => {
    expect(readXml(text, bytesMax)).toMatchObject({ ok: false });
  });
});

test("S7: names from outside change no prototype and hide no element", () => {
  for (const name of ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"]) {
    const read = readXml(
      `<a><${name} xmlns="urn:x"><polluted>yes</polluted></${name}><b>1</b></a>`,
      bytesMax,
    );
    if (read.ok) expect(read.value.children.at(-1)?.text).toBe("1");
    expect("polluted" in {}).toBe(false);
  }
  readXml('<a __proto__="x" constructor="y" xmlns:__proto__="urn:z"/>', bytesMax);
  expect(Object.prototype).not.toHaveProperty("polluted");
});

test("namespaces count, prefixes do not; an inner declaration ends with its element", () => {
  const read = readXml(
    '<p:a xmlns:p="urn:1"><b xmlns="urn:2"><p:c xmlns:p="urn:3"/></b><p:d/><e/></p:a>',
    bytesMax,
  );
  if (!read.ok) throw new Error(read.failure.detail);
  const [b, d, e] = read.value.children;
  expect([read.value, b, b?.children[0], d, e].map((x) => `${x?.namespace} ${x?.name}`)).toEqual([
    "urn:1 a",
    "urn:2 b",
    "urn:3 c",
    "urn:1 d",
    " e",
  ]);
});

test("any text goes out and comes back: escaped, in order, what XML cannot carry replaced", () => {
  const legal = fc
    .string({ unit: "binary", maxLength: 50 })
    .filter((text) => writeXml({ a: text }).includes("\uFFFD") === text.includes("\uFFFD"));
  fc.assert(
    fc.property(fc.array(legal, { minLength: 1, maxLength: 5 }), (texts) => {
      const read = readXml(writeXml({ root: { item: texts } }), 100_000);
      expect(read.ok && read.value.children.map((child) => child.text)).toEqual(texts);
    }),
  );
  const odd = readXml(writeXml({ root: "a\u0000b\uD800c" }), bytesMax);
  expect(odd).toMatchObject({ ok: true, value: { text: "a\uFFFDb\uFFFDc" } });
});
