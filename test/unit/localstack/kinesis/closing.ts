import { afterEach } from "vitest";

type Closable = AsyncDisposable | Disposable;

/** @returns a function that hands its argument through, and closes it after the test */
export function closing(): <Resource extends Closable>(resource: Resource) => Resource {
  const open: Closable[] = [];
  afterEach(async () => {
    for (const resource of open.splice(0).reverse()) {
      if (Symbol.asyncDispose in resource) await resource[Symbol.asyncDispose]();
      else resource[Symbol.dispose]();
    }
  });
  return (resource) => {
    open.push(resource);
    return resource;
  };
}
