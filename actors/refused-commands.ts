/** L3: how many commands were refused because the lock they named had moved on; none of them leaves a fact. */
export class RefusedCommands {
  #count = 0;

  note(): void {
    this.#count += 1;
  }

  get count(): number {
    return this.#count;
  }
}
