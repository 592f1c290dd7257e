import type { Reader } from "../../replay/reader-types.ts";
import type { StreamError } from "../../errors.ts";
import type { BookmarkFile } from "../input/bookmark-file.ts";

/**
 * A provider that makes bookmarks itself bounds how many there may be (Pub/Sub: 5,000 snapshots a project), and keeps each for its whole
 * lifetime. One run leaves at most so many of them.
 */
const MOST_KEPT = 2_000;

/** Keeps the bookmark file of a reader up to date while its messages are printed. */
export class BookmarkKeeper {
  readonly #file: Pick<BookmarkFile, "write" | "writeSoon" | "forget">;
  readonly #reader: Pick<Reader<unknown>, "bookmark">;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #askedAtMs = -Infinity;
  #failure: StreamError | undefined;

  /** @param lifetimeMs of a bookmark that the provider makes; `null`: bookmarks cost nothing, so each is kept */
  constructor(
    file: Pick<BookmarkFile, "write" | "writeSoon" | "forget">,
    reader: Pick<Reader<unknown>, "bookmark">,
    lifetimeMs: number | null,
  ) {
    this.#file = file;
    this.#reader = reader;
    this.#everyMs = lifetimeMs === null ? 0 : lifetimeMs / MOST_KEPT;
  }

  /** Messages were handed out that are not printed yet: until they are, no bookmark is asked for. */
  handedOut(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** All that was handed out is printed. The first bookmark is asked for at once. @throws the error of an earlier bookmark or write */
  async printed(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const waitMs = this.#askedAtMs + this.#everyMs - performance.now();
    if (waitMs <= 0) await this.#ask();
    else this.#timer = setTimeout(() => void this.#ask().catch((error: StreamError) => (this.#failure = error)), waitMs);
  }

  async #ask(): Promise<void> {
    this.#askedAtMs = performance.now();
    this.#file.writeSoon(await this.#reader.bookmark());
  }

  /** Resolves when the file holds the bookmark of the end. @throws the error of the bookmark or of the write */
  async finish(): Promise<void> {
    this.handedOut();
    await this.#file.write(await this.#reader.bookmark());
  }

  /** Writes nothing more. */
  stop(): void {
    this.handedOut();
    this.#file.forget();
  }
}
