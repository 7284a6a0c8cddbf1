/**
 * XML in and out, as little of it as SOAP needs.
 *   S3 size and depth are bounded.  S7 parsed names never become properties of ours.
 *   S8 no DTD, no entities but the five of XML and character references.
 * The parser is lenient (it takes unclosed and crossed tags, which is what a truncated answer looks
 * like), so its validator runs first and what neither checks is checked here.
 */
import { XMLBuilder, XMLParser, XMLValidator } from "fast-xml-parser";
import { limits } from "../../machines/limits.ts";
import { fail, ok, type Result } from "../../machines/failure.ts";

export interface XmlElement {
  /** Namespace name, whatever the prefix was; "" = none. */
  readonly namespace: string;
  readonly name: string;
  /** Text directly inside, entities resolved. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/** What `writeXml` takes: a key is an element name, or an attribute where it begins with `@`. */
export interface XmlTree {
  readonly [name: string]: XmlContent | readonly XmlContent[] | undefined;
}
type XmlContent = string | XmlTree;

const textKey = "#text";
const cdataKey = "#cdata";
const attributesKey = ":@";

const parser = new XMLParser({
  preserveOrder: true,
  textNodeName: textKey,
  cdataPropName: cdataKey,
  // Of attributes only namespace declarations count.
  ignoreAttributes: (name) => !name.startsWith("xmlns"),
  attributeNamePrefix: "",
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: limits.xmlDepthMax,
});

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  // Escaped below: the builder knows neither control characters nor carriage returns.
  processEntities: false,
  tagValueProcessor: (_name, value) => escapeText(String(value)),
  attributeValueProcessor: (_name, value) => escapeText(String(value)),
});

class Refused extends Error {
  readonly code: "INVALID" | "TOO_DEEP";
  constructor(code: "INVALID" | "TOO_DEEP", message: string) {
    super(message);
    this.code = code;
  }
}

