import { setImmediate } from "node:timers";
import type { CallName } from "../faults/event-hubs-faults.ts";
import type { BlobAccount } from "./blob-account.ts";
import { type BlobContainer, NO_CONDITIONS, type StoredBlob } from "./blob-container.ts";

/** What the name of a blob says, if it is one of a consumer group. */
export interface GroupBlob {
  /** In lower case, as all names in this layout. */
  readonly hub: string;
  readonly group: string;
  /** `ownership`, `checkpoint`, or what a client has beside them. */
  readonly kind: string;
  /** `null`: of the group as a whole. */
  readonly partition: string | null;
}

const OWNERSHIP = "ownership";
const CHECKPOINT = "checkpoint";
const OWNER = "ownerid";
const THIEF = "another-processor";
/** Of a partition that a processor has given up. */
const FREE: ReadonlyMap<string, string> = new Map([[OWNER, ""]]);

/**
 * The layout that the processors of all SDKs share: `<host>/<hub>/<group>/<kind>/<partition>`, with everything in metadata.
 * @param name of a blob, or the prefix of a list
 */
export function groupBlobOf(name: string): GroupBlob | null {
  const [host, hub, group, kind, partition] = name.split("/");
  if (!host || !hub || !group) return null;
  return { hub, group, kind: kind ?? "", partition: partition === undefined || partition === "" ? null : partition };
}

/** A write counts as a commit if it moves a checkpoint; all other writes keep something, such as an ownership. */
export function writeCall(name: string, before: StoredBlob | undefined, metadata: ReadonlyMap<string, string>): CallName {
  if (groupBlobOf(name)?.kind !== CHECKPOINT) return "WriteBlob";
  const moves = ["offset", "sequencenumber"].some((field) => before?.metadata.get(field) !== metadata.get(field));
  return moves ? "WriteCheckpoint" : "WriteBlob";
}

interface Owned {
  readonly container: BlobContainer;
  readonly blob: StoredBlob;
  readonly place: GroupBlob & { readonly partition: string };
}

/** The ownerships of groups, for faults that change them behind the backs of their owners. */
export class CheckpointBlobs {
  readonly #account: BlobAccount;
  #thieves = 0;

  constructor(account: BlobAccount) {
    this.#account = account;
  }

  /**
   * Another processor takes one partition from its owner, as after a freeze: it writes both the ownership and the checkpoint, which
   * stays where it is. In the next turn it gives the partition up, as processors do that close, so that nobody has to wait until it expires.
   * @returns what was taken; `null`: nothing had an owner
   */
  steal(hub: string | undefined, partition: string | undefined, nowMs: number): Owned["place"] | null {
    const owned = this.#owned(hub).find(
      ({ blob, place }) => (partition === undefined || place.partition === partition) && !blob.metadata.get(OWNER)!.startsWith(THIEF),
    );
    if (owned === undefined) return null;
    this.#thieves += 1;
    const thief = `${THIEF}-${this.#thieves}`;
    const { container, blob, place } = owned;
    container.setMetadata(blob.name, new Map([[OWNER, thief]]), NO_CONDITIONS, nowMs);
    setImmediate(() => {
      if (container.find(blob.name)?.metadata.get(OWNER) === thief) container.setMetadata(blob.name, FREE, NO_CONDITIONS, nowMs);
    });
    const checkpoint = container.find(blob.name.replace(`/${OWNERSHIP}/`, `/${CHECKPOINT}/`));
    if (checkpoint !== undefined) container.setMetadata(checkpoint.name, checkpoint.metadata, NO_CONDITIONS, nowMs);
    return place;
  }

  /** Every partition loses its owner, as if all processors had given theirs up. @returns whether any had one */
  releaseAll(hub: string | undefined, nowMs: number): boolean {
    const owned = this.#owned(hub);
    for (const { container, blob } of owned) container.setMetadata(blob.name, FREE, NO_CONDITIONS, nowMs);
    return owned.length > 0;
  }

  #owned(hub: string | undefined): readonly Owned[] {
    return this.#account.containers.flatMap((container) =>
      container.list("").flatMap((blob): readonly Owned[] => {
        const place = groupBlobOf(blob.name);
        if (place === null || place.kind !== OWNERSHIP || place.partition === null || !blob.metadata.get(OWNER)) return [];
        if (hub !== undefined && place.hub !== hub.toLowerCase()) return [];
        return [{ container, blob, place: { ...place, partition: place.partition } }];
      }),
    );
  }
}
