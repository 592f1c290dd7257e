/** Headers as the SDK's signer reads and writes them, without the global class that applications may have patched. */
export class RequestHeaders {
  readonly all = new Map<string, string>();

  has(name: string): boolean {
    return this.all.has(name.toLowerCase());
  }

  get(name: string): string | null {
    return this.all.get(name.toLowerCase()) ?? null;
  }

  set(name: string, value: string): void {
    this.all.set(name.toLowerCase(), value);
  }
}
