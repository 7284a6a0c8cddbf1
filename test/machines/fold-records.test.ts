/** What each fact makes of the state, in stories as the engine writes them: the fold, word for word. */
import { expect, test } from "vitest";
import { changesText, emptyText } from "./fold-record-text.ts";
import { engineStories } from "./stories/engine.ts";
import { flowStories } from "./stories/flows.ts";
import { requestStories } from "./stories/requests.ts";
import { ticketStories } from "./stories/tickets.ts";

const stories = [...requestStories, ...flowStories, ...ticketStories, ...engineStories];

test("R1: what each fact makes of the state, word for word", async () => {
  const lines = stories.flatMap(([name, before, goOn], index) => {
    const history = before();
    const from = history.facts.length;
    goOn(history);
    const isWhole = index === 0 || /^locks|^response/.test(name);
    return [`# ${name}`, "", ...changesText(history.facts, from, isWhole), ""];
  });
  const text = ["# before any fact", "", ...emptyText(), "", ...lines].join("\n");
  await expect(text).toMatchFileSnapshot("records/fold.txt");
});
