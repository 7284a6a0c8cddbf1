/** What somebody wrote, as the end of a sentence that others follow. */
export function withStop(text: string): string {
  const said = text.trim();
  return /[.!?…]$/u.test(said) ? said : `${said}.`;
}
