import type { Operation } from "./call.ts";
import { unescaped } from "./query.ts";

export interface Route {
  readonly operation: Operation;
  readonly path: Readonly<Record<string, string>>;
}

/** Finds the operation of a request by its method and path. */
export class Routes {
  readonly #operations: readonly { readonly operation: Operation; readonly parts: readonly string[] }[];

  constructor(operations: readonly Operation[]) {
    this.#operations = operations.map((operation) => ({ operation, parts: partsOf(operation.path) }));
  }

  /**
   * @param path as it was sent, without the query
   * @returns `null`: no such path on this endpoint. `"method"`: not by this method
   */
  find(endpoint: Operation["endpoint"], method: string, path: string): Route | "method" | null {
    const parts = partsOf(path);
    let isKnown = false;
    for (const { operation, parts: pattern } of this.#operations) {
      const variables = operation.endpoint === endpoint ? match(pattern, parts) : null;
      if (variables === null) continue;
      if (operation.method === method) return { operation, path: variables };
      isKnown = true;
    }
    return isKnown ? "method" : null;
  }
}

function partsOf(path: string): readonly string[] {
  return path
    .split("/")
    .slice(1)
    .filter((part, index, all) => part !== "" || index < all.length - 1);
}

function match(pattern: readonly string[], parts: readonly string[]): Readonly<Record<string, string>> | null {
  const variables: Record<string, string> = {};
  for (const [index, wanted] of pattern.entries()) {
    const part = parts[index];
    if (part === undefined) return null;
    if (wanted.endsWith("+}")) {
      variables[wanted.slice(1, -2)] = unescaped(parts.slice(index).join("/"));
      return variables;
    }
    if (wanted.startsWith("{")) variables[wanted.slice(1, -1)] = unescaped(part);
    else if (wanted !== part) return null;
  }
  return parts.length === pattern.length ? variables : null;
}
