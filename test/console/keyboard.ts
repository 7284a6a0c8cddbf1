/** What a person does who has no mouse. */
import type { Locator, Page } from "playwright-core";

const stepsMax = 120;

/** Tabs to what is wanted, and fails where no Tab leads to it. */
export async function tabTo(page: Page, wanted: Locator): Promise<void> {
  await wanted.waitFor();
  for (let step = 0; step < stepsMax; step++) {
    if ((await wanted.and(page.locator(":focus")).count()) === 1) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`No Tab leads to ${wanted.toString()}.`);
}

/** Tabs to it and presses Enter. */
export async function enter(page: Page, wanted: Locator): Promise<void> {
  await tabTo(page, wanted);
  await page.keyboard.press("Enter");
}

/** Tabs to it and types, in place of what is there. */
export async function typeInto(page: Page, wanted: Locator, text: string): Promise<void> {
  await tabTo(page, wanted);
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(text);
}
