/** What a copier has done since it began. */
export class CopyCount {
  #copied = 0;
  #duplicates = 0;
  #returned = 0;

  add({ copied, duplicates, returned }: { readonly copied: number; readonly duplicates: number; readonly returned: number }): void {
    this.#copied += copied;
    this.#duplicates += duplicates;
    this.#returned += returned;
  }

  /** Written to the target. */
  get copied(): number {
    return this.#copied;
  }

  /** Left out because the target held them. */
  get duplicates(): number {
    return this.#duplicates;
  }

  /** Left out because they come from the target. */
  get returned(): number {
    return this.#returned;
  }
}
