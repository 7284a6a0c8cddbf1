/** Draws the page, and starts what it lives on. */
import { render } from "preact";
import { start } from "./live.ts";
import { App } from "./view/app.tsx";

const page = document.querySelector("#page");
if (page === null) throw new Error("index.html has no #page.");
void start().then(() => {
  page.replaceChildren();
  render(<App />, page);
});
