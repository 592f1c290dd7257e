import { type LeaseStore, MemoryLeaseStore } from "../../../src/leases/index.ts";
import { ociError } from "../errors.ts";
import type { GroupStores } from "../service.ts";
import type { StreamSummary } from "../streams/stream-summary.ts";
import type { ObjectCalls } from "./object-calls.ts";
import { ObjectLeaseStore } from "./object-lease-store.ts";

const ROOT = "streamport";
const GROUP_OBJECT = "group";

/**
 * Groups in a bucket: `streamport/<OCID of the pool>/<stream>/<group>/`. Their rows say of which stream of that name they are, so that a group
 * does not begin anew in one that was created again, without a word.
 */
export class BucketGroups implements GroupStores {
  readonly #objects: ObjectCalls;

  constructor(objects: ObjectCalls) {
    this.#objects = objects;
  }

  storeOf(stream: StreamSummary, group: string): LeaseStore {
    return new ObjectLeaseStore(this.#objects, `${ROOT}/${placeOf(stream)}/${group}/`);
  }

  async list(stream: StreamSummary, signal: AbortSignal): Promise<readonly string[]> {
    const prefix = `${ROOT}/${placeOf(stream)}/`;
    const listed = await this.#objects.list(prefix, signal);
    return listed.flatMap(({ name }) => {
      const [group, object, ...rest] = name.slice(prefix.length).split("/");
      return object === GROUP_OBJECT && rest.length === 0 ? [group!] : [];
    });
  }
}

function placeOf({ identity, name }: StreamSummary): string {
  return `${identity.cluster}/${name}`;
}

/** Groups in this process: of one driver object and all its connections. They are gone with it. */
export class MemoryGroups implements GroupStores {
  readonly #stores = new Map<string, MemoryLeaseStore>();

  storeOf(stream: StreamSummary, group: string): LeaseStore {
    const name = `${placeOf(stream)}/${group}`;
    const store = this.#stores.get(name) ?? new MemoryLeaseStore();
    this.#stores.set(name, store);
    return store;
  }

  async list(stream: StreamSummary): Promise<readonly string[]> {
    const prefix = `${placeOf(stream)}/`;
    const own = [...this.#stores].filter(([name]) => name.startsWith(prefix));
    const rows = await Promise.all(
      own.map(async ([name, store]) => ((await store.readGroup()) === null ? [] : [name.slice(prefix.length)])),
    );
    return rows.flat();
  }
}

/** What is said where the options name no place for groups. */
export class NoGroups implements GroupStores {
  storeOf(): never {
    const text =
      "groups need a place for their leases: a bucket of Object Storage (leases.namespace and leases.bucket in the URL), or leases=memory for groups within one process";
    throw ociError("configuration", text);
  }

  async list(): Promise<readonly string[]> {
    return this.storeOf();
  }
}
