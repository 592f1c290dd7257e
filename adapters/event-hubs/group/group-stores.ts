import { type LeaseStore, MemoryLeaseStore } from "../../../src/leases/index.ts";
import { eventHubsError } from "../errors.ts";
import type { GroupStores } from "../service.ts";
import type { BlobCalls } from "./blob-calls.ts";
import { BlobLeaseStore } from "./blob-lease-store.ts";
import type { OffsetSearch } from "./offset-search.ts";

const GROUP_BLOB = "streamport/group";

/** Groups in a container: `<namespace>/<hub>/<group>/`, in lower case, as the processors of all SDKs have it. */
export class ContainerGroups implements GroupStores {
  readonly #blobs: BlobCalls;
  readonly #host: string;
  readonly #offsets: OffsetSearch;

  constructor(blobs: BlobCalls, host: string, offsets: OffsetSearch) {
    this.#blobs = blobs;
    this.#host = host;
    this.#offsets = offsets;
  }

  async storeOf(hub: string, group: string): Promise<LeaseStore> {
    return new BlobLeaseStore({
      blobs: this.#blobs,
      prefix: `${this.#prefixOf(hub)}${group.toLowerCase()}/`,
      group,
      placeOfOffset: (partition, offset, signal) => this.#offsets.find({ hub, group, partition, offset }, signal),
    });
  }

  async list(hub: string, signal: AbortSignal): Promise<readonly string[]> {
    const prefix = this.#prefixOf(hub);
    const listed = await this.#blobs.list(prefix, signal);
    return listed.flatMap(({ name, metadata }) => {
      const [folder = "", ...rest] = name.slice(prefix.length).split("/");
      return rest.join("/") === GROUP_BLOB ? [metadata["group"] ?? folder] : [];
    });
  }

  #prefixOf(hub: string): string {
    return `${this.#host}/${hub.toLowerCase()}/`;
  }
}

/** Groups in this process: of one driver object and all its connections. They are gone with it. */
export class MemoryGroups implements GroupStores {
  readonly #stores = new Map<string, { readonly group: string; readonly store: MemoryLeaseStore }>();

  async storeOf(hub: string, group: string): Promise<LeaseStore> {
    const name = `${hub.toLowerCase()}/${group.toLowerCase()}`;
    const found = this.#stores.get(name) ?? { group, store: new MemoryLeaseStore() };
    this.#stores.set(name, found);
    return found.store;
  }

  async list(hub: string): Promise<readonly string[]> {
    const own = [...this.#stores].filter(([name]) => name.startsWith(`${hub.toLowerCase()}/`));
    const names = await Promise.all(own.map(async ([, { group, store }]) => ((await store.readGroup()) === null ? [] : [group])));
    return names.flat();
  }
}

/** What is said where the options name no place for groups. */
export class NoGroups implements GroupStores {
  async storeOf(): Promise<never> {
    const text =
      "groups need a place for their leases and checkpoints: give `checkpoints` the URL of a container of Blob Storage, or memory for groups within one process";
    throw eventHubsError("configuration", text);
  }

  async list(): Promise<never> {
    return this.storeOf();
  }
}
