import { type KeyObject, createSecretKey } from "node:crypto";
import { BlobContainer } from "./blob-container.ts";
import { BlobRefusal } from "./blob-refusal.ts";

export interface BlobAccountSettings {
  readonly name: string;
  /** In base64, as clients have it. */
  readonly key: string;
  /** Lists directories beside blobs. */
  readonly hasDirectories: boolean;
  /** How many entries a page of a list has at most. */
  readonly mostListed: number;
}

const SHORTEST_NAME = 3;
const LONGEST_NAME = 63;
const VALID_NAME = /^[a-z0-9](?:-?[a-z0-9])*$/;

/** The containers of a storage account. */
export class BlobAccount {
  readonly name: string;
  readonly key: KeyObject;
  readonly hasDirectories: boolean;
  readonly mostListed: number;
  readonly #containers = new Map<string, BlobContainer>();
  #writes = 0;

  constructor({ name, key, hasDirectories, mostListed }: BlobAccountSettings) {
    this.name = name;
    this.key = createSecretKey(key, "base64");
    this.hasDirectories = hasDirectories;
    this.mostListed = mostListed;
  }

  get containers(): readonly BlobContainer[] {
    return [...this.#containers.values()];
  }

  /** @throws BlobRefusal */
  container(name: string): BlobContainer {
    const container = this.#containers.get(name);
    if (container === undefined) throw new BlobRefusal(404, "ContainerNotFound", "The specified container does not exist.");
    return container;
  }

  /** @throws BlobRefusal */
  createContainer(name: string, nowMs: number): BlobContainer {
    if (this.#containers.has(name)) {
      throw new BlobRefusal(409, "ContainerAlreadyExists", "The specified container already exists.");
    }
    if (name.length < SHORTEST_NAME || name.length > LONGEST_NAME) {
      throw new BlobRefusal(400, "OutOfRangeInput", "The specified resource name length is not within the permissible limits.");
    }
    if (!VALID_NAME.test(name))
      throw new BlobRefusal(400, "InvalidResourceName", "The specified resource name contains invalid characters.");
    const container = new BlobContainer(name, () => this.#nextEtag(), nowMs);
    this.#containers.set(name, container);
    return container;
  }

  /** With all its blobs. @throws BlobRefusal */
  deleteContainer(name: string): void {
    this.container(name);
    this.#containers.delete(name);
  }

  #nextEtag(): string {
    this.#writes += 1;
    return `0x8E0${this.#writes.toString(16).toUpperCase().padStart(12, "0")}`;
  }
}
