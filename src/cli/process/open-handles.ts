import { AsyncLocalStorage, createHook } from "node:async_hooks";
import { type ActiveResources, activeResources, addedResources } from "../../conformance/active-resources.ts";

/** A timer, socket or pipe. While it is open and referenced, it keeps the process alive. */
interface Handle {
  hasRef(): boolean;
}

interface OpenedHandle {
  readonly work: string;
  /** It must not keep the handle from being collected: some handles are closed by that. */
  readonly handle: WeakRef<Handle>;
}

/** The handles that this process has opened since the start, and the work that opened each of them. */
export class OpenHandles {
  readonly #atStart: ActiveResources = activeResources();
  readonly #work = new AsyncLocalStorage<string>();
  readonly #opened = new Map<number, OpenedHandle>();
  #isWatching = false;

  /** Handles that are opened by this work, or by what it leaves running, bear its name. */
  during<Result>(work: string, run: () => Result): Result {
    this.#watch();
    return this.#work.run(work, run);
  }

  /** The work that makes the present call, or that started what makes it. */
  get work(): string | undefined {
    return this.#work.getStore();
  }

  /** The kinds of resources that are open now and were not at the start, such as `Timeout +1`. */
  get added(): readonly string[] {
    return addedResources(this.#atStart);
  }

  /** The work whose handles are still open, each named once. */
  get leftBy(): readonly string[] {
    const open = [...this.#opened.values()].filter(({ handle }) => handle.deref()?.hasRef() === true);
    return [...new Set(open.map(({ work }) => work))];
  }

  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    createHook({
      // An older Node does not know this option, tracks promises too, and is slower.
      trackPromises: false,
      init: (id, _, __, resource) => {
        if (!isHandle(resource)) return;
        const work = this.#work.getStore();
        if (work !== undefined) this.#opened.set(id, { work, handle: new WeakRef(resource) });
      },
      destroy: (id) => void this.#opened.delete(id),
    }).enable();
  }
}

function isHandle(resource: object): resource is Handle {
  return "hasRef" in resource && typeof resource.hasRef === "function";
}
