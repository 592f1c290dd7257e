import { requireDynalite } from "../library.ts";
import type { TableAnswer, TableOptions, Tables } from "./tables.ts";
import { openTables } from "./worker-tables.ts";

/** Tables that are opened by the first call: many tests need none. */
export class LazyTables implements Tables {
  readonly #options: TableOptions;
  #opening: Promise<Tables> | null = null;

  /** @throws `configuration` if dynalite is not installed */
  constructor(options: TableOptions) {
    requireDynalite();
    this.#options = options;
  }

  /** Has there been a call? Before, there is no table. */
  get areOpen(): boolean {
    return this.#opening !== null;
  }

  async call(operation: string, body: string): Promise<TableAnswer> {
    this.#opening ??= openTables(this.#options);
    return (await this.#opening).call(operation, body);
  }

  async close(): Promise<void> {
    const tables = await this.#opening?.catch(() => null);
    await tables?.close();
  }
}