/** Document text of one root element, with the XML declaration. */
export function writeXml(tree: XmlTree): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${builder.build(tree)}`;
}

/** The root element. Failure codes: TOO_LARGE, TOO_DEEP, INVALID. Never throws. */
export function readXml(text: string, bytesMax: number): Result<XmlElement> {
  // A character is at most 3 bytes of UTF-8, so most texts need no counting.
  if (text.length * 3 > bytesMax && Buffer.byteLength(text) > bytesMax) {
    return fail("TOO_LARGE", `the document is larger than ${bytesMax} bytes`);
  }
  try {
    refuseIllegal(text);
    refuseDeclarations(text);
    const valid = XMLValidator.validate(text);
    if (valid !== true) {
      throw new Refused("INVALID", `not well-formed at line ${valid.err.line}: ${valid.err.msg}`);
    }
    // The parser drops what stands behind the root.
    if (!text.trimEnd().endsWith(">")) throw new Refused("INVALID", "text after the root element");
    const roots = (parser.parse(text) as OrderedNode[]).filter((node) => !(textKey in node));
    const root = roots[0];
    if (root === undefined || roots.length > 1) throw new Refused("INVALID", "not one root element");
    return ok(resolve(root, noNamespaces, 1));
  } catch (error) {
    if (error instanceof Refused) return fail(error.code, error.message);
    const detail = error instanceof Error ? error.message : String(error);
    if (detail.includes("Maximum nested tags")) return fail("TOO_DEEP", tooDeep);
    return fail("INVALID", `not XML: ${detail.slice(0, 200)}`);
  }
}

const tooDeep = `elements are nested deeper than ${limits.xmlDepthMax}`;

type OrderedNode = Readonly<Record<string, unknown>>;
/** What an element declares, over what those around it do: at most `xmlDepthMax` of them. */
interface Namespaces {
  readonly own: ReadonlyMap<string, string>;
  readonly outer: Namespaces | null;
}
const noNamespaces: Namespaces = {
  own: new Map([["xml", "http://www.w3.org/XML/1998/namespace"]]),
  outer: null,
};

function namespaceOf(prefix: string, around: Namespaces): string {
  for (let at: Namespaces | null = around; at !== null; at = at.outer) {
    const found = at.own.get(prefix);
    if (found !== undefined) return found;
  }
  return "";
}

function resolve(node: OrderedNode, outer: Namespaces, depth: number): XmlElement {
  if (depth > limits.xmlDepthMax) throw new Refused("TOO_DEEP", tooDeep);
  const tag = Object.keys(node).find((key) => key !== attributesKey) ?? "";
  const attributes = node[attributesKey];
  const inner = attributes === undefined ? outer : declared(outer, attributes as Record<string, string>);
  const colon = tag.indexOf(":");
  const prefix = colon < 0 ? "" : tag.slice(0, colon);
  const name = tag.slice(colon + 1);
  const namespace = namespaceOf(prefix, inner);
  if (prefix !== "" && namespace === "")
    throw new Refused("INVALID", `the prefix of <${tag}> is not declared`);
  if (name === "" || name.includes(":")) throw new Refused("INVALID", `<${tag}> is not a qualified name`);
  let text = "";
  const children: XmlElement[] = [];
  for (const child of node[tag] as readonly OrderedNode[]) {
    const plain = child[textKey];
    const cdata = child[cdataKey];
    if (plain !== undefined) text += resolveReferences(plain as string);
    else if (cdata !== undefined) text += (cdata as readonly Record<string, string>[])[0]?.[textKey] ?? "";
    else children.push(resolve(child, inner, depth + 1));
  }
  return { namespace, name, text, children };
}

function declared(outer: Namespaces, attributes: Readonly<Record<string, string>>): Namespaces {
  const own = new Map<string, string>();
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "xmlns") own.set("", resolveReferences(value));
    else if (name.startsWith("xmlns:")) own.set(name.slice(6), resolveReferences(value));
  }
  return { own, outer };
}

const named = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

function resolveReferences(text: string): string {
  if (!text.includes("&")) return text;
  return text.replaceAll(/&([^;&\s]{0,12};?)/g, (_all, body: string) => {
    const reference = body.endsWith(";") ? body.slice(0, -1) : "";
    const known = named.get(reference);
    if (known !== undefined) return known;
    const digits = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(reference);
    const code =
      digits === null ? Number.NaN : Number.parseInt(digits[1] ?? digits[2] ?? "", digits[1] ? 16 : 10);
    if (code > 0x10ffff || Number.isNaN(code) || (code >= 0xd800 && code <= 0xdfff)) {
      throw new Refused("INVALID", `the entity &${body} is refused`); // S8
    }
    const character = String.fromCodePoint(code);
    if (illegal.test(character)) throw new Refused("INVALID", `the reference &${body} is no XML character`);
    return character;
  });
}

// Everything that XML 1.0 does not allow in a document, lone surrogates aside.
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const illegal = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/;
// oxlint-disable-next-line no-control-regex -- they are what is replaced
const illegalAll = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g;

function refuseIllegal(text: string): void {
  if (illegal.test(text)) throw new Refused("INVALID", "a control character that XML does not allow");
}

/** S8: `<!` may only begin a comment or a CDATA section. */
function refuseDeclarations(text: string): void {
  for (let at = text.indexOf("<!"); at >= 0;) {
    const end = text.startsWith("<!--", at)
      ? text.indexOf("-->", at + 4)
      : text.startsWith("<![CDATA[", at)
        ? text.indexOf("]]>", at + 9)
        : -2;
    if (end === -2) throw new Refused("INVALID", "a DOCTYPE or other declaration is refused");
    if (end === -1) throw new Refused("INVALID", "a comment or CDATA section has no end");
    at = text.indexOf("<!", end + 3);
  }
}

const needsEscape = /[&<>"'\r]/;
const escapes: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&apos;"],
  // A parser turns a bare carriage return into a line feed.
  ["\r", "&#13;"],
]);

/** Safe between tags and in attributes; what XML cannot carry becomes U+FFFD. */
export function escapeText(text: string): string {
  let safe = text.isWellFormed() ? text : text.toWellFormed();
  if (illegal.test(safe)) safe = safe.replaceAll(illegalAll, "\uFFFD");
  if (!needsEscape.test(safe)) return safe;
  return safe.replaceAll(/[&<>"'\r]/g, (character) => escapes.get(character) ?? character);
}
