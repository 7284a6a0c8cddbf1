/** Routes by path and method. A segment `{name}` stands for any one segment; a path without any goes first. */
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export type PathParams = Readonly<Record<string, string>>;

export interface FoundPath<Answer> {
  /** As it was added. */
  readonly template: string;
  readonly methods: ReadonlyMap<Method, Answer>;
  /** Decoded; null: a segment that cannot be. */
  readonly params: PathParams | null;
}

interface Template<Answer> {
  readonly segments: readonly string[];
  readonly methods: Map<Method, Answer>;
}

export class PathTable<Answer> {
  readonly #exact = new Map<string, Map<Method, Answer>>();
  readonly #templates: Template<Answer>[] = [];

  /** The same path and method again takes the place of the former. */
  add(method: Method, path: string, answer: Answer): void {
    if (path.includes("{")) this.#template(path).set(method, answer);
    else {
      const methods = this.#exact.get(path) ?? new Map<Method, Answer>();
      this.#exact.set(path, methods.set(method, answer));
    }
  }

  find(path: string): FoundPath<Answer> | null {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return { template: path, methods: exact, params: {} };
    const segments = path.split("/");
    const template = this.#templates.find((one) => fits(one.segments, segments));
    return template === undefined
      ? null
      : {
          template: template.segments.join("/"),
          methods: template.methods,
          params: paramsOf(template.segments, segments),
        };
  }

  #template(path: string): Map<Method, Answer> {
    const segments = path.split("/");
    const known = this.#templates.find((one) => one.segments.join("/") === path);
    if (known !== undefined) return known.methods;
    const methods = new Map<Method, Answer>();
    this.#templates.push({ segments, methods });
    return methods;
  }
}

function isParam(segment: string): boolean {
  return segment.startsWith("{");
}

function fits(template: readonly string[], path: readonly string[]): boolean {
  return (
    template.length === path.length &&
    template.every((segment, index) => (isParam(segment) ? path[index] !== "" : segment === path[index]))
  );
}

function paramsOf(template: readonly string[], path: readonly string[]): PathParams | null {
  const params: Record<string, string> = {};
  try {
    for (const [index, segment] of template.entries())
      if (isParam(segment)) params[segment.slice(1, -1)] = decodeURIComponent(path[index] ?? "");
  } catch {
    return null;
  }
  return params;
}
