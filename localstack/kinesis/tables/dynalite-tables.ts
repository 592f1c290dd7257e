import { performance } from "node:perf_hooks";
import type { Server } from "node:http";
import { loadDynalite } from "../library.ts";
import { callInProcess } from "./in-process-call.ts";
import type { TableAnswer, TableOptions, Tables } from "./tables.ts";

type Item = Readonly<Record<string, unknown>>;
type Json = Readonly<Record<string, unknown>>;

interface Table {
  readonly keyNames: readonly string[];
  /** Items that were written and are not yet copied to the replica, by their keys: since when. */
  readonly written: Map<string, { readonly key: Item; readonly sinceMs: number }>;
}

const READS = new Set(["GetItem", "Query", "Scan"]);
const SCHEMA_CHANGES = new Set(["CreateTable", "DeleteTable", "UpdateTable"]);

/**
 * Tables in dynalite, in this thread. There are two copies of each, as DynamoDB has: writes and consistent reads go to the leader, and all other
 * reads to a replica, which gets what was written a while later.
 */
export class DynaliteTables implements Tables {
  readonly #leader: Server;
  readonly #replica: Server;
  readonly #staleReadMs: number;
  readonly #tables = new Map<string, Table>();

  private constructor(leader: Server, replica: Server, staleReadMs: number) {
    this.#leader = leader;
    this.#replica = replica;
    this.#staleReadMs = staleReadMs;
  }

  /** @throws `configuration` if dynalite is not installed */
  static async open({ changeMs, staleReadMs }: TableOptions): Promise<DynaliteTables> {
    const dynalite = await loadDynalite();
    const open = (): Server => dynalite({ createTableMs: changeMs, deleteTableMs: changeMs, updateTableMs: changeMs });
    return new DynaliteTables(open(), open(), staleReadMs);
  }

  async call(operation: string, body: string): Promise<TableAnswer> {
    const input = parse(body);
    if (READS.has(operation) && input["ConsistentRead"] !== true) return this.#readReplica(operation, body, input);
    const answer = await callInProcess(this.#leader, operation, body);
    if (answer.status !== 200) return answer;
    if (SCHEMA_CHANGES.has(operation)) await this.#changeSchema(operation, body, input);
    for (const [table, key] of this.#writtenKeys(operation, input)) this.#note(table, key);
    return answer;
  }

  async #changeSchema(operation: string, body: string, input: Json): Promise<void> {
    const name = nameOf(input["TableName"]);
    if (operation === "DeleteTable") this.#tables.delete(name);
    if (operation === "CreateTable") {
      const schema = input["KeySchema"] as readonly { readonly AttributeName: string }[];
      this.#tables.set(name, { keyNames: schema.map(({ AttributeName }) => AttributeName), written: new Map() });
    }
    await callInProcess(this.#replica, operation, body);
  }

  *#writtenKeys(operation: string, input: Json): Generator<[Table, Item]> {
    const keyed = (name: unknown, item: unknown): [Table, Item][] => {
      const table = this.#tables.get(nameOf(name));
      return table === undefined ? [] : [[table, keyOf(table, item as Item)]];
    };
    if (operation === "UpdateItem" || operation === "DeleteItem") yield* keyed(input["TableName"], input["Key"]);
    if (operation === "PutItem") yield* keyed(input["TableName"], input["Item"]);
    if (operation !== "BatchWriteItem") return;
    for (const [name, writes] of Object.entries(input["RequestItems"] as Record<string, readonly Record<string, Json>[]>)) {
      for (const { PutRequest, DeleteRequest } of writes) yield* keyed(name, PutRequest?.["Item"] ?? DeleteRequest?.["Key"]);
    }
  }

  #note(table: Table, key: Item): void {
    const id = JSON.stringify(key);
    if (!table.written.has(id)) table.written.set(id, { key, sinceMs: performance.now() });
  }

  async #readReplica(operation: string, body: string, input: Json): Promise<TableAnswer> {
    const name = nameOf(input["TableName"]);
    const table = this.#tables.get(name);
    const dueMs = performance.now() - this.#staleReadMs;
    for (const [id, { key, sinceMs }] of table?.written ?? []) {
      if (sinceMs > dueMs) continue;
      table!.written.delete(id);
      await this.#copy(name, key);
    }
    return callInProcess(this.#replica, operation, body);
  }

  async #copy(TableName: string, Key: Item): Promise<void> {
    const { body } = await callInProcess(this.#leader, "GetItem", JSON.stringify({ TableName, Key, ConsistentRead: true }));
    const { Item } = parse(body);
    const [operation, what] = Item === undefined ? (["DeleteItem", { Key }] as const) : (["PutItem", { Item }] as const);
    await callInProcess(this.#replica, operation, JSON.stringify({ TableName, ...what }));
  }

  async close(): Promise<void> {
    await Promise.all([this.#leader, this.#replica].map((server) => new Promise<void>((resolve) => void server.close(() => resolve()))));
  }
}

function keyOf({ keyNames }: Table, item: Item): Item {
  return Object.fromEntries(keyNames.map((name) => [name, item[name]]));
}

/** The name, or the end of the ARN. */
function nameOf(name: unknown): string {
  const text = String(name);
  return text.slice(text.lastIndexOf("/") + 1);
}

function parse(body: string): Json {
  try {
    return JSON.parse(body) as Json;
  } catch {
    // The library answers with the error of the service.
    return {};
  }
}
